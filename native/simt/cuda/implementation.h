// The vocabulary on CUDA, one file per header of simt/. The only inline assembly of the code base.
#pragma once

#include "simt/cuda/bulk.h"
#include "simt/cuda/copies.h"
#include "simt/cuda/fragments.h"
#include "simt/cuda/functions.h"
#include "simt/cuda/kernel.h"
#include "simt/cuda/mbarrier.h"
#include "simt/cuda/numeric.h"
#include "simt/cuda/proxy.h"
#include "simt/cuda/registers.h"
#include "simt/cuda/shared.h"
#include "simt/cuda/threads.h"
#include "simt/cuda/warpgroup.h"
