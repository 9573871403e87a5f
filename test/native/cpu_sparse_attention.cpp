// Selection, and attention over gathered keys on every instruction path, against plain loops in
// double. The parity suite asks the same of the whole package and of many more cases; here the
// sanitizers and the emulated processors see the kernels too, on tensors without a spare byte.

#include <algorithm>
#include <limits>

#include "backends/cpu/block_sparse/block_sparse.h"
#include "backends/cpu/dynamic_mask/kept_keys.h"
#include "backends/cpu/dynamic_mask/key_scores.h"
#include "backends/cpu/dynamic_mask/selection.h"
#include "backends/cpu/dynamic_mask/sparse_attention.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct SparseCase {
  char const* name;
  int64_t batch, seq_q, seq_kv, heads_q, heads_kv, score_heads, head_dim, keep;
};

constexpr SparseCase kSparseCases[] = {
    {"less than a tile", 1, 3, 5, 2, 2, 1, 4, 2},
    {"odd sizes", 2, 37, 61, 4, 2, 2, 19, 7},
    {"several blocks and tasks", 1, 210, 300, 2, 1, 1, 16, 140},
    {"a score head per query head", 1, 40, 40, 4, 2, 4, 8, 9},
    {"rows that see no key", 1, 40, 9, 2, 2, 2, 16, 4},
    {"one query", 2, 1, 300, 8, 2, 2, 40, 33},
};

using Pairs = std::function<bool(int64_t b, int64_t h, int64_t i, int64_t j)>;

AttentionDesc describe(SparseCase const& c, DType dtype) {
  AttentionDesc d;
  d.dtype = dtype;
  d.batch = c.batch, d.seq_q = c.seq_q, d.seq_kv = c.seq_kv;
  d.heads_q = d.heads_out = c.heads_q, d.heads_k = d.heads_v = c.heads_kv;
  d.head_dim = d.head_dim_v = c.head_dim;
  d.scale = 0.3;
  d.causal = true;
  return d;
}

AttentionArgs make_dense(SparseCase const& c, DType dtype) {
  AttentionArgs a;
  a.q = random_view(dtype, {c.batch, c.seq_q, c.heads_q, c.head_dim}, 1);
  a.k = random_view(dtype, {c.batch, c.seq_kv, c.heads_kv, c.head_dim}, 2);
  a.v = random_view(dtype, {c.batch, c.seq_kv, c.heads_kv, c.head_dim}, 3);
  a.out = host_view(dtype, {c.batch, c.seq_q, c.heads_q, c.head_dim});
  a.lse = host_view(DType::f32, {c.batch, c.heads_q, c.seq_q});
  return a;
}

/// Every seventh row or so against softmax over the pairs that count; `scores` may be absent.
void expect_rows(SparseCase const& c, AttentionDesc const& d, AttentionArgs const& a,
                 TensorView const& scores, Pairs const& counts) {
  double const tolerance = d.dtype == DType::f32 ? 1e-5 : d.dtype == DType::f16 ? 4e-3 : 4e-2;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t h = 0; h < c.heads_q; ++h)
      for (int64_t i = 0; i<c.seq_q; i += c.seq_q> 50 ? 13 : 1) {
        int64_t const shared = h * c.heads_kv / c.heads_q;
        std::vector<double> x(static_cast<size_t>(c.seq_kv), -kInfinity);
        double most = -kInfinity, sum = 0;
        for (int64_t j = 0; j < c.seq_kv; ++j) {
          if (!counts(b, h, i, j)) continue;
          double dot = 0;
          for (int64_t e = 0; e < c.head_dim; ++e)
            dot += double{value_at(a.q, {b, i, h, e})} * value_at(a.k, {b, j, shared, e});
          x[j] = d.scale * dot;
          if (scores.defined()) x[j] += value_at(scores, {b, h * c.score_heads / c.heads_q, j});
          most = std::max(most, x[j]);
        }
        for (double const each : x) sum += most == -kInfinity ? 0 : std::exp(each - most);
        double const lse = sum > 0 ? most + std::log(sum) : -kInfinity;
        expect_near(value_at(a.lse, {b, h, i}), lse, 2e-5);
        for (int64_t e = 0; e < c.head_dim; ++e) {
          double out = 0;
          for (int64_t j = 0; j < c.seq_kv; ++j)
            if (x[j] > -kInfinity) out += std::exp(x[j] - lse) * value_at(a.v, {b, j, shared, e});
          expect_near(value_at(a.out, {b, i, h, e}), out, tolerance);
        }
      }
}

/// Whether row i keeps key j: fewer than `keep` keys it sees are better.
bool keeps(SparseCase const& c, TensorView const& scores, int64_t b, int64_t n, int64_t i,
           int64_t j) {
  int64_t const seen = std::min(c.seq_kv, i + c.seq_kv - c.seq_q + 1);
  if (j >= seen) return false;
  float const own = value_at(scores, {b, n, j});
  int64_t better = 0;
  for (int64_t other = 0; other < seen; ++other) {
    float const score = value_at(scores, {b, n, other});
    better += score > own || (score == own && other < j);
  }
  return better < c.keep;
}

/// Scores with ties, and the intervals that follow from them.
SparseAttentionArgs make_sparse(SparseCase const& c, DType dtype) {
  SparseAttentionArgs args;
  args.dense = make_dense(c, dtype);
  args.scores = random_view(DType::f32, {c.batch, c.score_heads, c.seq_kv}, 4);
  for (int64_t n = 0; n < args.scores.elements(); ++n) {
    float& score = args.scores.data<float>()[n];
    score = std::round(4 * score) / 4;
  }
  args.intervals = host_view(DType::i32, {c.batch, c.score_heads, 2, c.seq_kv});
  KeyIntervalsDesc const desc{.keep = c.keep, .causal = true, .seq_q = c.seq_q};
  KeyIntervalsArgs const selection{.scores = args.scores,
                                   .kv_lengths = {},
                                   .cu_seq_lens_q = {},
                                   .cu_seq_lens_k = {},
                                   .intervals = args.intervals};
  check_key_intervals(desc, selection);
  Threads threads(2);
  threads.run([&](cpu::JobContext& job) { cpu::run_key_intervals(job, desc, selection); });
  return args;
}

TEST(selection_is_the_best_of_what_each_row_sees) {
  for (SparseCase const& c : kSparseCases) {
    SparseAttentionArgs const args = make_sparse(c, DType::f32);
    int32_t const* const rows = args.intervals.data<int32_t>();
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t n = 0; n < c.score_heads; ++n)
        for (int64_t i = 0; i < c.seq_q; i += 3)
          for (int64_t j = 0; j < c.seq_kv; ++j) {
            int32_t const* const first = rows + (b * c.score_heads + n) * 2 * c.seq_kv + j;
            bool const kept = first[0] <= i && i < first[c.seq_kv];
            expect(kept == keeps(c, args.scores, b, n, i, j), c.name);
          }
  }
}

TEST(sparse_attention_agrees_with_plain_loops_on_every_path) {
  for (std::string const& path : cpu::available_paths())
    for (SparseCase const& c : kSparseCases)
      for (DType const dtype : kFloats) {
        SparseAttentionArgs args = make_sparse(c, dtype);
        AttentionDesc const desc = describe(c, dtype);
        check_sparse_attention(desc, args);
        Threads threads(2);
        threads.run([&](cpu::JobContext& job) {
          cpu::run_sparse_attention(job, desc, args, cpu::kernels_of(path));
        });
        expect_rows(c, desc, args.dense, args.scores,
                    [&](int64_t b, int64_t h, int64_t i, int64_t j) {
                      return keeps(c, args.scores, b, h * c.score_heads / c.heads_q, i, j);
                    });
      }
}

TEST(kept_keys_give_the_bits_of_their_intervals) {
  SparseCase const& c = kSparseCases[5];  // one query
  SparseAttentionArgs args = make_sparse(c, DType::f32);
  AttentionDesc const desc = describe(c, DType::f32);
  check_sparse_attention(desc, args);
  SparseAttentionArgs listed;
  listed.dense = make_dense(c, DType::f32);
  listed.kept.tokens = host_view(DType::i32, {c.batch, c.score_heads, c.keep + 1});
  listed.kept.scores = host_view(DType::f32, {c.batch, c.score_heads, c.keep});
  Threads threads(2);
  threads.run([&](cpu::JobContext& job) {
    cpu::run_sparse_attention(job, desc, args, cpu::active_kernels());
    for (int64_t from = 0; from < c.seq_kv; from += 100) {  // in three pieces
      AppendScoresArgs some{.kept = listed.kept, .scores = args.scores};
      some.scores.offset += from;
      some.scores.sizes[2] = 100;
      check_append_scores(some);
      cpu::run_append_scores(job, some);
    }
    check_sparse_attention(desc, listed);
    cpu::run_sparse_attention(job, desc, listed, cpu::active_kernels());
  });
  expect(bytes_of(listed.dense.out) == bytes_of(args.dense.out));
  expect(bytes_of(listed.dense.lse) == bytes_of(args.dense.lse));

  listed.kept.tokens.data<int32_t>()[1] =
      static_cast<int32_t>(c.seq_kv);  // a key that is not there
  threads.run([&](cpu::JobContext& job) {
    expect_throws(ErrorCode::kIndex,
                  [&] { cpu::run_sparse_attention(job, desc, listed, cpu::active_kernels()); });
  });
}

/// A state holds no NaN unless something else wrote it there; it counts as -inf.
TEST(kept_keys_take_nan_for_the_worst_score) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  AppendScoresArgs args;
  args.kept.tokens = host_view(DType::i32, {1, 1, 4});
  args.kept.scores = host_view(DType::f32, {1, 1, 3});
  args.scores = host_view(DType::f32, {1, 1, 1});
  for (int const place : {0, 1, 2}) {
    int32_t* const tokens = args.kept.tokens.data<int32_t>();
    float* const scores = args.kept.scores.data<float>();
    for (int i = 0; i < 3; ++i) tokens[1 + i] = i, scores[i] = static_cast<float>(i + 1);
    tokens[0] = 3, scores[place] = kNan;
    args.scores.data<float>()[0] = -5;
    check_append_scores(args);
    Threads threads(1);
    threads.run([&](cpu::JobContext& job) { cpu::run_append_scores(job, args); });
    expect_equal(tokens[3], 3, "the new token is better");
    for (int i = 0; i < 3; ++i) expect(tokens[1 + i] != place, "the token of NaN");
    expect_equal(scores[2], -5.0f);
  }
}

TEST(block_sparse_attention_agrees_with_plain_loops_on_every_path) {
  SparseCase const c{"blocks", 2, 70, 90, 4, 2, 2, 19, 0};
  BlockSparseDesc const blocks{.block_q = 16, .block_k = 11};
  int64_t const query_blocks = 5, key_blocks = 9;
  auto const kind = [](int64_t b, int64_t h, int64_t n, int64_t m) {  // 0 absent, 1 partial, 2 full
    return (3 * b + 5 * h + 7 * n + m * m) % 3;
  };
  auto const lists_of = [&](int64_t wanted) {
    std::vector<int32_t> offsets, indices;
    for (int64_t b = 0; b < c.batch; ++b)
      for (int64_t h = 0; h < c.score_heads; ++h) {
        for (int64_t n = 0; n < query_blocks; ++n) {
          offsets.push_back(static_cast<int32_t>(indices.size()));
          for (int32_t m = key_blocks - 1; m >= 0; --m)
            if (kind(b, h, n, m) == wanted) indices.push_back(m);
        }
        offsets.push_back(static_cast<int32_t>(indices.size()));
      }
    BlockLists lists;
    lists.offsets = host_view(DType::i32, {c.batch, c.score_heads, query_blocks + 1});
    lists.indices = host_view(DType::i32, {static_cast<int64_t>(indices.size())});
    std::copy(offsets.begin(), offsets.end(), lists.offsets.data<int32_t>());
    std::copy(indices.begin(), indices.end(), lists.indices.data<int32_t>());
    return lists;
  };
  for (std::string const& path : cpu::available_paths())
    for (DType const dtype : kFloats) {
      AttentionDesc const desc = describe(c, dtype);
      BlockSparseArgs args{
          .dense = make_dense(c, dtype), .partial = lists_of(1), .full = lists_of(2)};
      check_block_sparse(desc, blocks, args);
      Threads threads(2);
      threads.run([&](cpu::JobContext& job) {
        cpu::run_block_sparse(job, desc, blocks, args, cpu::kernels_of(path));
      });
      expect_rows(c, desc, args.dense, {}, [&](int64_t b, int64_t h, int64_t i, int64_t j) {
        int64_t const listed = kind(b, h * c.score_heads / c.heads_q, i / 16, j / 11);
        return listed == 2 || (listed == 1 && j <= i + c.seq_kv - c.seq_q);
      });
    }
}

TEST(key_scores_follow_the_formula) {
  for (DType const dtype : kFloats) {
    TensorView const v = random_view(dtype, {2, 5, 3, 7}, 1);
    KeyScoresArgs const args{.v = v,
                             .wdt = random_view(DType::f32, {21, 2}, 2),
                             .a = random_view(dtype, {2}, 3),
                             .scores = host_view(DType::f32, {2, 2, 5})};
    for (KeyScoreForm const form : {KeyScoreForm::kExp, KeyScoreForm::kLinear}) {
      check_key_scores(form, args);
      Threads threads(2);
      threads.run([&](cpu::JobContext& job) { cpu::run_key_scores(job, form, args); });
      for (int64_t b = 0; b < 2; ++b)
        for (int64_t n = 0; n < 2; ++n)
          for (int64_t j = 0; j < 5; ++j) {
            double dt = 0;
            for (int64_t f = 0; f < 21; ++f)
              dt += double{value_at(v, {b, j, f / 7, f % 7})} * value_at(args.wdt, {f, n});
            double const e = value_at(args.a, {n}) * std::log1p(std::exp(dt));
            double const expected = form == KeyScoreForm::kExp ? std::exp(e) : e;
            expect_near(value_at(args.scores, {b, n, j}), expected,
                        1e-4 * std::max(1.0, std::abs(expected)));
          }
    }
  }
}

}  // namespace
}  // namespace fattn::test
