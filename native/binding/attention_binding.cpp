#include <utility>

#include "binding/attention_tensors.h"
#include "binding/bindings.h"
#include "core/backend.h"

namespace fattn::binding {
namespace {

constexpr size_t kFirstOptional = 5;  // lse, behind stream, q, k, v and out; then the others

AttentionArgs read_tensors(Arguments const& args) {
  AttentionArgs tensors = read_attention_tensors(args);
  for (size_t i = 1; i < kOptionalTensors.size(); ++i)
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

}  // namespace fattn::binding
