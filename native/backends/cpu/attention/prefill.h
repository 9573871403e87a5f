// The prefill kernel: up to 192 stacked query rows of one head group against blocks of 128 packed
// keys, which come from a key source (contiguous_keys.h says what one is).
#pragma once

#include "backends/cpu/attention/contiguous_keys.h"
#include "backends/cpu/attention/pack.h"
#include "backends/cpu/attention/softmax.h"

namespace fattn::cpu {

template <class Isa, class Product, class Keys>
class Prefill {
 public:
  static void run(AttentionPlan const& plan, AttentionTask const& task, void* scratch) {
    Prefill kernel(plan, task, scratch);
    kernel.describe_rows();
    kernel.pack_queries();
    kernel.keys_.start(kernel.limits_, kernel.rows_, task.chunk);
    while (kernel.keys_.next()) {
      if (plan.stopped(plan.job)) return;
      kernel.block();
    }
    for (int r = 0; r < kernel.rows_; ++r) {
      store_row<Isa>(plan, kernel.seq_, kernel.s_.rows, r, task.chunk);
    }
  }

 private:
  static constexpr int kLanes = Isa::kLanes, kPanel = kLanes * Isa::kPanelVectors;
  static constexpr int kGrain = kLanes * Product::kPerStep;  // columns are handled in multiples
  using Element = typename Product::Element;

  Prefill(AttentionPlan const& plan, AttentionTask const& task, void* scratch)
      : plan_(plan),
        task_(task),
        seq_(plan.sequences[task.sequence]),
        group_(plan.groups[task.group_begin]),
        queries_(task.row_end - task.row_begin),
        rows_((task.head_end - task.head_begin) * queries_),
        tiles_((rows_ + kRowsPerTile - 1) / kRowsPerTile),
        steps_((plan.head_dim + Product::kPerStep - 1) / Product::kPerStep),
        s_(lay_out(plan, rows_, scratch)),
        keys_(plan, seq_, group_, s_) {}

  static PrefillScratch lay_out(AttentionPlan const& plan, int rows, void* scratch) {
    Arena arena{static_cast<char*>(scratch)};
    return PrefillScratch::lay_out(arena, rows, plan.head_dim, plan.head_dim_v,
                                   Product::kPerStep == 2);
  }

  /// Rows are stacked head by head, so that the rows of a tile are neighbours in the sequence.
  void describe_rows() {
    for (int t = 0; t < tiles_; ++t) {
      s_.tile_limits[t] = RowBlockLimits::none();
      s_.tile_segments[t] = SegmentRange();
      s_.tile_queries[t] = QueryRange();
    }
    for (int r = 0; r < rows_; ++r) {
      int const head = plan_.group_heads[group_.first + task_.head_begin + r / queries_];
      s_.rows.info[r] = describe_row<Isa>(plan_, seq_, head, task_.row_begin + r % queries_);
      s_.tile_limits[r / kRowsPerTile].add(s_.rows.info[r].limits);
      s_.tile_segments[r / kRowsPerTile].add(s_.rows.info[r].segment);
      s_.tile_queries[r / kRowsPerTile].add(s_.rows.info[r].query);
      limits_.add(s_.rows.info[r].limits);
    }
    clear_rows<Isa>(s_.rows, 0, static_cast<int>(round_up(rows_, kRowMultiple)));
  }

  void pack_queries() {
    with_source<Isa>(plan_.q.dtype, [&]<class Source>() {
      for (int r = 0; r < rows_; ++r) {
        RowInfo const& row = s_.rows.info[r];
        pack_row<Isa, Source, Product>(
            row_of<Source>(plan_.q, seq_.q, row.query, plan_.q_heads[row.head]), plan_.head_dim,
            s_.q + r * s_.q_stride);
      }
    });
    for (int64_t r = rows_; r < tiles_ * kRowsPerTile; ++r) {
      for (int64_t c = 0; c < s_.q_stride; c += kLanes) {
        Isa::store(s_.q + r * s_.q_stride + c, Isa::set1(0));
      }
    }
  }

  /// One step of the online softmax over the block that the key source is at.
  void block() {
    if (!choose_columns()) return;
    with_source<Isa>(plan_.k.dtype, [&]<class Source>() {
      pack_keys<Isa, Source, Product>(plan_.k, seq_.k, group_.k_head, keys_, end_, plan_.head_dim,
                                      s_.keys, int64_t{steps_} * kPanel);
    });
    score();
    weigh();
    bool const bad = pack_block_values();
    multiply_values();
    if (bad) add_bad_values();
  }

  /// The columns each tile sees of this block; false if no tile sees any.
  bool choose_columns() {
    end_ = 0;
    for (int t = 0; t < tiles_; ++t) {
      int begin = 0, end = 0;
      s_.tile_begin[t] = s_.tile_end[t] = 0;
      if (!keys_.columns(t, begin, end)) continue;
      s_.tile_begin[t] = static_cast<int16_t>(begin / kGrain * kGrain);
      s_.tile_end[t] = static_cast<int16_t>((end + kGrain - 1) / kGrain * kGrain);
      if (end > end_) end_ = end;
    }
    return end_ > 0;
  }

  bool whole(int t) const { return keys_.whole(t, s_.tile_begin[t], s_.tile_end[t]); }

  void score() {
    for (int r = 0; r < round_up(rows_, kRowMultiple); ++r) {
      Isa::store(s_.tile_max + r * kLanes, Isa::set1(-__builtin_inff()));
    }
    for (int panel = 0; panel < end_; panel += kPanel) {
      auto const* b = reinterpret_cast<Element const*>(s_.keys) + int64_t{panel} * steps_;
      for (int t = 0; t < tiles_; ++t) {
        int const begin = s_.tile_begin[t] > panel ? s_.tile_begin[t] - panel : 0;
        int const end = s_.tile_end[t] - panel < kPanel ? s_.tile_end[t] - panel : kPanel;
        if (begin >= end) continue;
        int64_t const row = int64_t{t} * kRowsPerTile;
        score_panel_of<Isa, Product>(
            (end - begin) / kLanes, reinterpret_cast<Element const*>(s_.q) + row * s_.q_stride,
            s_.q_stride, b + begin, int64_t{kPanel}, steps_,
            s_.scores + row * kBlockKeys + panel + begin, s_.tile_max + row * kLanes);
      }
    }
    for (int t = 0; t < tiles_; ++t) {
      if (s_.tile_begin[t] < s_.tile_end[t] && !whole(t)) mask_tile(t);
    }
  }

  void mask_tile(int t) {
    int const last = rows_ < (t + 1) * kRowsPerTile ? rows_ : (t + 1) * kRowsPerTile;
    for (int r = t * kRowsPerTile; r < last; ++r) {
      auto most = keys_.mask_row(s_.rows.info[r], s_.scores + int64_t{r} * kBlockKeys,
                                 s_.tile_begin[t], s_.tile_end[t]);
      Isa::store(s_.tile_max + r * kLanes, most);
    }
  }

  void weigh() {
    float const unit = keys_.unit();
    for (int r = 0; r < tiles_ * kRowsPerTile; r += kLanes) {
      advance_max<Isa>(s_.tile_max + r * kLanes, unit, s_.rows.row_max + r, s_.rows.row_sum + r,
                       s_.factor + r);
    }
    for (int t = 0; t < tiles_; ++t) {
      for (int r = t * kRowsPerTile; r < (t + 1) * kRowsPerTile; ++r) {
        auto sum = weigh_row<Isa, Product>(s_.scores + int64_t{r} * kBlockKeys,
                                           s_.weights + int64_t{r} * kBlockKeys / 2, unit,
                                           s_.rows.row_max[r], s_.tile_begin[t], s_.tile_end[t]);
        Isa::store(s_.tile_sum + r * kLanes, sum);
      }
    }
    for (int r = 0; r < rows_; r += kLanes) {
      typename Isa::F sums[kLanes];
      FATTN_UNROLL for (int i = 0; i < kLanes; ++i) {
        sums[i] = Isa::load(s_.tile_sum + (r + i) * kLanes);
      }
      Isa::store(s_.rows.row_sum + r,
                 Isa::load(s_.rows.row_sum + r) + Isa::template reduce_rows<SumOf<Isa>>(sums));
    }
  }

  /// An invisible key must not reach a row even if its value is NaN or infinite, though its weight
  /// of 0 is multiplied with it. So in blocks with invisible pairs such values are packed as 0, and
  /// added to the rows that do see them afterwards. Returns whether there are any. (Only then may
  /// the last bit of the finite columns of those values depend on how rows were cut into tasks.)
  bool pack_block_values() {
    bool all_whole = true;
    for (int t = 0; t < tiles_; ++t) {
      if (s_.tile_begin[t] < s_.tile_end[t]) all_whole &= whole(t);
    }
    bool bad = false;
    int const steps = kBlockKeys / Product::kPerStep;
    with_source<Isa>(plan_.v.dtype, [&]<class Source>() {
      bad =
          !all_whole && find_bad_values<Isa, Source, Product>(plan_.v, seq_.v, group_.v_head, keys_,
                                                              end_, plan_.head_dim_v, s_.bad_keys);
      pack_values<Isa, Source, Product>(plan_.v, seq_.v, group_.v_head, keys_, end_,
                                        plan_.head_dim_v, bad ? s_.bad_keys : nullptr, s_.values,
                                        steps);
    });
    return bad;
  }

  void multiply_values() {
    int const width = static_cast<int>(round_up(plan_.head_dim_v, kLanes));
    int64_t const row_elements = kBlockKeys / Product::kPerStep;
    auto const* weights = Product::kPerStep == 2 ? reinterpret_cast<Element const*>(s_.weights)
                                                 : reinterpret_cast<Element const*>(s_.scores);
    for (int column = 0; column < width; column += kPanel) {
      int const panel = width - column < kPanel ? width - column : kPanel;
      auto const* v = reinterpret_cast<Element const*>(s_.values) + column * row_elements;
      for (int t = 0; t < tiles_; ++t) {
        int const begin = s_.tile_begin[t] / Product::kPerStep;
        int const end = ((s_.tile_end[t] < end_ ? s_.tile_end[t] : end_) + Product::kPerStep - 1) /
                        Product::kPerStep;
        if (begin >= end) continue;
        int64_t const row = int64_t{t} * kRowsPerTile;
        value_panel_of<Isa, Product>(panel / kLanes, weights + row * row_elements + begin,
                                     row_elements, v + int64_t{begin} * panel, int64_t{panel},
                                     end - begin, s_.rows.out + row * s_.rows.out_stride + column,
                                     s_.rows.out_stride, s_.factor + row);
      }
    }
  }

  void add_bad_values() {
    with_source<Isa>(plan_.v.dtype, [&]<class Source>() {
      for (int j = 0; j < end_; ++j) {
        if (!s_.bad_keys[j]) continue;
        auto const* v = row_of<Source>(plan_.v, seq_.v, keys_.token(j), group_.v_head);
        for (int r = 0; r < rows_; ++r) {
          int const t = r / kRowsPerTile;
          if (j < s_.tile_begin[t] || j >= s_.tile_end[t]) continue;
          if (!keys_.sees(s_.rows.info[r], j)) continue;
          add_value<Source>(r, weight(r, j), v);
        }
      }
    });
  }

  template <class Source>
  void add_value(int r, float weight, typename Source::Element const* v) {
    float* out = s_.rows.out + r * s_.rows.out_stride;
    for (int c = 0; c < plan_.head_dim_v; c += kLanes) {
      auto x = load_upto<Isa, Source>(v + c, plan_.head_dim_v - c);
      Isa::store(out + c, Isa::fma(x, Isa::set1(weight), Isa::load(out + c)));
    }
  }

  float weight(int r, int j) const {
    if (Product::kPerStep == 1) return s_.scores[int64_t{r} * kBlockKeys + j];
    uint32_t const pair = static_cast<uint32_t>(s_.weights[(int64_t{r} * kBlockKeys + j) / 2]);
    return __builtin_bit_cast(float, j % 2 ? pair & 0xffff0000u : pair << 16);
  }

  AttentionPlan const& plan_;
  AttentionTask const& task_;
  Sequence const& seq_;
  HeadGroup const& group_;
  int const queries_, rows_, tiles_, steps_;
  RowBlockLimits limits_ = RowBlockLimits::none();
  PrefillScratch s_;
  Keys keys_;
  int end_ = 0;  // columns of the block at hand that some tile sees
};

}  // namespace fattn::cpu
