// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/combine_f32.cu"
#include "generated/combine_f16.cu"
#include "generated/combine_bf16.cu"
