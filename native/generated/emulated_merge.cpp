// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/merge_f32.cu"
#include "generated/merge_f16.cu"
#include "generated/merge_bf16.cu"
