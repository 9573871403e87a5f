#include <utility>

#include "binding/bindings.h"
#include "core/backend.h"

namespace fattn::binding {

napi_value rms_norm(Arguments const& args) {
  Submission const to = args.submission(5);
  RmsNormArgs tensors;
  tensors.x = args.at(1, "x").tensor();
  tensors.weight = args.at(2, "weight").optional_tensor();
  tensors.out = args.at(3, "out").tensor();
  float const epsilon = static_cast<float>(args.at(4, "epsilon").number());
  Backend& backend = backend_of(tensors.x.device());
  backend.rms_norm(to, epsilon, std::move(tensors));
  return nullptr;
}

}  // namespace fattn::binding
