#include "binding/bindings.h"
#include "binding/objects.h"
#include "core/backend.h"
#include "core/ops/sparse_cost.h"

namespace fattn::binding {
namespace {

AttentionDesc read_description(Value const& from) {
  AttentionDesc desc;
  desc.dtype = from.field("dtype").dtype();
  desc.packed = from.field("packed").boolean();
  desc.batch = from.field("batch").integer();
  desc.seq_q = from.field("seqQ").integer();
  desc.seq_kv = from.field("seqKv").integer();
  desc.heads_q = from.field("headsQ").integer();
  desc.heads_k = from.field("headsK").integer();
  desc.heads_v = from.field("headsV").integer();
  desc.heads_out = from.field("headsOut").integer();
  desc.head_dim = from.field("headDim").integer();
  desc.head_dim_v = from.field("headDimV").integer();
  desc.scale = from.field("scale").number();
  desc.softcap = from.field("softcap").number();
  desc.causal = from.field("causal").boolean();
  desc.window_left = from.field("windowLeft").integer();
  desc.window_right = from.field("windowRight").integer();
  desc.sink_tokens = from.field("sinkTokens").integer();
  desc.head_map = from.field("headMap").one_of(HeadMap::kInterleave);
  desc.precision = from.field("precision").one_of(Precision::kBFloat16);
  return desc;
}

/// An object of the bytes of each tensor that is there, by the name of its option.
AttentionExtras read_extras(Value const& from) {
  AttentionExtras extras;
  for (auto const& [name, view] : kOptionalTensors) {
    Value const bytes = from.field(name.data());
    if (!bytes.undefined()) extras.add(view, bytes.number());
  }
  return extras;
}

DynamicMaskSizes read_dynamic_mask(Value const& from) {
  DynamicMaskSizes sizes;
  sizes.heads = from.field("heads").integer();
  sizes.from_values = from.field("fromValues").boolean();
  sizes.state = from.field("state").boolean();
  sizes.selection = from.field("selection").one_of(KeySelection::kRelu);
  sizes.keep = from.field("keep").integer();
  sizes.block_size = from.field("blockSize").integer();
  return sizes;
}

BlockListSizes read_lists(Value const& from) {
  BlockListSizes lists;
  lists.heads = from.field("heads").integer();
  Value const partial = from.field("partial"), full = from.field("full");
  lists.has_partial = !partial.undefined();
  lists.has_full = !full.undefined();
  if (lists.has_partial) lists.partial = partial.integer();
  if (lists.has_full) lists.full = full.integer();
  return lists;
}

/// What all explanations say of the kernel.
template <class Any>
ObjectBuilder explained(napi_env env, Any const& explanation) {
  ObjectBuilder object(env);
  object.set("supported", explanation.supported);
  object.set("reason", explanation.reason);
  object.set("kernel", explanation.kernel);
  object.set("path", explanation.path);
  object.set("halfProducts", explanation.half_products);
  object.set("note", explanation.note);
  return object;
}

ObjectBuilder explained_attention(napi_env env, Explanation const& explanation) {
  ObjectBuilder object = explained(env, explanation);
  object.set("flops", explanation.cost.flops);
  object.set("bytes", explanation.cost.bytes);
  object.set("visiblePairs", explanation.cost.visible_pairs);
  object.set("accuracy", static_cast<int>(explanation.cost.accuracy));
  return object;
}

}  // namespace

napi_value explain_attention(Arguments const& args) {
  Backend const& backend = backend_of(args.at(0, "device").device());
  AttentionDesc const desc = read_description(args.at(1, "description"));
  check_description(desc);
  AttentionExtras const extras = read_extras(args.at(2, "extras"));
  return explained_attention(args.env(), backend.explain_attention(desc, extras)).value();
}

napi_value explain_dynamic_mask(Arguments const& args) {
  Backend const& backend = backend_of(args.at(0, "device").device());
  AttentionDesc const desc = read_description(args.at(1, "description"));
  AttentionExtras const extras = read_extras(args.at(2, "extras"));
  DynamicMaskSizes const sizes = read_dynamic_mask(args.at(3, "sizes"));
  AttentionCost const cost = dynamic_mask_cost(desc, extras, sizes);
  Explanation explanation = backend.explain_sparse(desc);
  explanation.cost = cost;
  ObjectBuilder object = explained_attention(args.env(), explanation);
  if (!sizes.from_values) return object.value();
  KeyScoresCost const before = key_scores_cost(desc, sizes);
  ObjectBuilder scoring(args.env());
  scoring.set("kernel", backend.key_scores_kernel(desc.dtype));
  scoring.set("flops", before.flops);
  scoring.set("bytes", before.bytes);
  object.set("scoring", scoring.value());
  return object.value();
}

napi_value explain_block_sparse(Arguments const& args) {
  Backend const& backend = backend_of(args.at(0, "device").device());
  AttentionDesc const desc = read_description(args.at(1, "description"));
  AttentionExtras const extras = read_extras(args.at(2, "extras"));
  BlockSparseDesc blocks;
  blocks.block_q = args.at(3, "blockQ").integer();
  blocks.block_k = args.at(4, "blockK").integer();
  AttentionCost const cost =
      block_sparse_cost(desc, extras, blocks, read_lists(args.at(5, "lists")));
  Explanation explanation = backend.explain_sparse(desc);
  explanation.cost = cost;
  return explained_attention(args.env(), explanation).value();
}

napi_value explain_linear(Arguments const& args) {
  Backend const& backend = backend_of(args.at(0, "device").device());
  Value const from = args.at(1, "description");
  LinearDesc desc;
  desc.dtype = from.field("dtype").dtype();
  desc.rows = from.field("rows").integer();
  desc.in = from.field("in").integer();
  desc.columns = from.field("columns").integer();
  desc.precision = from.field("precision").one_of(Precision::kBFloat16);
  LinearCost const cost = linear_cost(desc, from.field("bias").boolean());
  ObjectBuilder object = explained(args.env(), backend.explain_linear(desc));
  object.set("flops", cost.flops);
  object.set("bytes", cost.bytes);
  return object.value();
}

}  // namespace fattn::binding
