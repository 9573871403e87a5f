// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/rms_norm_f32.cu"
#include "generated/rms_norm_f16.cu"
#include "generated/rms_norm_bf16.cu"
