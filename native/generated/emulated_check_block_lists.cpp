// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/check_block_lists.cu"
