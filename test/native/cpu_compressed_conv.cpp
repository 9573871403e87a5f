#include <cstring>

#include "backends/cpu/compressed_conv/compressed_conv.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

using cpu::JobContext;

struct Sizes {
  int64_t b, s, heads_q, heads_kv, d, taps_1, taps_2;
};

CompressedConvArgs random_args(DType dtype, Sizes const& n) {
  int64_t const channels = (n.heads_q + n.heads_kv) * n.d, half = n.heads_kv * n.d / 2;
  int64_t const halo = n.taps_1 + n.taps_2 - 2;
  CompressedConvArgs args;
  args.latent = random_view(dtype, {n.b, n.s, channels}, 1);
  args.value = random_view(dtype, {n.b, n.s, half}, 2);
  args.delayed = random_view(dtype, {n.b, n.s, half}, 3);
  args.w1 = random_view(dtype, {channels, n.taps_1}, 4);
  args.b1 = random_view(DType::f32, {channels}, 5);
  args.w2 = random_view(dtype, {channels, n.d, n.taps_2}, 6);
  args.b2 = random_view(dtype, {channels}, 7);
  args.temperature = random_view(DType::f32, {n.heads_kv}, 8);
  args.history = random_view(dtype, {n.b, halo, channels}, 9);
  args.delayed_history = random_view(dtype, {n.b, half}, 10);
  args.q = host_view(dtype, {n.b, n.s, n.heads_q, n.d});
  args.k = host_view(dtype, {n.b, n.s, n.heads_kv, n.d});
  args.v = host_view(dtype, {n.b, n.s, n.heads_kv, n.d});
  args.next_history = host_view(dtype, {n.b, halo, channels});
  args.next_delayed = host_view(dtype, {n.b, half});
  return args;
}

std::vector<TensorView> outputs_of(CompressedConvArgs const& args) {
  return {args.q, args.k, args.v, args.next_history, args.next_delayed};
}

void run(Threads& threads, CompressedConvArgs args, char const* path) {
  CompressedConvDesc desc;
  describe_compressed_conv(args, desc);
  desc.rope.rotary_dim = desc.head_dim;
  check_compressed_conv(desc, args);
  threads.run(
      [&](JobContext& job) { cpu::run_compressed_conv(job, desc, args, cpu::kernels_of(path)); });
}

TEST(compressed_conv_bits_do_not_depend_on_threads) {
  // 300 tokens are five tiles: few enough to be cut by heads with four threads, not with one.
  for (DType const dtype : kFloats)
    for (std::string const& path : cpu::available_paths()) {
      CompressedConvArgs const args = random_args(dtype, {1, 300, 6, 3, 20, 2, 3});
      Threads one(1);
      run(one, args, path.c_str());
      std::vector<std::vector<char>> first;
      for (TensorView const& out : outputs_of(args)) {
        first.push_back(bytes_of(out));
        std::memset(out.storage->data(), 0x7b, static_cast<size_t>(out.storage->bytes()));
      }
      Threads four(4);
      run(four, args, path.c_str());
      size_t n = 0;
      for (TensorView const& out : outputs_of(args)) expect(bytes_of(out) == first[n++]);
    }
}

TEST(compressed_conv_keeps_the_last_latents_shorter_than_the_halo_too) {
  for (int64_t const tokens : {0, 1, 2, 3, 4, 9}) {
    CompressedConvArgs const args = random_args(DType::f32, {2, tokens, 2, 1, 4, 3, 2});
    Threads threads(1);
    run(threads, args, cpu::available_paths().front().c_str());
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t i = 0; i < 3; ++i) {
        int64_t const t = tokens - 3 + i;
        for (int64_t c = 0; c < 12; ++c)
          expect(
              value_at(args.next_history, {b, i, c}) ==
              (t >= 0 ? value_at(args.latent, {b, t, c}) : value_at(args.history, {b, 3 + t, c})));
      }
      for (int64_t c = 0; c < 2; ++c)
        expect(value_at(args.next_delayed, {b, c}) ==
               (tokens > 0 ? value_at(args.delayed, {b, tokens - 1, c})
                           : value_at(args.delayed_history, {b, c})));
    }
  }
}

TEST(compressed_conv_traffic_is_within_1_3_times_of_compulsory) {
  CompressedConvDesc desc;
  desc.batch = 1;
  desc.seq = 4096;
  desc.heads_q = desc.heads_kv = 4;
  desc.head_dim = 128;
  desc.taps_1 = desc.taps_2 = 2;
  desc.rotates = false;
  double const compulsory = compressed_conv_cost(desc).bytes;
  // 1024 channels and 512 values a token, read and written, and 1024 rows of 2 + 256 + 2
  // parameters.
  expect(compulsory == 4.0 * (2 * 4096 * (1024 + 512) + 1024 * 260));
  double const moved = cpu::explain_compressed_conv(desc, cpu::active_kernels()).bytes_moved;
  expect(moved > compulsory && moved < 1.3 * compulsory);
}

}  // namespace
}  // namespace fattn::test
