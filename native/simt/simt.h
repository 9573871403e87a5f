// The vocabulary of the kernels, and nothing more: every primitive they may use. Each is declared
// and documented once, in the headers below, and implemented twice: simt/cuda by PTX for the GPU,
// simt/host by an emulation that looks for mistakes.
#pragma once

#include "simt/annotations.h"
#include "simt/bulk.h"
#include "simt/copies.h"
#include "simt/fragments.h"
#include "simt/functions.h"
#include "simt/kernel.h"
#include "simt/mbarrier.h"
#include "simt/numeric.h"
#include "simt/proxy.h"
#include "simt/registers.h"
#include "simt/shared.h"
#include "simt/tensor_map.h"
#include "simt/threads.h"
#include "simt/warpgroup.h"

#if defined(__CUDACC__)
#include "simt/cuda/implementation.h"
#else
#include "simt/host/implementation.h"
#endif
