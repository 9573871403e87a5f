// check_attention(): a sound call passes, and each single flaw is refused with its code.

#include <cmath>
#include <functional>
#include <limits>

#include "core/ops/attention.h"
#include "host_view.h"
#include "test.h"

using namespace fattn;
using namespace fattn::test;

namespace {

constexpr int64_t kB = 2, kQ = 5, kKv = 7, kHeads = 4, kShared = 2, kD = 8, kDv = 6;

struct Call {
  AttentionDesc desc;
  AttentionArgs args;
};

/// Every dense option at once.
Call dense() {
  Call call;
  auto& a = call.args;
  a.q = host_view(DType::f32, {kB, kQ, kHeads, kD});
  a.k = host_view(DType::f32, {kB, kKv, kShared, kD});
  a.v = host_view(DType::f32, {kB, kKv, kShared, kDv});
  a.out = host_view(DType::f32, {kB, kQ, kHeads, kDv});
  a.lse = host_view(DType::f32, {kB, kHeads, kQ});
  a.bias = host_view(DType::f32, {kHeads, 1, kKv});
  a.mask = host_view(DType::boolean, {kB, 1, kQ, kKv});
  a.sinks = host_view(DType::f32, {kHeads});
  a.alibi_slopes = host_view(DType::f32, {kB, kHeads});
  a.temperature = host_view(DType::f32, {kHeads, 1});
  a.gate = host_view(DType::f32, {kB, kHeads, kQ});
  a.segments_q = host_view(DType::i32, {kB, kQ});
  a.segments_k = host_view(DType::i32, {kB, kKv});
  a.prefix_lengths = host_view(DType::i32, {kB});
  a.kv_lengths = host_view(DType::i32, {kB});
  a.window_left = host_view(DType::i32, {kHeads});
  a.window_right = host_view(DType::i32, {kHeads});
  a.sink_tokens = host_view(DType::i32, {kHeads});
  a.head_map_k = host_view(DType::i32, {kHeads});
  a.head_map_v = host_view(DType::i32, {kHeads});
  describe_attention(a, call.desc);
  call.desc.causal = true;
  return call;
}

Call packed() {
  Call call;
  auto& a = call.args;
  a.q = host_view(DType::f16, {kQ, kHeads, kD});
  a.k = host_view(DType::f16, {kKv, kShared, kD});
  a.v = host_view(DType::f16, {kKv, kShared, kDv});
  a.out = host_view(DType::f16, {kQ, kHeads, kDv});
  a.lse = host_view(DType::f32, {kHeads, kQ});
  a.gate = host_view(DType::f32, {kHeads, kQ});
  a.cu_seq_lens_q = host_view(DType::i32, {kB + 1});
  a.cu_seq_lens_k = host_view(DType::i32, {kB + 1});
  describe_attention(a, call.desc);
  return call;
}

struct Flaw {
  char const* name;
  ErrorCode code;
  std::function<void(Call&)> make;
};

void check_flaws(Call (*sound)(), std::vector<Flaw> const& flaws) {
  Call fine = sound();
  check_attention(fine.desc, fine.args);
  for (auto const& flaw : flaws) {
    Call call = sound();
    flaw.make(call);
    try {
      check_attention(call.desc, call.args);
    } catch (Error const& error) {
      expect_equal(name_of(error.code()), name_of(flaw.code),
                   flaw.name + std::string(": ") + error.what());
      continue;
    }
    expect(false, std::string("not refused: ") + flaw.name);
  }
}

void share(TensorView& view, TensorView const& with) { view.storage = with.storage; }

}  // namespace

TEST(attention_check_describes_from_shapes) {
  Call const call = dense();
  expect_equal(call.desc.heads_out, kHeads);
  expect_equal(call.desc.seq_kv, kKv);
  expect_equal(call.desc.head_dim_v, kDv);
  Call const ragged = packed();
  expect(ragged.desc.packed);
  expect_equal(ragged.desc.batch, kB);
  AttentionArgs flat = dense().args;
  flat.k = host_view(DType::f32, {kB, kKv, kD});
  AttentionDesc desc;
  expect_throws(
      ErrorCode::kShape, [&] { describe_attention(flat, desc); }, "k has 3 axes");
}

TEST(attention_check_broadcasts_in_place) {
  Call call = dense();
  check_attention(call.desc, call.args);
  expect(call.args.bias.sizes == Extents({kB, kHeads, kQ, kKv}));
  expect(call.args.bias.strides == Extents({0, kKv, 0, 1}));
  expect(call.args.mask.strides == Extents({kQ * kKv, 0, kKv, 1}));
  expect(call.args.temperature.strides == Extents({0, 1, 0}));
}

TEST(attention_check_refuses_wrong_tensors) {
  check_flaws(
      dense,
      {
          {"q of integers", ErrorCode::kDType, [](Call& c) { c.desc.dtype = DType::i32; }},
          {"k of another dtype", ErrorCode::kDType, [](Call& c) { c.args.k.dtype = DType::bf16; }},
          {"out too short", ErrorCode::kShape,
           [](Call& c) {
             c.args.out = host_view(DType::f32, {kB, kQ, kHeads, kD});
           }},
          {"v past its storage", ErrorCode::kBounds, [](Call& c) { c.args.v.offset = 1; }},
          {"bias past its storage", ErrorCode::kBounds, [](Call& c) { c.args.bias.offset = 1; }},
          {"segments past their storage", ErrorCode::kBounds,
           [](Call& c) { c.args.segments_q.strides[0] = 100; }},
          {"q scattered", ErrorCode::kLayout,
           [](Call& c) {
             c.args.q = host_view(DType::f32, {kB, kQ, kHeads, 2 * kD});
             c.args.q.sizes[3] = kD;
             c.args.q.strides[3] = 2;
           }},
          {"out broadcast", ErrorCode::kLayout, [](Call& c) { c.args.out.strides[0] = 0; }},
          {"lse broadcast", ErrorCode::kLayout, [](Call& c) { c.args.lse.strides[1] = 0; }},
          {"lse of f16", ErrorCode::kDType, [](Call& c) { c.args.lse.dtype = DType::f16; }},
          {"mask of floats", ErrorCode::kDType,
           [](Call& c) { c.args.mask = host_view(DType::f32, {1}); }},
          {"bias of f16", ErrorCode::kDType,
           [](Call& c) { c.args.bias = host_view(DType::f16, {1}); }},
          {"bias too wide", ErrorCode::kShape,
           [](Call& c) {
             c.args.bias = host_view(DType::f32, {3, 1, 1});
           }},
          {"gate of bf16", ErrorCode::kDType, [](Call& c) { c.args.gate.dtype = DType::bf16; }},
          {"slopes per query", ErrorCode::kShape,
           [](Call& c) {
             c.args.alibi_slopes = host_view(DType::f32, {kQ, kHeads});
           }},
          {"sinks per sequence", ErrorCode::kShape,
           [](Call& c) { c.args.sinks = host_view(DType::f32, {kB}); }},
          {"lengths of u8", ErrorCode::kDType,
           [](Call& c) { c.args.kv_lengths.dtype = DType::u8; }},
          {"one window too few", ErrorCode::kShape,
           [](Call& c) { c.args.window_left = host_view(DType::i32, {3}); }},
          {"map per key head", ErrorCode::kShape,
           [](Call& c) { c.args.head_map_v = host_view(DType::i32, {kShared}); }},
          {"k elsewhere", ErrorCode::kDevice,
           [](Call& c) {
             c.args.k = host_view(DType::f32, c.args.k.sizes, {DeviceKind::cuda, 0});
           }},
          {"mask elsewhere", ErrorCode::kDevice,
           [](Call& c) {
             c.args.mask = host_view(DType::u8, {1}, {DeviceKind::cuda, 1});
           }},
          {"no q", ErrorCode::kDisposed, [](Call& c) { c.args.q.storage.reset(); }},
          {"no out", ErrorCode::kDisposed, [](Call& c) { c.args.out.storage.reset(); }},
      });
}

TEST(attention_check_refuses_shared_outputs) {
  check_flaws(
      dense,
      {
          {"out on q", ErrorCode::kOption, [](Call& c) { share(c.args.out, c.args.q); }},
          {"out on bias", ErrorCode::kOption,
           [](Call& c) {
             c.args.out = host_view(DType::f32, c.args.out.sizes);
             share(c.args.bias, c.args.out);
           }},
          {"lse on gate", ErrorCode::kOption, [](Call& c) { share(c.args.lse, c.args.gate); }},
          {"lse on out", ErrorCode::kOption, [](Call& c) { share(c.args.lse, c.args.out); }},
      });
}

TEST(attention_check_refuses_wrong_numbers) {
  check_flaws(
      dense,
      {
          {"scale", ErrorCode::kArgumentValue, [](Call& c) { c.desc.scale = NAN; }},
          {"softcap", ErrorCode::kArgumentValue, [](Call& c) { c.desc.softcap = -1; }},
          {"infinite softcap", ErrorCode::kArgumentValue,
           [](Call& c) { c.desc.softcap = INFINITY; }},
          {"left", ErrorCode::kArgumentValue, [](Call& c) { c.desc.window_left = -2; }},
          {"right", ErrorCode::kArgumentValue,
           [](Call& c) { c.desc.window_right = std::numeric_limits<int64_t>::max(); }},
          {"sink tokens", ErrorCode::kArgumentValue, [](Call& c) { c.desc.sink_tokens = -1; }},
          {"head map", ErrorCode::kArgumentValue,
           [](Call& c) { c.desc.head_map = static_cast<HeadMap>(4); }},
          {"precision", ErrorCode::kArgumentValue,
           [](Call& c) { c.desc.precision = static_cast<Precision>(2); }},
          {"interleave", ErrorCode::kOption,
           [](Call& c) { c.desc.head_map = HeadMap::kInterleave; }},
          {"prefix, not causal", ErrorCode::kOption, [](Call& c) { c.desc.causal = false; }},
          {"segments for q only", ErrorCode::kOption, [](Call& c) { c.args.segments_k = {}; }},
          {"cu_seq_lens_k alone", ErrorCode::kOption,
           [](Call& c) { c.args.cu_seq_lens_k = host_view(DType::i32, {kB + 1}); }},
          {"heads_out of zero", ErrorCode::kShape, [](Call& c) { c.desc.heads_out = 0; }},
          {"negative batch", ErrorCode::kShape, [](Call& c) { c.desc.batch = -1; }},
          {"too many keys", ErrorCode::kShape, [](Call& c) { c.desc.seq_kv = int64_t{1} << 31; }},
          {"heads that do not divide", ErrorCode::kShape,
           [](Call& c) {
             c.args.head_map_k = {};
             c.args.k = host_view(DType::f32, {kB, kKv, 3, kD});
             c.desc.heads_k = 3;
           }},
          {"no head dim", ErrorCode::kShape, [](Call& c) { c.desc.head_dim = 0; }},
      });
  check_flaws(packed, {
                          {"mask in packed", ErrorCode::kOption,
                           [](Call& c) { c.args.mask = host_view(DType::u8, {1}); }},
                          {"lengths in packed", ErrorCode::kOption,
                           [](Call& c) { c.args.kv_lengths = host_view(DType::i32, {kB}); }},
                          {"no cu_seq_lens_k", ErrorCode::kOption,
                           [](Call& c) { c.args.cu_seq_lens_k = {}; }},
                          {"cu_seq_lens_k of another batch", ErrorCode::kShape,
                           [](Call& c) { c.args.cu_seq_lens_k = host_view(DType::i32, {kB}); }},
                          {"bf16 precision of f16", ErrorCode::kOption,
                           [](Call& c) { c.desc.precision = Precision::kBFloat16; }},
                          {"dense lse", ErrorCode::kShape,
                           [](Call& c) {
                             c.args.lse = host_view(DType::f32, {1, kHeads, kQ});
                           }},
                      });
}

TEST(attention_check_allows_empty_and_reversed_calls) {
  for (auto const& [batch, seq_q, seq_kv] :
       {std::array{0, 3, 3}, {1, 0, 3}, {1, 3, 0}, {0, 0, 0}}) {
    Call call;
    call.args.q = host_view(DType::bf16, {batch, seq_q, 2, 3});
    call.args.k = host_view(DType::bf16, {batch, seq_kv, 6, 3});
    call.args.v = host_view(DType::bf16, {batch, seq_kv, 1, 1});
    call.args.out = host_view(DType::bf16, {batch, seq_q, 6, 1});
    describe_attention(call.args, call.desc);
    call.desc.head_map = HeadMap::kInterleave;
    check_attention(call.desc, call.args);
    call.desc.head_map = HeadMap::kGrouped;
    expect_throws(
        ErrorCode::kOption, [&] { check_attention(call.desc, call.args); }, "interleave");
  }
}
