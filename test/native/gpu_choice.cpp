// Which kernel serves a call on a GPU, and how the call is cut into blocks: pure functions, here of
// a device like an H100.

#include <string>

#include "backends/gpu/attention_choice.h"
#include "backends/gpu/compressed_conv_choice.h"
#include "backends/gpu/linear_job.h"
#include "core/error.h"
#include "test.h"

namespace fattn::test {
namespace {

gpu::DeviceFacts device() {
  gpu::DeviceFacts facts;
  facts.major = 9;
  facts.multiprocessors = 132;
  facts.shared_bytes = 227 * 1024;
  return facts;
}

AttentionDesc call(int64_t batch, int64_t seq_q, int64_t seq_kv, int64_t heads_q, int64_t heads_kv,
                   int64_t head_dim) {
  AttentionDesc desc;
  desc.dtype = DType::bf16;
  desc.batch = batch;
  desc.seq_q = seq_q;
  desc.seq_kv = seq_kv;
  desc.heads_q = desc.heads_out = heads_q;
  desc.heads_k = desc.heads_v = heads_kv;
  desc.head_dim = desc.head_dim_v = head_dim;
  return desc;
}

gpu::AttentionChoice choose(AttentionDesc const& desc, AttentionExtras const& extras = {},
                            bool aligned = true, gpu::DeviceFacts const& facts = device()) {
  return gpu::choose_attention(desc, extras, aligned, facts);
}

void expect_kernel(std::string const& name, gpu::AttentionChoice const& choice,
                   Where where = Where::current()) {
  expect(choice.row != nullptr, "no kernel: " + choice.reason, where);
  expect_equal(std::string(choice.row->name), name, "kernel", where);
}

gpu::AttentionCut cut(AttentionDesc const& desc, AttentionExtras const& extras = {}) {
  gpu::AttentionChoice const choice = choose(desc, extras);
  return gpu::cut_attention(desc, extras, choice.row->instance(), device());
}

bool mentions(std::string const& text, char const* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST(gpu_chooses_the_least_kernel_that_serves_a_call) {
  expect_kernel("attention_mma16_bf16_d64", choose(call(1, 64, 64, 4, 2, 64)));
  expect_kernel("attention_mma16_bf16_d96", choose(call(1, 64, 64, 4, 2, 80)));
  expect_kernel("attention_mma16_bf16_d256", choose(call(1, 64, 64, 4, 2, 200)));
  AttentionDesc wide_values = call(1, 64, 64, 4, 2, 64);
  wide_values.head_dim_v = 128;
  expect_kernel("attention_mma16_bf16_d128", choose(wide_values));
}

TEST(gpu_gives_reshaped_scores_to_the_general_kernel) {
  AttentionDesc const plain = call(1, 64, 64, 4, 2, 128);
  for (auto const tensor : {&AttentionArgs::bias, &AttentionArgs::mask, &AttentionArgs::temperature,
                            &AttentionArgs::alibi_slopes, &AttentionArgs::segments_k}) {
    AttentionExtras extras;
    extras.add(tensor, 1);
    expect_kernel("attention_mma16_bf16_d128_general", choose(plain, extras));
  }
  AttentionDesc capped = plain, negative = plain;
  capped.softcap = 5;
  negative.scale = -1;
  expect_kernel("attention_mma16_bf16_d128_general", choose(capped));
  expect_kernel("attention_mma16_bf16_d128_general", choose(negative));
  AttentionExtras sinks;
  sinks.add(&AttentionArgs::sinks, 1);
  expect_kernel("attention_mma16_bf16_d128", choose(plain, sinks));
}

TEST(gpu_says_why_tensor_cores_are_not_used) {
  AttentionDesc floats = call(1, 64, 64, 4, 2, 64);
  floats.dtype = DType::f32;
  expect_kernel("attention_simple_f32", choose(floats));
  expect(mentions(choose(floats).note, "float32"));
  auto const odd = choose(call(1, 64, 64, 4, 2, 20));
  expect_kernel("attention_simple_bf16", odd);
  expect(mentions(odd.note, "multiples of 8"));
  auto const unaligned = choose(call(1, 64, 64, 4, 2, 64), {}, false);
  expect_kernel("attention_simple_bf16", unaligned);
  expect(mentions(unaligned.note, "16 bytes"));
  auto const wide = choose(call(1, 64, 64, 4, 2, 264));
  expect_kernel("attention_simple_bf16", wide);
  expect(mentions(wide.note, "attention_mma16_bf16_d256"));
}

TEST(gpu_lists_its_kernels_where_none_serves) {
  gpu::DeviceFacts old = device();
  old.major = 7, old.minor = 5;
  auto const choice = choose(call(1, 64, 64, 4, 2, 64), {}, true, old);
  expect(choice.row == nullptr && mentions(choice.reason, "attention_simple_bf16"));
  expect(mentions(choose(call(1, 64, int64_t{1} << 30, 4, 2, 64)).reason, "2^30"));
}

TEST(gpu_leaves_small_shared_memory_to_kernels_that_fit) {
  gpu::DeviceFacts small = device();
  small.major = 8, small.minor = 6, small.shared_bytes = 99 * 1024;
  expect_kernel("attention_mma16_bf16_d128", choose(call(1, 64, 64, 4, 2, 128), {}, true, small));
  expect_kernel("attention_simple_bf16", choose(call(1, 64, 64, 4, 2, 256), {}, true, small));
}

TEST(gpu_cuts_long_prefill_by_rows_alone) {
  auto const c = cut(call(2, 4096, 4096, 32, 8, 128));
  expect_equal(c.pack, 1);
  expect_equal(c.chunks, 1);
  expect_equal(c.blocks, int64_t{2} * 32 * 4096 / 128);
}

TEST(gpu_packs_and_splits_decode) {
  AttentionDesc const desc = call(1, 1, 16384, 32, 8, 128);
  auto const c = cut(desc);
  expect_equal(c.pack, 4, "heads of a group share a tile");
  expect_equal(c.row_tiles, 1);
  expect(c.chunks > 8, "more blocks than heads");
  expect(c.blocks == int64_t{c.chunks} * 8 && c.blocks <= 2 * 132, "no second wave");
  expect(int64_t{c.chunks} * c.chunk_keys >= desc.seq_kv, "every key has a chunk");
  expect(int64_t{c.chunks - 1} * c.chunk_keys < desc.seq_kv, "no chunk is empty");
}

TEST(gpu_packs_only_heads_that_share) {
  AttentionExtras mapped;
  mapped.add(&AttentionArgs::head_map_k, 1);
  expect_equal(cut(call(1, 1, 4096, 32, 8, 128), mapped).pack, 1);
  AttentionDesc tiled = call(1, 1, 4096, 32, 8, 128);
  tiled.head_map = HeadMap::kTile;
  expect_equal(cut(tiled).pack, 1);
  AttentionDesc uneven = call(1, 1, 4096, 12, 6, 128);
  uneven.heads_v = 3;
  expect_equal(cut(uneven).pack, 2, "heads that share keys and values both");
}

TEST(gpu_refuses_more_tiles_than_a_launch_takes) {
  AttentionDesc const huge = call(int64_t{1} << 20, 4096, 64, 1024, 1024, 64);
  expect_throws(
      ErrorCode::kUnsupported, [&] { cut(huge); }, "more than one launch takes");
}

TEST(gpu_cuts_calls_without_work_into_nothing) {
  expect_equal(cut(call(0, 16, 16, 4, 4, 64)).blocks, int64_t{0});
  expect_equal(cut(call(2, 0, 16, 4, 4, 64)).blocks, int64_t{0});
  expect_equal(cut(call(2, 16, 0, 4, 4, 64)).chunks, 1);
}

TEST(gpu_chooses_tensor_cores_for_many_aligned_rows) {
  auto const chosen = [](DType dtype, int64_t rows, bool quads, gpu::DeviceFacts const& facts) {
    LinearDesc desc;
    desc.dtype = dtype;
    desc.rows = rows;
    desc.in = desc.columns = 512;
    gpu::KernelRow const* const row = gpu::choose_linear(desc, quads, facts);
    return std::string(row == nullptr ? "none" : row->name);
  };
  expect_equal(chosen(DType::bf16, 100, true, device()), std::string("linear_mma16_bf16"));
  expect_equal(chosen(DType::f16, 17, true, device()), std::string("linear_mma16_f16"));
  expect_equal(chosen(DType::f16, 16, true, device()), std::string("linear_simple_f16"));
  expect_equal(chosen(DType::bf16, 100, false, device()), std::string("linear_simple_bf16"));
  expect_equal(chosen(DType::f32, 100, true, device()), std::string("linear_simple_f32"));
  gpu::DeviceFacts small = device();
  small.shared_bytes = 99 * 1024;
  expect_equal(chosen(DType::bf16, 100, true, small), std::string("linear_simple_bf16"));
  small.major = 7;
  expect_equal(chosen(DType::bf16, 100, true, small), std::string("none"));
}

TEST(gpu_chooses_tensor_cores_for_compressed_convolutions_of_many_tokens) {
  auto const described = [](DType dtype, int64_t tokens, int64_t head_dim) {
    CompressedConvDesc desc;
    desc.dtype = dtype;
    desc.batch = 1;
    desc.seq = tokens;
    desc.heads_q = 4;
    desc.heads_kv = 2;
    desc.head_dim = head_dim;
    desc.taps_1 = desc.taps_2 = 2;
    desc.rotates = false;
    return desc;
  };
  auto const chosen = [](CompressedConvDesc const& desc, bool quads,
                         gpu::DeviceFacts const& facts = device()) {
    auto const choice =
        gpu::choose_compressed_conv(desc, static_cast<int32_t>(desc.head_dim / 2), quads, facts);
    return std::string(choice.row == nullptr ? choice.reason : choice.row->name);
  };
  auto const expect_name = [](std::string const& found, char const* name) {
    expect_equal(found, std::string(name));
  };
  expect_name(chosen(described(DType::bf16, 17, 128), true), "compressed_conv_mma16_bf16_d128");
  expect_name(chosen(described(DType::f16, 100, 24), true), "compressed_conv_mma16_f16_d64");
  expect_name(chosen(described(DType::f16, 100, 200), true), "compressed_conv_mma16_f16_d256");
  expect_name(chosen(described(DType::f16, 100, 264), true), "compressed_conv_simple_f16");
  expect_name(chosen(described(DType::f16, 16, 128), true), "compressed_conv_simple_f16");
  expect_name(chosen(described(DType::bf16, 100, 128), false), "compressed_conv_simple_bf16");
  expect_name(chosen(described(DType::bf16, 100, 20), true), "compressed_conv_simple_bf16");
  expect_name(chosen(described(DType::f32, 100, 128), true), "compressed_conv_simple_f32");
  CompressedConvDesc packed = described(DType::bf16, 64, 128);
  packed.packed = true;
  packed.batch = 64;
  expect_name(chosen(packed, true), "compressed_conv_simple_bf16");
  packed.batch = 3;
  expect_name(chosen(packed, true), "compressed_conv_mma16_bf16_d128");
  gpu::DeviceFacts small = device();
  small.shared_bytes = 99 * 1024;
  expect_name(chosen(described(DType::bf16, 100, 256), true, small), "compressed_conv_simple_bf16");
  small.major = 7;
  expect(mentions(chosen(described(DType::bf16, 100, 64), true, small), "there are only"));
  expect(mentions(chosen(described(DType::f32, 100, 9000), true), "shared memory"));
}

TEST(gpu_makes_a_block_per_head_of_compressed_convolutions_of_few_tiles) {
  CompressedConvDesc desc;
  desc.rotates = false;
  desc.heads_q = 8, desc.heads_kv = 2, desc.head_dim = 128, desc.taps_1 = desc.taps_2 = 2;
  for (auto const& [sequences, heads] : {std::pair<int64_t, int64_t>{1, 10}, {65, 10}, {66, 2}}) {
    desc.batch = sequences, desc.seq = 1;
    auto const choice = gpu::choose_compressed_conv(desc, 0, true, device());
    expect_equal(choice.heads, heads);
    expect(choice.by_head == (heads == 10) && !choice.on_tensor_cores());
  }
}

TEST(gpu_prologue_moves_within_1_3_times_of_compulsory) {
  CompressedConvDesc desc;
  desc.dtype = DType::bf16;
  desc.batch = 1;
  desc.seq = 4096;
  desc.head_dim = 128;
  desc.taps_1 = desc.taps_2 = 2;
  desc.rotates = false;
  for (auto const& [queries, keys] : {std::pair<int64_t, int64_t>{4, 4}, {8, 2}}) {
    desc.heads_q = queries, desc.heads_kv = keys;
    CompressedConvExplanation const e = gpu::explain_compressed_conv(desc, device());
    expect_equal(e.kernel, std::string("compressed_conv_mma16_bf16_d128"));
    expect_equal(e.path, std::string("mma16"));
    expect(e.half_products);
    expect(e.bytes_moved > e.cost.bytes && e.bytes_moved < 1.3 * e.cost.bytes);
  }
  desc.dtype = DType::f32;
  expect(!gpu::explain_compressed_conv(desc, device()).half_products);
}

}  // namespace fattn::test
