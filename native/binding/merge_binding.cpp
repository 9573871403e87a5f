#include <string>
#include <utility>

#include "binding/bindings.h"
#include "core/backend.h"

namespace fattn::binding {

napi_value merge_attention(Arguments const& args) {
  napi_env const env = args.env();
  Submission const to = args.submission(8);
  auto const outs = args.at(1, "outs").list();
  auto const lses = args.at(2, "lses").list();
  auto const weights = args.at(3, "weights").list();
  check(lses.size() == outs.size() && weights.size() == outs.size(), ErrorCode::kArgumentValue,
        "mergeAttention: ", outs.size(), " outs, ", lses.size(), " lses, ", weights.size(),
        " weights");
  MergeArgs tensors;
  for (size_t i = 0; i < outs.size(); ++i) {
    std::string const name = "parts[" + std::to_string(i) + "]";
    MergePart part;
    part.out = Value(env, outs[i], name + ".out").tensor();
    part.lse = Value(env, lses[i], name + ".lse").optional_tensor();
    part.weight = Value(env, weights[i], name + ".weight").optional_tensor();
    tensors.parts.push_back(std::move(part));
  }
  tensors.sinks = args.at(4, "sinks").optional_tensor();
  tensors.gate = args.at(5, "gate").optional_tensor();
  tensors.out = args.at(6, "out").tensor();
  tensors.lse = args.at(7, "lse").optional_tensor();
  Backend& backend = backend_of(tensors.out.device());
  backend.merge_attention(to, std::move(tensors));
  return nullptr;
}

}  // namespace fattn::binding
