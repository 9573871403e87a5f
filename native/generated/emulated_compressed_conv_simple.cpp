// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/compressed_conv_simple_f32.cu"
#include "generated/compressed_conv_simple_f16.cu"
#include "generated/compressed_conv_simple_bf16.cu"
