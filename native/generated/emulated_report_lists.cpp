// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.

#include "generated/report_lists.cu"
