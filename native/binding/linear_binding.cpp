#include <utility>

#include "binding/bindings.h"
#include "core/backend.h"

namespace fattn::binding {

napi_value linear(Arguments const& args) {
  Submission const to = args.submission(6);
  LinearArgs tensors;
  tensors.x = args.at(1, "x").tensor();
  tensors.w = args.at(2, "w").tensor();
  tensors.bias = args.at(3, "bias").optional_tensor();
  tensors.out = args.at(4, "out").tensor();
  LinearDesc const desc =
      describe_linear(tensors, args.at(5, "precision").one_of(Precision::kBFloat16));
  Backend& backend = backend_of(tensors.x.device());
  backend.linear(to, desc, std::move(tensors));
  return nullptr;
}

}  // namespace fattn::binding
