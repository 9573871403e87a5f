#pragma once

#include <vector>

#include "backends/cpu/attention/plan.h"
#include "core/ops/attention.h"

namespace fattn::cpu {

/// Output heads, resolved: maps, masks and groups of heads that read the same K and V head.
struct Heads {
  std::vector<int32_t> q_heads;       // [hO]
  std::vector<StructuralMask> masks;  // [hO]
  std::vector<int32_t> group_heads;   // [hO], output heads ordered by group
  std::vector<HeadGroup> groups;
};

/// Throws ERR_INDEX where a map or a per-head option is out of range.
Heads plan_heads(AttentionDesc const& desc, AttentionArgs const& args);

}  // namespace fattn::cpu
