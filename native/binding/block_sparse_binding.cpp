#include <utility>

#include "binding/attention_tensors.h"
#include "binding/bindings.h"
#include "core/backend.h"

namespace fattn::binding {

napi_value block_sparse_attention(Arguments const& args) {
  Submission const to = args.submission(15);
  BlockSparseArgs tensors;
  AttentionArgs& dense = tensors.dense;
  dense = read_attention_tensors(args);
  dense.kv_lengths = args.at(6, "kvLengths").optional_tensor();
  tensors.partial.offsets = args.at(7, "partial.offsets").optional_tensor();
  tensors.partial.indices = args.at(8, "partial.indices").optional_tensor();
  tensors.full.offsets = args.at(9, "full.offsets").optional_tensor();
  tensors.full.indices = args.at(10, "full.indices").optional_tensor();
  BlockSparseDesc blocks;
  blocks.block_q = args.at(11, "blockQ").integer();
  blocks.block_k = args.at(12, "blockK").integer();
  AttentionDesc desc;
  desc.scale = args.at(13, "scale").number();
  desc.causal = args.at(14, "causal").boolean();
  describe_attention(dense, desc);
  Backend& backend = backend_of(dense.q.device());
  backend.block_sparse_attention(to, desc, blocks, std::move(tensors));
  return nullptr;
}

}  // namespace fattn::binding
