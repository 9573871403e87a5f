// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/key_scores_f32.cu"
#include "generated/key_scores_f16.cu"
#include "generated/key_scores_bf16.cu"
