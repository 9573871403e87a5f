#pragma once

#include "backends/cpu/kernel_table.h"
#include "backends/cpu/thread_pool.h"
#include "core/backend.h"

namespace fattn::cpu {

/// Plans the prologue of compressed convolutional attention, then runs its tiles with `kernels` on
/// the threads of `job`. `args` has passed check_compressed_conv(). Throws ERR_INDEX, before
/// anything is written, where an index tensor holds a value outside its range.
void run_compressed_conv(JobContext& job, CompressedConvDesc const& desc,
                         CompressedConvArgs const& args, KernelTable const& kernels);

/// What it would cost. The tiles move the halo that each reads in front of its tokens besides what
/// is compulsory, and parameters once, as they stay in cache.
CompressedConvExplanation explain_compressed_conv(CompressedConvDesc const& desc,
                                                  KernelTable const& kernels);

}  // namespace fattn::cpu
