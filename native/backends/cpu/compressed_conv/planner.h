#pragma once

#include <vector>

#include "backends/cpu/compressed_conv/plan.h"
#include "core/ops/compressed_conv.h"

namespace fattn::cpu {

/// A plan and what it points to.
struct PlannedConv {
  ConvPlan plan;
  std::vector<ConvSequence> sequences;
  std::vector<ConvTask> tasks;
  std::vector<float> w1, b1, b2, tau;  // where the tensors are not float32, or absent
  std::vector<char> first_delayed;
  std::vector<double> frequencies, step_cos, step_sin;
};

/// Throws ERR_INDEX where an index tensor holds a value outside its range.
void plan_compressed_conv(PlannedConv& planned, CompressedConvDesc const& desc,
                          CompressedConvArgs const& args, int threads);

}  // namespace fattn::cpu
