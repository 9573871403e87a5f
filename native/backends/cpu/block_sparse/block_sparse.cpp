#include "backends/cpu/block_sparse/block_sparse.h"

#include <vector>

#include "backends/cpu/attention/attention.h"
#include "backends/cpu/attention/plan.h"
#include "core/error.h"

namespace fattn::cpu {
namespace {

/// Both kinds of lists as one, checked. A copy, since another stream may write them meanwhile.
class ListReader {
 public:
  ListReader(int64_t key_blocks, int64_t lists)
      : key_blocks_(key_blocks), listed_(static_cast<size_t>(key_blocks), -1) {
    starts_.reserve(static_cast<size_t>(lists) + 1);
    starts_.push_back(0);
  }

  /// The blocks of query block `n` of list head `head`, `kind` 1 where all their pairs count.
  void add(char const* name, BlockLists const& lists, int64_t batch, int64_t head, int64_t n,
           int32_t kind) {
    if (!lists.offsets.defined()) return;
    int32_t const* const offsets = lists.offsets.data<int32_t>() +
                                   batch * lists.offsets.strides[0] +
                                   head * lists.offsets.strides[1];
    int64_t const begin = offsets[n * lists.offsets.strides[2]];
    int64_t const end = offsets[(n + 1) * lists.offsets.strides[2]];
    int64_t const most = lists.indices.sizes[0];
    check(begin >= 0 && begin <= end && end <= most, ErrorCode::kIndex, name, ".offsets[", batch,
          ", ", head, ", ", n, "] to the next is ", begin, " to ", end, ", expected within 0 to ",
          most, ", not falling");
    for (int64_t i = begin; i < end; ++i) {
      int32_t const block = lists.indices.data<int32_t>()[i * lists.indices.strides[0]];
      check(block >= 0 && block < key_blocks_, ErrorCode::kIndex, name, ".indices[", i, "] is ",
            block, ", expected 0 to ", key_blocks_ - 1);
      auto const list = static_cast<int64_t>(starts_.size());
      check(listed_[static_cast<size_t>(block)] != list, ErrorCode::kIndex, name, ".indices[", i,
            "] lists block ", block, " a second time");
      listed_[static_cast<size_t>(block)] = list;
      entries_.push_back(2 * block + kind);
    }
  }

  void end_list() { starts_.push_back(static_cast<int64_t>(entries_.size())); }

  int64_t const* starts() const { return starts_.data(); }
  int32_t const* entries() const { return entries_.data(); }

 private:
  int64_t const key_blocks_;
  std::vector<int64_t> listed_;  // by block of keys: the last list that has it
  std::vector<int64_t> starts_;  // one for each list so far, and the one that is being read
  std::vector<int32_t> entries_;
};

}  // namespace

void run_block_sparse(JobContext& job, AttentionDesc const& desc, BlockSparseDesc const& blocks,
                      BlockSparseArgs const& args, KernelTable const& kernels) {
  TensorView const& offsets =
      args.partial.offsets.defined() ? args.partial.offsets : args.full.offsets;
  int64_t const heads = offsets.sizes[1], query_blocks = offsets.sizes[2] - 1;
  int64_t const key_blocks = (desc.seq_kv + blocks.block_k - 1) / blocks.block_k;
  ListReader lists(key_blocks, desc.batch * heads * query_blocks);
  for (int64_t b = 0; b < desc.batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t n = 0; n < query_blocks; ++n) {
        lists.add("full", args.full, b, h, n, 1);
        lists.add("partial", args.partial, b, h, n, 0);
        lists.end_list();
      }
  SparseKeys keys;
  keys.form = SparseKeys::Form::kBlocks;
  keys.heads = heads;
  keys.head = query_blocks;
  keys.batch = heads * query_blocks;
  keys.block_starts = lists.starts();
  keys.block_entries = lists.entries();
  keys.block_rows = static_cast<int32_t>(blocks.block_q);
  keys.block_keys = static_cast<int32_t>(blocks.block_k);
  run_attention(job, desc, args.dense, kernels, &keys);
}

}  // namespace fattn::cpu
