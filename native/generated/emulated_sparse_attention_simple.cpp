// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/sparse_attention_simple_f32.cu"
#include "generated/sparse_attention_simple_f16.cu"
#include "generated/sparse_attention_simple_bf16.cu"
