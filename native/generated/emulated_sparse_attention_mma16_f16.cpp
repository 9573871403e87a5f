// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/sparse_attention_mma16_f16_d64.cu"
#include "generated/sparse_attention_mma16_f16_d128.cu"
