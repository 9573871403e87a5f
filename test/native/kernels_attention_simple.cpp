// The simple path, with the kernels around it, against plain loops.

#include "kernels/attention/simple/kernel.h"
#include "kernels_attention_call.h"

namespace fattn::test {
namespace {

using simt::BF16;
using simt::F16;

// Tiles are 4 rows, steps 32 keys, passes 256 columns of the output.
std::vector<AttentionCase> const kCases = {
    {"less than a tile", 1, 3, 5, 2, 2, 4, 2},
    {"grouped heads, causal, odd sizes", 2, 7, 45, 4, 2, 37, 12, true},
    {"rows that see no key", 1, 9, 3, 2, 1, 16, 16, true},
    {"output wider than a pass", 1, 3, 40, 1, 1, 8, 300},
    {"head dim beyond 256", 1, 2, 33, 1, 1, 290, 9},
    {"window and sink tokens far apart", 1, 6, 230, 2, 1, 8, 8, true, 20, -1, 3},
    {"window both ways, softcap", 1, 9, 70, 2, 2, 8, 8, false, 7, 9, 0, 5.0f},
    {"every option", 2, 7, 70, 4, 2, 19, 21, true, 50, -1, 2, 8.0f, true},
    {"rows of several heads side by side", 2, 3, 40, 6, 2, 9, 8, true, -1, -1, 0, 0, false, 0, 3},
    {"several chunks", 2, 3, 100, 4, 2, 8, 40, true, -1, -1, 0, 0, false, 33, 2},
    {"chunks and every option", 1, 5, 70, 2, 1, 9, 8, true, 30, -1, 2, 8.0f, true, 32},
    {"lengths and prefixes",
     3,
     4,
     40,
     2,
     1,
     8,
     8,
     true,
     -1,
     -1,
     0,
     0,
     false,
     0,
     1,
     {},
     {},
     {40, 0, 2},
     {0, 5, 9}},
    {"packed, an empty sequence, tokens left over",
     0,
     19,
     90,
     2,
     1,
     8,
     8,
     true,
     -1,
     -1,
     0,
     0,
     false,
     0,
     2,
     {5, 0, 7, 1},
     {40, 3, 6, 30}},
    {"packed, in chunks", 0, 9, 90, 2, 1, 8, 8, true, -1, -1, 0, 0, false, 17, 1, {4, 3}, {50, 6}},
};

template <class Element>
void expect_all() {
  for (AttentionCase const& c : kCases)
    for_some_schedules([&](EmulationOptions const& options) {
      AttentionCall<Element> call(c);
      call.template run<SimpleAttention<Element>>(options);
      call.expect_results();
    });
}

TEST(kernels_simple_attention_float32) { expect_all<float>(); }
TEST(kernels_simple_attention_float16) { expect_all<F16>(); }
TEST(kernels_simple_attention_bfloat16) { expect_all<BF16>(); }

// More sequences than a warp has lanes, so that the walk goes on.
TEST(kernels_schedule_finds_the_tiles_of_many_sequences) {
  AttentionCase c{"70 sequences", 0, 0, 140, 1, 1, 4, 4};
  for (int b = 0; b < 70; ++b) {
    c.lengths_q.push_back(b % 7);
    c.lengths_k.push_back(2);
    c.seq_q += b % 7;
  }
  AttentionCall<float> call(c);
  call.run<SimpleAttention<float>>({});
  call.expect_results();
}

TEST(kernels_simple_attention_never_reads_an_invisible_key) {
  AttentionCase const c{"hidden", 2, 5, 80,    2, 1, 8,  8,  true,    9,
                        -1,       2, 0, false, 0, 1, {}, {}, {80, 50}};
  AttentionCall<float> call(c);
  int const width = AttentionCall<float>::row(8);
  for (int b = 0; b < c.batch; ++b)
    for (int j = 0; j < c.seq_kv; ++j)
      if (!call.seen(b, j, 0))
        for (int e = 0; e < width; ++e) {
          call.k[(int64_t{b} * c.seq_kv + j) * width + e] = NAN;
          call.v[(int64_t{b} * c.seq_kv + j) * width + e] = INFINITY;
        }
  call.run<SimpleAttention<float>>({});
  call.expect_results();
}

TEST(kernels_simple_attention_passes_nan_on) {
  AttentionCase const c{"nan", 1, 2, 40, 1, 1, 4, 4};
  for (int chunk_keys : {0, 16}) {
    AttentionCase chunked = c;
    chunked.chunk_keys = chunk_keys;
    AttentionCall<float> call(chunked);
    call.q[0] = NAN;  // of the first row
    call.run<SimpleAttention<float>>({});
    expect(std::isnan(call.lse[0]) && std::isnan(call.out[0]), "the row must be NaN");
    expect(!std::isnan(call.lse[1]) && !std::isnan(call.out[call.row(4)]), "the next must not");
  }
}

}  // namespace
}  // namespace fattn::test
