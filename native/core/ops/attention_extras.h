#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "core/ops/attention.h"

namespace fattn {

/// A tensor that a call may have besides q, k, v and out.
struct OptionalTensor {
  using Member = TensorView AttentionArgs::*;
  std::string_view name;  // of the option; a literal
  Member view;
};

/// All of them, in the order in which the binding passes them. Only the first is written.
inline constexpr std::array<OptionalTensor, 18> kOptionalTensors{{
    {"lse", &AttentionArgs::lse},
    {"bias", &AttentionArgs::bias},
    {"mask", &AttentionArgs::mask},
    {"sinks", &AttentionArgs::sinks},
    {"alibiSlopes", &AttentionArgs::alibi_slopes},
    {"temperature", &AttentionArgs::temperature},
    {"gate", &AttentionArgs::gate},
    {"segments.q", &AttentionArgs::segments_q},
    {"segments.k", &AttentionArgs::segments_k},
    {"prefixLengths", &AttentionArgs::prefix_lengths},
    {"kvLengths", &AttentionArgs::kv_lengths},
    {"cuSeqLensQ", &AttentionArgs::cu_seq_lens_q},
    {"cuSeqLensK", &AttentionArgs::cu_seq_lens_k},
    {"window.left", &AttentionArgs::window_left},
    {"window.right", &AttentionArgs::window_right},
    {"sinkTokens", &AttentionArgs::sink_tokens},
    {"headMap.k", &AttentionArgs::head_map_k},
    {"headMap.v", &AttentionArgs::head_map_v},
}};

/// Which of them a call has, and what reading or writing them costs at least. With an
/// `AttentionDesc` it is all that choosing a kernel takes, for a call and for a question alike.
class AttentionExtras {
 public:
  AttentionExtras() = default;
  /// Those of a call. An axis of stride 0 repeats what is stored once, and one tensor may be the
  /// segments of queries and keys.
  explicit AttentionExtras(AttentionArgs const& args);

  /// `bytes`: of the elements that are stored.
  void add(OptionalTensor::Member tensor, double bytes);

  bool has(OptionalTensor::Member tensor) const { return present_[index_of(tensor)]; }
  double bytes() const { return bytes_; }

 private:
  static constexpr size_t index_of(OptionalTensor::Member tensor) {
    size_t index = 0;
    while (kOptionalTensors[index].view != tensor) ++index;
    return index;
  }

  std::array<bool, kOptionalTensors.size()> present_{};
  double bytes_ = 0;
};

}  // namespace fattn
