// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/linear_mma16_f16.cu"
#include "generated/linear_mma16_bf16.cu"
