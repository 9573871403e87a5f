#include "core/ops/block_sparse.h"

#include <limits>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/ops/attention_extras.h"
#include "core/ops/operands.h"

namespace fattn {
namespace {

void check_lists(std::string const& name, BlockLists const& lists, Extents const& sizes,
                 AttentionArgs const& dense, Operands const& operands) {
  check(lists.offsets.defined() == lists.indices.defined(), ErrorCode::kOption, name,
        " needs offsets and indices");
  if (!lists.offsets.defined()) return;
  operands.expect(name + ".offsets", lists.offsets, DType::i32, sizes);
  check(lists.indices.rank() == 1, ErrorCode::kShape, name, ".indices is ", lists.indices.sizes,
        ", expected one axis");
  operands.expect(name + ".indices", lists.indices, DType::i32, lists.indices.sizes);
  for (auto const& [written, view] : {std::pair{"out", &dense.out}, std::pair{"lse", &dense.lse}}) {
    check_apart(written, *view, name + ".offsets", lists.offsets);
    check_apart(written, *view, name + ".indices", lists.indices);
  }
}

}  // namespace

void check_block_sparse(AttentionDesc const& desc, BlockSparseDesc const& blocks,
                        BlockSparseArgs& args) {
  check_attention(desc, args.dense);
  check(!desc.packed, ErrorCode::kOption, "block lists take no packed sequences");
  for (OptionalTensor const& tensor : kOptionalTensors) {
    bool const served =
        tensor.view == &AttentionArgs::lse || tensor.view == &AttentionArgs::kv_lengths;
    check(served || !(args.dense.*tensor.view).defined(), ErrorCode::kOption, tensor.name,
          " has no place beside block lists");
  }
  check(desc.softcap == 0 && desc.window_left == -1 && desc.window_right == -1 &&
            desc.sink_tokens == 0,
        ErrorCode::kOption, "softcap, window and sinkTokens have no place beside block lists");
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() / 2;
  for (auto const& [name, size] :
       {std::pair{"blockQ", blocks.block_q}, std::pair{"blockK", blocks.block_k}})
    check(size >= 1 && size <= kMost, ErrorCode::kArgumentValue, name, " is ", size,
          ", expected 1 to ", kMost);
  BlockLists const& any = args.partial.offsets.defined() ? args.partial : args.full;
  check(any.offsets.defined(), ErrorCode::kOption, "no lists: expected partial or full ones");
  check(any.offsets.rank() == 3, ErrorCode::kShape, "offsets are ", any.offsets.sizes,
        ", expected [b, hL, nQ + 1]");
  int64_t const heads = any.offsets.sizes[1];
  check(heads >= 1 && desc.heads_out % heads == 0, ErrorCode::kShape, "lists of ", heads,
        " heads, expected a divisor of ", desc.heads_out);
  int64_t const query_blocks = (desc.seq_q + blocks.block_q - 1) / blocks.block_q;
  Operands const operands(args.dense.q.device());
  Extents const sizes{desc.batch, heads, query_blocks + 1};
  check_lists("partial", args.partial, sizes, args.dense, operands);
  check_lists("full", args.full, sizes, args.dense, operands);
}

}  // namespace fattn
