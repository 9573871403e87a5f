// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/compressed_conv_mma16_bf16_d64.cu"
#include "generated/compressed_conv_mma16_bf16_d128.cu"
#include "generated/compressed_conv_mma16_bf16_d256.cu"
