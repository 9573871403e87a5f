// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/compressed_conv_prepare_f16.cu"
#include "generated/compressed_conv_prepare_bf16.cu"
