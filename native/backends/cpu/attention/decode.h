// The decode kernel: a few query rows against one chunk of keys, streamed once from memory and
// shared by all heads of a group. Nothing is packed: a row of keys meets every query row while it
// is in registers.
#pragma once

#include "backends/cpu/attention/softmax.h"

namespace fattn::cpu {

template <class Isa>
class Decode {
 public:
  static void run(AttentionPlan const& plan, AttentionTask const& task, void* scratch) {
    Decode kernel(plan, task, scratch);
    kernel.describe_rows();
    int const chunk_begin = task.chunk * kDecodeChunkKeys;
    int const chunk_end =
        kernel.seq_.chunks == 1 || kernel.seq_.seq_kv - chunk_begin < kDecodeChunkKeys
            ? kernel.seq_.seq_kv
            : chunk_begin + kDecodeChunkKeys;
    with_source<Isa>(plan.k.dtype, [&]<class Source>() {
      for (int key = chunk_begin; key < chunk_end; key += kDecodeBlockKeys) {
        int const count = chunk_end - key < kDecodeBlockKeys ? chunk_end - key : kDecodeBlockKeys;
        for (int g = task.group_begin; g < task.group_end; ++g) {
          kernel.template block<Source>(g, key, count);
        }
      }
    });
    kernel.store();
  }

 private:
  static constexpr int kLanes = Isa::kLanes;
  static constexpr int kHeads = 4;               // query rows that share a load of keys or values
  static constexpr int kKeys = kLanes / kHeads;  // keys whose 4 x kKeys products fill one vector
  using F = typename Isa::F;

  Decode(AttentionPlan const& plan, AttentionTask const& task, void* scratch)
      : plan_(plan), task_(task), seq_(plan.sequences[task.sequence]) {
    Arena arena{static_cast<char*>(scratch)};
    s_ = DecodeScratch::lay_out(arena, task.group_end - task.group_begin, plan.head_dim,
                                plan.head_dim_v);
  }

  int rows_of(HeadGroup const& group) const { return group.count * seq_.seq_q; }

  void describe_rows() {
    for (int g = task_.group_begin; g < task_.group_end; ++g) {
      HeadGroup const& group = plan_.groups[g];
      int const first = (g - task_.group_begin) * kDecodeRows;
      clear_rows<Isa>(s_.rows, first, kDecodeRows);
      for (int r = 0; r < kDecodeRows; ++r) {
        float* q = s_.q + (first + r) * s_.q_stride;
        for (int64_t c = 0; c < s_.q_stride; c += kLanes) Isa::store(q + c, Isa::zero());
        if (r >= rows_of(group)) continue;
        int const head = plan_.group_heads[group.first + r / seq_.seq_q];
        RowInfo& row = s_.rows.info[first + r];
        row = describe_row<Isa>(plan_, seq_, head, r % seq_.seq_q);
        with_source<Isa>(plan_.q.dtype, [&]<class Source>() {
          auto const* source = row_of<Source>(plan_.q, seq_.q, row.query, plan_.q_heads[head]);
          for (int c = 0; c < plan_.head_dim; c += kLanes) {
            Isa::store(q + c, load_upto<Isa, Source>(source + c, plan_.head_dim - c));
          }
        });
      }
    }
  }

  template <class Source>
  void block(int g, int key, int count) {
    HeadGroup const& group = plan_.groups[g];
    int const first = (g - task_.group_begin) * kDecodeRows, rows = rows_of(group);
    RowBlockLimits limits = RowBlockLimits::none();
    for (int r = 0; r < rows; ++r) limits.add(s_.rows.info[first + r].limits);
    if (limits.hides(key, key + count)) return;
    bool const whole = plan_.plain_scores && limits.shows(key, key + count);

    for (int r = 0; r < rows; r += kHeads) {
      score_rows<Source>(s_.q + (first + r) * s_.q_stride, group.k_head, key, count,
                         s_.scores + r * kDecodeBlockKeys);
    }
    for (int r = 0; r < rows; ++r) weigh_row_of(first + r, r, key, count);
    auto const* v = row_of<Source>(plan_.v, seq_.v, key, group.v_head);
    if (!whole && has_bad_values<Source>(v, count))
      return add_guarded<Source>(first, rows, key, count, v);
    for (int r = 0; r < rows; r += kHeads) add_values<Source>(first, r, count, v);
  }

  /// Products of 4 query rows with `count` keys: kKeys keys at a time, then one transposing
  /// reduction.
  template <class Source>
  void score_rows(float const* q, int head, int key, int count, float* scores) {
    int const whole_depth = plan_.head_dim / kLanes * kLanes;
    int const rest = plan_.head_dim - whole_depth;
    for (int j = 0; j < count; j += kKeys) {
      typename Source::Element const* k[kKeys];
      for (int i = 0; i < kKeys; ++i) {
        int const existing = j + i < count ? j + i : count - 1;
        k[i] = row_of<Source>(plan_.k, seq_.k, key + existing, head);
      }
      F acc[kLanes] = {};
      auto add = [&](int c, int depth) [[gnu::always_inline]] {
        F q_vectors[kHeads];
        FATTN_UNROLL for (int h = 0; h < kHeads; ++h) {
          q_vectors[h] = Isa::load(q + h * s_.q_stride + c);
        }
        FATTN_UNROLL for (int i = 0; i < kKeys; ++i) {
          F const x =
              depth == kLanes ? Source::load(k[i] + c) : load_partial<Isa, Source>(k[i] + c, depth);
          FATTN_UNROLL for (int h = 0; h < kHeads; ++h) {
            acc[h * kKeys + i] = Isa::fma(q_vectors[h], x, acc[h * kKeys + i]);
          }
        }
      };
      for (int c = 0; c < whole_depth; c += kLanes) add(c, kLanes);
      if (rest) add(whole_depth, rest);
      F const sums = Isa::template reduce_rows<SumOf<Isa>>(acc);
      FATTN_UNROLL for (int h = 0; h < kHeads; ++h) {
        FATTN_UNROLL for (int i = 0; i < kKeys; ++i) {
          scores[h * kDecodeBlockKeys + j + i] = sums[h * kKeys + i];
        }
      }
    }
  }

  /// Masks, updates the running maximum, turns scores into weights and rescales the row's sums.
  void weigh_row_of(int state, int r, int key, int count) {
    float* scores = s_.scores + r * kDecodeBlockKeys;
    int const end = static_cast<int>(round_up(count, kLanes));
    RowInfo const& row = s_.rows.info[state];
    F const most_of = plan_.plain_scores
                          ? Scores<Isa>::limit_row(row, scores, key, 0, end)
                          : Scores<Isa>::modify_row(plan_, seq_, row, scores, key, 0, end);
    float const unit = plan_.plain_scores ? plan_.scale * kLog2E : 1.0f;
    float most = s_.rows.row_max[state];
    float const old = most;
    for (int i = 0; i < kLanes; ++i) {
      float const x = most_of[i] * unit;
      most = x > most ? x : most;
    }
    s_.rows.row_max[state] = most;
    float const shrink = exp2_scalar<Isa>(old - (most == -__builtin_inff() ? 0 : most));
    F const sums = weigh_row<Isa, F32Product<Isa>>(scores, nullptr, unit, most, 0, end);
    float sum = 0;
    for (int i = 0; i < kLanes; ++i) sum += sums[i];
    s_.rows.row_sum[state] = s_.rows.row_sum[state] * shrink + sum;
    if (shrink == 1) return;
    float* out = s_.rows.out + state * s_.rows.out_stride;
    for (int64_t c = 0; c < s_.rows.out_stride; c += kLanes) {
      Isa::store(out + c, Isa::load(out + c) * shrink);
    }
  }

  /// out += weights . v for 4 rows, up to 4 vectors of columns at a time.
  template <class Source>
  void add_values(int first, int r, int count, typename Source::Element const* v) {
    int const width = plan_.head_dim_v / kLanes;
    int column = 0;
    for (; column + 4 <= width; column += 4) add_columns<Source, 4>(first, r, column, count, v);
    for (; column < width; ++column) add_columns<Source, 1>(first, r, column, count, v);
    int const rest = plan_.head_dim_v - width * kLanes;
    if (rest) add_columns<Source, 1>(first, r, width, count, v, rest);
  }

  template <class Source, int kVectors>
  void add_columns(int first, int r, int column, int count, typename Source::Element const* v,
                   int depth = kLanes) {
    float* out = s_.rows.out + (first + r) * s_.rows.out_stride + column * kLanes;
    float const* weights = s_.scores + r * kDecodeBlockKeys;
    F acc[kHeads][kVectors];
    FATTN_UNROLL for (int h = 0; h < kHeads; ++h) {
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        acc[h][n] = Isa::load(out + h * s_.rows.out_stride + n * kLanes);
      }
    }
    v += column * kLanes;
    for (int j = 0; j < count; ++j, v += plan_.v.row) {
      F x[kVectors];
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        x[n] = depth == kLanes ? Source::load(v + n * kLanes) : load_partial<Isa, Source>(v, depth);
      }
      FATTN_UNROLL for (int h = 0; h < kHeads; ++h) {
        F const weight = Isa::set1(weights[h * kDecodeBlockKeys + j]);
        FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
          acc[h][n] = Isa::fma(weight, x[n], acc[h][n]);
        }
      }
    }
    FATTN_UNROLL for (int h = 0; h < kHeads; ++h) {
      FATTN_UNROLL for (int n = 0; n < kVectors; ++n) {
        Isa::store(out + h * s_.rows.out_stride + n * kLanes, acc[h][n]);
      }
    }
  }

  template <class Source>
  bool has_bad_values(typename Source::Element const* v, int count) const {
    typename Isa::I finite = Isa::set1(-1);
    for (int j = 0; j < count; ++j, v += plan_.v.row) {
      for (int c = 0; c < plan_.head_dim_v; c += kLanes) {
        F const x = load_upto<Isa, Source>(v + c, plan_.head_dim_v - c);
        finite &= (x - x == 0.0f);
      }
    }
    bool bad = false;
    for (int i = 0; i < kLanes; ++i) bad |= finite[i] == 0;
    return bad;
  }

  /// As add_values, pair by pair: an invisible key must not reach a row even if its value is not
  /// finite.
  template <class Source>
  void add_guarded(int first, int rows, int key, int count, typename Source::Element const* v) {
    for (int j = 0; j < count; ++j, v += plan_.v.row) {
      for (int r = 0; r < rows; ++r) {
        if (!row_sees<Isa>(plan_, seq_, s_.rows.info[first + r], key + j)) continue;
        F const weight = Isa::set1(s_.scores[r * kDecodeBlockKeys + j]);
        float* out = s_.rows.out + (first + r) * s_.rows.out_stride;
        for (int c = 0; c < plan_.head_dim_v; c += kLanes) {
          F const x = load_upto<Isa, Source>(v + c, plan_.head_dim_v - c);
          Isa::store(out + c, Isa::fma(weight, x, Isa::load(out + c)));
        }
      }
    }
  }

  void store() {
    for (int g = task_.group_begin; g < task_.group_end; ++g) {
      int const first = (g - task_.group_begin) * kDecodeRows;
      for (int r = 0; r < rows_of(plan_.groups[g]); ++r) {
        store_row<Isa>(plan_, seq_, s_.rows, first + r, task_.chunk);
      }
    }
  }

  AttentionPlan const& plan_;
  AttentionTask const& task_;
  Sequence const& seq_;
  DecodeScratch s_;
};

}  // namespace fattn::cpu
