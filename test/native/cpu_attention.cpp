// The attention kernels of every instruction path that this machine runs, against plain loops in
// double. The parity suite asks the same of the whole package and of many more cases; here the
// sanitizers and the emulated processors see the kernels too, on tensors without a spare byte.

#include <limits>
#include <optional>

#include "backends/cpu/attention/attention.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Case {
  char const* name;
  int64_t batch, seq_q, seq_kv, heads_q, heads_kv, head_dim, head_dim_v;
  bool causal = false;
  int64_t left = -1, right = -1, sinks = 0;
  double softcap = 0;
  bool everything = false;  // bias, mask, segments, temperature, gate, learned sinks, slopes
};

// Tiles are 6 rows by up to 64 keys, blocks 192 rows by 128 keys; decode takes 16 rows and chunks
// of 256 keys.
constexpr Case kCases[] = {
    {"less than a tile", 1, 3, 5, 3, 3, 4, 2},
    {"odd sizes, causal", 2, 37, 61, 4, 2, 20, 12, true},
    {"several blocks", 1, 210, 270, 2, 1, 24, 40, true},
    {"rows that see no key", 1, 40, 9, 2, 2, 16, 16, true},
    {"window and sink tokens", 1, 150, 300, 2, 1, 16, 16, true, 20, -1, 3},
    {"window both ways, softcap", 1, 33, 130, 2, 2, 16, 16, false, 7, 9, 0, 5.0},
    {"decode over three chunks", 1, 1, 1100, 8, 2, 40, 24},
    {"decode of a few rows, causal", 2, 2, 70, 3, 1, 17, 33, true},
    {"decode of wide heads, three a group", 1, 1, 300, 6, 2, 72, 136},
    {"decode of wide heads, one a group", 1, 1, 270, 3, 3, 80, 144},
    {"few queries over two chunks", 1, 12, 2100, 2, 1, 16, 16, true},
    {"every option, prefill", 2, 45, 140, 4, 2, 19, 21, true, 90, -1, 2, 8.0, true},
    {"every option, decode", 2, 2, 140, 4, 2, 19, 21, true, 90, -1, 2, 8.0, true},
    {"one dimension", 1, 7, 9, 1, 1, 1, 1},
};

AttentionDesc describe(Case const& c, DType dtype) {
  AttentionDesc d;
  d.dtype = dtype;
  d.batch = c.batch, d.seq_q = c.seq_q, d.seq_kv = c.seq_kv;
  d.heads_q = d.heads_out = c.heads_q, d.heads_k = d.heads_v = c.heads_kv;
  d.head_dim = c.head_dim, d.head_dim_v = c.head_dim_v;
  d.scale = 1 / std::sqrt(static_cast<double>(c.head_dim));
  d.softcap = c.softcap, d.causal = c.causal;
  d.window_left = c.left, d.window_right = c.right, d.sink_tokens = c.sinks;
  return d;
}

AttentionArgs make_tensors(Case const& c, DType dtype) {
  AttentionArgs a;
  a.q = random_view(dtype, {c.batch, c.seq_q, c.heads_q, c.head_dim}, 1);
  a.k = random_view(dtype, {c.batch, c.seq_kv, c.heads_kv, c.head_dim}, 2);
  a.v = random_view(dtype, {c.batch, c.seq_kv, c.heads_kv, c.head_dim_v}, 3);
  a.out = host_view(dtype, {c.batch, c.seq_q, c.heads_q, c.head_dim_v});
  a.lse = host_view(DType::f32, {c.batch, c.heads_q, c.seq_q});
  if (!c.everything) return a;
  a.bias = random_view(DType::f32, {1, c.heads_q, c.seq_q, c.seq_kv}, 4);
  a.mask = host_view(DType::u8, {c.batch, 1, c.seq_q, c.seq_kv});
  for (int64_t i = 0; i < a.mask.elements(); ++i) a.mask.data<uint8_t>()[i] = i % 5 != 0;
  a.sinks = random_view(DType::f32, {c.heads_q}, 5);
  a.alibi_slopes = random_view(DType::f32, {c.heads_q}, 6);
  set_values(a.alibi_slopes, [](int64_t h) { return 0.01 * static_cast<double>(h + 1); });
  a.temperature = random_view(DType::f32, {c.batch, c.heads_q, c.seq_q}, 7);
  a.gate = random_view(DType::f32, {c.batch, c.heads_q, 1}, 8);
  a.segments_q = host_view(DType::i32, {c.batch, c.seq_q});
  a.segments_k = host_view(DType::i32, {c.batch, c.seq_kv});
  for (int64_t i = 0; i < a.segments_q.elements(); ++i)
    a.segments_q.data<int32_t>()[i] = i % 3 == 0;
  for (int64_t i = 0; i < a.segments_k.elements(); ++i)
    a.segments_k.data<int32_t>()[i] = i % 2 == 0;
  return a;
}

bool visible(Case const& c, AttentionArgs const& a, int64_t b, int64_t i, int64_t j) {
  int64_t const aligned = i + c.seq_kv - c.seq_q;
  if (c.causal && j > aligned) return false;
  bool const inside =
      (c.left < 0 || j >= aligned - c.left) && (c.right < 0 || j <= aligned + c.right);
  if (!inside && j >= c.sinks) return false;
  if (!c.everything) return true;
  bool const same = a.segments_q.data<int32_t>()[b * c.seq_q + i] ==
                    a.segments_k.data<int32_t>()[b * c.seq_kv + j];
  return same && a.mask.data<uint8_t>()[b * a.mask.strides[0] + i * a.mask.strides[2] + j] != 0;
}

/// attention-variants 1.1: the score of one pair, or nothing where it is not visible.
std::optional<double> score(Case const& c, AttentionDesc const& d, AttentionArgs const& a,
                            int64_t b, int64_t h, int64_t i, int64_t j) {
  if (!visible(c, a, b, i, j)) return std::nullopt;
  double x = 0;
  for (int64_t e = 0; e < c.head_dim; ++e)
    x += double{value_at(a.q, {b, i, h, e})} * value_at(a.k, {b, j, h * c.heads_kv / c.heads_q, e});
  x *= d.scale;
  if (c.everything) x *= value_at(a.temperature, {b, h, i});
  if (c.softcap > 0) x = c.softcap * std::tanh(x / c.softcap);
  if (c.everything) {
    x += value_at(a.bias, {0, h, i, j});
    x -= value_at(a.alibi_slopes, {h}) * std::abs(static_cast<double>(i + c.seq_kv - c.seq_q - j));
  }
  return x;
}

void expect_row(Case const& c, AttentionDesc const& d, AttentionArgs const& a, int64_t b, int64_t h,
                int64_t i, double tolerance) {
  double most = c.everything ? value_at(a.sinks, {h}) : -kInfinity, sum = 0;
  std::vector<std::optional<double>> scores;
  for (int64_t j = 0; j < c.seq_kv; ++j) scores.push_back(score(c, d, a, b, h, i, j));
  for (auto const& x : scores) most = x ? std::max(most, *x) : most;
  if (c.everything) sum += std::exp(value_at(a.sinks, {h}) - most);
  for (auto const& x : scores) sum += x ? std::exp(*x - most) : 0;
  double const lse = sum > 0 ? most + std::log(sum) : -kInfinity;
  expect_near(value_at(a.lse, {b, h, i}), lse, 2e-5);
  for (int64_t e = 0; e < c.head_dim_v; ++e) {
    double out = 0;
    for (int64_t j = 0; j < c.seq_kv; ++j)
      if (scores[j])
        out += std::exp(*scores[j] - lse) * value_at(a.v, {b, j, h * c.heads_kv / c.heads_q, e});
    if (c.everything) out *= value_at(a.gate, {b, h, 0});
    expect_near(value_at(a.out, {b, i, h, e}), out, tolerance);
  }
}

void expect_attention(Case const& c, DType dtype, cpu::KernelTable const& kernels) {
  AttentionDesc const desc = describe(c, dtype);
  AttentionArgs args = make_tensors(c, dtype);
  AttentionArgs checked = args;
  check_attention(desc, checked);
  Threads threads(2);
  threads.run([&](cpu::JobContext& job) { cpu::run_attention(job, desc, checked, kernels); });
  double const tolerance = dtype == DType::f32 ? 1e-5 : dtype == DType::f16 ? 4e-3 : 4e-2;
  for (int64_t b = 0; b < c.batch; ++b)
    for (int64_t h = 0; h < c.heads_q; ++h)
      for (int64_t i = 0; i<c.seq_q; i += c.seq_q> 50 ? 13 : 1)
        expect_row(c, desc, args, b, h, i, tolerance);
}

TEST(attention_agrees_with_plain_loops_on_every_path) {
  for (std::string const& path : cpu::available_paths())
    for (Case const& c : kCases)
      for (DType const dtype : kFloats) expect_attention(c, dtype, cpu::kernels_of(path));
}

TEST(attention_bits_do_not_depend_on_threads) {
  for (Case const& c : kCases) {
    std::vector<char> expected;
    for (int count : {1, 2, 5}) {
      AttentionArgs args = make_tensors(c, DType::f32);
      AttentionDesc const desc = describe(c, DType::f32);
      check_attention(desc, args);
      Threads threads(count);
      threads.run([&](cpu::JobContext& job) {
        cpu::run_attention(job, desc, args, cpu::active_kernels());
      });
      if (expected.empty()) expected = bytes_of(args.out);
      expect(bytes_of(args.out) == expected, c.name);
    }
  }
}

TEST(attention_refuses_an_unknown_path) {
  expect_throws(ErrorCode::kUnsupported, [] { cpu::kernels_of("sse9"); });
}

}  // namespace
}  // namespace fattn::test
