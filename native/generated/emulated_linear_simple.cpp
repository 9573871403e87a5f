// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/linear_simple_f32.cu"
#include "generated/linear_simple_f16.cu"
#include "generated/linear_simple_bf16.cu"
