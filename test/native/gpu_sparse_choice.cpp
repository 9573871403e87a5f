// Which kernel serves a sparse call on a GPU, and how its rows and lists are cut: pure functions,
// here of a device like an H100.

#include <string>

#include "backends/gpu/sparse_choice.h"
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

/// 16 query heads, 4 of keys and values.
AttentionDesc call(int64_t seq_q, int64_t seq_kv, int64_t head_dim, DType dtype = DType::bf16) {
  AttentionDesc desc;
  desc.dtype = dtype;
  desc.batch = 1;
  desc.seq_q = seq_q, desc.seq_kv = seq_kv;
  desc.heads_q = desc.heads_out = 16;
  desc.heads_k = desc.heads_v = 4;
  desc.head_dim = desc.head_dim_v = head_dim;
  return desc;
}

gpu::NamedKeys named(KeyNaming naming, int64_t heads, int64_t keep, int64_t block_q = 1) {
  return {naming, heads, keep, block_q};
}

std::string chosen(AttentionDesc const& desc, bool aligned = true) {
  gpu::AttentionChoice const choice = gpu::choose_sparse(desc, aligned, device());
  return choice.row == nullptr ? "none" : choice.row->name;
}

gpu::SparseCut cut(AttentionDesc const& desc, gpu::NamedKeys const& keys) {
  return gpu::cut_sparse(desc, keys, gpu::choose_sparse(desc, true, device()).row->instance(),
                         device());
}

}  // namespace

TEST(gpu_sparse_chooses_tensor_cores_where_they_serve) {
  expect_equal(chosen(call(64, 64, 64)), std::string("sparse_attention_mma16_bf16_d64"));
  expect_equal(chosen(call(64, 64, 80)), std::string("sparse_attention_mma16_bf16_d128"));
  expect_equal(chosen(call(64, 64, 64, DType::f16)), std::string("sparse_attention_mma16_f16_d64"));
  expect_equal(chosen(call(64, 64, 64), false), std::string("sparse_attention_simple_bf16"));
  expect_equal(chosen(call(64, 64, 20)), std::string("sparse_attention_simple_bf16"));
  expect_equal(chosen(call(64, 64, 64, DType::f32)), std::string("sparse_attention_simple_f32"));
  auto const wide = gpu::choose_sparse(call(64, 64, 136), true, device());
  expect_equal(std::string(wide.row->name), std::string("sparse_attention_simple_bf16"));
  expect(wide.note.find("sparse_attention_mma16_bf16_d128") != std::string::npos, wide.note);
  expect_equal(chosen(call(64, int64_t{1} << 30, 64)), std::string("none"));
}

TEST(gpu_sparse_packs_heads_that_share_a_list) {
  AttentionDesc const desc = call(32768, 32768, 128);
  expect_equal(cut(desc, named(KeyNaming::kIntervals, 4, 1024)).pack, 4);
  expect_equal(cut(desc, named(KeyNaming::kIntervals, 1, 1024)).pack, 4, "heads that share keys");
  expect_equal(cut(desc, named(KeyNaming::kIntervals, 8, 1024)).pack, 2);
  expect_equal(cut(desc, named(KeyNaming::kIntervals, 16, 1024)).pack, 1);
}

TEST(gpu_sparse_lists_have_room_for_what_is_kept) {
  AttentionDesc const desc = call(32768, 32768, 128);
  auto const c = cut(desc, named(KeyNaming::kIntervals, 4, 1024));
  expect_equal(c.list_rows, 128);
  expect_equal(c.list_tiles, 32768 * 4 / 128);
  expect_equal(c.lists, int64_t{4} * c.list_tiles);
  expect(c.capacity >= 1024 + 31 && c.capacity <= 1024 + 32, "32 queries share a list");
  expect_equal(c.chunks, 1);
  auto const short_rows = cut(call(32768, 600, 128), named(KeyNaming::kIntervals, 4, 1024));
  expect_equal(short_rows.capacity, 600, "no more than there are");
  auto const floats = cut(call(4096, 4096, 64, DType::f32), named(KeyNaming::kIntervals, 4, 512));
  expect_equal(floats.list_rows, 64, "tiles of 4 rows share a list");
}

TEST(gpu_sparse_more_rows_share_a_list_where_many_keys_are_kept) {
  AttentionDesc const desc = call(131072, 131072, 64);
  auto const few = cut(desc, named(KeyNaming::kIntervals, 4, 6000));
  expect_equal(few.list_rows, 128, "room for 6144 keys");
  auto const many = cut(desc, named(KeyNaming::kIntervals, 4, 8192));
  expect_equal(many.list_rows, 256);
  expect_equal(many.list_tiles, 131072 * 4 / 256);
  expect_equal(many.capacity, 8192 + 64, "64 queries, the first of them in part");
  expect(4 * many.lists * many.capacity <= gpu::working_bytes(desc));
  auto const all = cut(desc, named(KeyNaming::kIntervals, 4, 131072));
  expect_equal(all.list_rows, 128, "longer lists would not help");
  expect_equal(all.capacity, 6144);
  AttentionDesc wide = call(5000, 300000, 8);  // more scores than keys and values
  wide.heads_k = wide.heads_v = 1;
  auto const never = cut(wide, named(KeyNaming::kIntervals, 16, 250000));
  expect_equal(never.list_rows, 128, "nor would one per sequence");
}

TEST(gpu_sparse_lists_take_no_more_than_the_inputs) {
  AttentionDesc const desc = call(65536, 65536, 64);
  for (int64_t const keep : {int64_t{0}, int64_t{60000}}) {
    auto const c = cut(desc, named(KeyNaming::kIntervals, 16, keep));
    expect(c.capacity < 65536, "not all keys");
    expect(4 * c.lists * c.capacity <= gpu::working_bytes(desc));
  }
  auto const small = cut(call(70, 70, 16), named(KeyNaming::kIntervals, 4, 0));
  expect_equal(small.capacity, 70, "a mebibyte is always there");
}

TEST(gpu_sparse_decode_fills_the_device) {
  auto const kept = cut(call(1, 131072, 128), named(KeyNaming::kKept, 4, 1024));
  expect_equal(kept.pack, 4);
  expect_equal(kept.chunks, 16, "a chunk for every step of 64 keys");
  expect_equal(kept.blocks, int64_t{4} * 16);
  auto const intervals = cut(call(1, 131072, 128), named(KeyNaming::kIntervals, 4, 1024));
  expect_equal(intervals.chunks, kept.chunks, "the same parts, so that both give the same bits");
}

TEST(gpu_sparse_tiles_end_with_their_block_of_queries) {
  AttentionDesc const desc = call(1000, 1000, 64);
  auto const c = cut(desc, named(KeyNaming::kBlocks, 4, 100, 100));
  expect_equal(c.row_tiles, 10 * 4, "100 queries of 4 heads are 4 tiles of 128 rows");
  expect_equal(cut(desc, named(KeyNaming::kBlocks, 4, 100, 5000)).row_tiles, 32);
  expect_equal(cut(desc, named(KeyNaming::kBlocks, 4, 100, 1)).row_tiles, 1000);
}

TEST(gpu_sparse_refuses_more_tiles_than_a_launch_takes) {
  AttentionDesc huge = call(1 << 20, 64, 64);
  huge.batch = 1 << 16;
  expect_throws(
      ErrorCode::kUnsupported, [&] { cut(huge, named(KeyNaming::kBlocks, 16, 1, 1)); },
      "more than one launch takes");
  expect_equal(cut(call(0, 16, 64), named(KeyNaming::kIntervals, 4, 8)).blocks, int64_t{0});
}

}  // namespace fattn::test
