// Heads of a call: which query, key and value head makes each output head, and which of them share
// tiles.
#include "backends/cpu/attention/heads.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace fattn::cpu {
namespace {

int32_t shared_head(HeadMap map, int64_t out_head, int64_t heads, int64_t heads_out) {
  if (map == HeadMap::kTile) return static_cast<int32_t>(out_head % heads);
  return static_cast<int32_t>(out_head * heads / heads_out);
}

std::vector<int32_t> mapped_heads(char const* name, TensorView const& map, HeadMap rule,
                                  int64_t heads, int64_t heads_out) {
  std::vector<int32_t> result(heads_out);
  for (int64_t o = 0; o < heads_out; ++o) {
    result[o] = map.defined() ? map.data<int32_t>()[o * map.strides[0]]
                              : shared_head(rule, o, heads, heads_out);
    check(result[o] >= 0 && result[o] < heads, ErrorCode::kIndex, name, "[", o, "] is ", result[o],
          ", expected 0 to ", heads - 1);
  }
  return result;
}

int32_t per_head(char const* name, TensorView const& values, int64_t head, int64_t otherwise,
                 int32_t least) {
  int64_t const value =
      values.defined() ? values.data<int32_t>()[head * values.strides[0]] : otherwise;
  check(value >= least, ErrorCode::kIndex, name, "[", head, "] is ", value, ", expected at least ",
        least);
  return static_cast<int32_t>(std::min<int64_t>(value, INT32_MAX));
}

}  // namespace

Heads plan_heads(AttentionDesc const& desc, AttentionArgs const& args) {
  Heads heads;
  // One rule for whatever has fewer heads than the output; without the caller's, queries that are
  // shared are tiled.
  bool const reversed = desc.heads_out > desc.heads_q;
  HeadMap const rule = desc.head_map != HeadMap::kDefault ? desc.head_map
                       : reversed                         ? HeadMap::kTile
                                                          : HeadMap::kGrouped;
  heads.q_heads = mapped_heads("q heads", {}, rule, desc.heads_q, desc.heads_out);
  auto const k = mapped_heads("headMap.k", args.head_map_k, rule, desc.heads_k, desc.heads_out);
  auto const v = mapped_heads("headMap.v", args.head_map_v, rule, desc.heads_v, desc.heads_out);

  for (int64_t o = 0; o < desc.heads_out; ++o) {
    heads.masks.push_back({desc.causal,
                           per_head("window.left", args.window_left, o, desc.window_left, -1),
                           per_head("window.right", args.window_right, o, desc.window_right, -1),
                           per_head("sinkTokens", args.sink_tokens, o, desc.sink_tokens, 0)});
  }
  heads.group_heads.resize(desc.heads_out);
  std::iota(heads.group_heads.begin(), heads.group_heads.end(), 0);
  std::stable_sort(heads.group_heads.begin(), heads.group_heads.end(), [&](int32_t a, int32_t b) {
    return std::pair(k[a], v[a]) < std::pair(k[b], v[b]);
  });
  for (int32_t i = 0; i < desc.heads_out; ++i) {
    int32_t const o = heads.group_heads[i];
    bool const same = !heads.groups.empty() && heads.groups.back().k_head == k[o] &&
                      heads.groups.back().v_head == v[o];
    if (!same) heads.groups.push_back({k[o], v[o], i, 0, 0});
    ++heads.groups.back().count;
  }
  return heads;
}

}  // namespace fattn::cpu
