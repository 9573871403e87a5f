#pragma once

#include "backends/cpu/kernel_table.h"
#include "backends/cpu/thread_pool.h"
#include "core/ops/compressed_conv.h"

namespace fattn::cpu {

/// Plans the prologue of compressed convolutional attention, then runs its tiles with `kernels` on
/// the threads of `job`. `args` has passed check_compressed_conv(). Throws ERR_INDEX, before
/// anything is written, where an index tensor holds a value outside its range.
void run_compressed_conv(JobContext& job, CompressedConvDesc const& desc,
                         CompressedConvArgs const& args, KernelTable const& kernels);

/// Bytes that the tiles read and write: with the halo that each reads in front of its tokens, and
/// parameters once, as they stay in cache.
double compressed_conv_traffic(CompressedConvDesc const& desc);

}  // namespace fattn::cpu
