#include <utility>

#include "binding/bindings.h"
#include "binding/objects.h"
#include "core/backend.h"

namespace fattn::binding {
namespace {

constexpr size_t kFirstOptional = 5;  // behind stream, q, k, v and out

AttentionArgs read_tensors(Arguments const& args) {
  AttentionArgs tensors;
  tensors.q = args.at(1, "q").tensor();
  tensors.k = args.at(2, "k").tensor();
  tensors.v = args.at(3, "v").tensor();
  tensors.out = args.at(4, "out").tensor();
  for (size_t i = 0; i < kOptionalTensors.size(); ++i)
    tensors.*kOptionalTensors[i].view =
        args.at(kFirstOptional + i, kOptionalTensors[i].name).optional_tensor();
  return tensors;
}

AttentionDesc read_numbers(Arguments const& args) {
  AttentionDesc desc;
  desc.head_map = args.at(23, "headMap").one_of(HeadMap::kInterleave);
  desc.scale = args.at(24, "scale").number();
  desc.softcap = args.at(25, "softcap").number();
  desc.causal = args.at(26, "causal").boolean();
  desc.window_left = args.at(27, "windowLeft").integer();
  desc.window_right = args.at(28, "windowRight").integer();
  desc.sink_tokens = args.at(29, "sinkTokens").integer();
  desc.precision = args.at(30, "precision").one_of(Precision::kBFloat16);
  return desc;
}

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

}  // namespace

napi_value attention(Arguments const& args) {
  Submission const to = args.submission(31);
  AttentionArgs tensors = read_tensors(args);
  AttentionDesc desc = read_numbers(args);
  describe_attention(tensors, desc);
  Backend& backend = backend_of(tensors.q.device());
  backend.attention(to, desc, std::move(tensors));
  return nullptr;
}

napi_value explain_attention(Arguments const& args) {
  Backend const& backend = backend_of(args.at(0, "device").device());
  AttentionDesc const desc = read_description(args.at(1, "description"));
  check_description(desc);
  AttentionExtras const extras = read_extras(args.at(2, "extras"));
  Explanation const explanation = backend.explain_attention(desc, extras);
  ObjectBuilder object(args.env());
  object.set("supported", explanation.supported);
  object.set("reason", explanation.reason);
  object.set("kernel", explanation.kernel);
  object.set("path", explanation.path);
  object.set("halfProducts", explanation.half_products);
  object.set("note", explanation.note);
  object.set("flops", explanation.cost.flops);
  object.set("bytes", explanation.cost.bytes);
  object.set("visiblePairs", explanation.cost.visible_pairs);
  object.set("accuracy", static_cast<int>(explanation.cost.accuracy));
  return object.value();
}

}  // namespace fattn::binding
