// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/rope_f32.cu"
#include "generated/rope_f16.cu"
#include "generated/rope_bf16.cu"
