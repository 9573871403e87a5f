// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/attention_mma16_f16_d32.cu"
#include "generated/attention_mma16_f16_d32_general.cu"
#include "generated/attention_mma16_f16_d64.cu"
#include "generated/attention_mma16_f16_d64_general.cu"
#include "generated/attention_mma16_f16_d96.cu"
#include "generated/attention_mma16_f16_d96_general.cu"
#include "generated/attention_mma16_f16_d128.cu"
#include "generated/attention_mma16_f16_d128_general.cu"
#include "generated/attention_mma16_f16_d192.cu"
#include "generated/attention_mma16_f16_d192_general.cu"
#include "generated/attention_mma16_f16_d256.cu"
#include "generated/attention_mma16_f16_d256_general.cu"
