#include <utility>

#include "binding/bindings.h"
#include "binding/rope_description.h"
#include "core/backend.h"

namespace fattn::binding {

RopeDesc read_rope_description(Value const& from) {
  RopeDesc desc;
  desc.rotary_dim = from.field("rotaryDim").integer();
  desc.theta = from.field("theta").number();
  desc.pairing = from.field("pairing").one_of(RopePairing::kDeinterleaved);
  desc.inverse = from.field("inverse").boolean();
  desc.position_offset = from.field("positionOffset").integer();
  desc.scaling = from.field("scaling").one_of(RopeScaling::kProportional);
  desc.factor = from.field("factor").number();
  desc.original_max = from.field("originalMax").number();
  desc.low_freq_factor = from.field("lowFreqFactor").number();
  desc.high_freq_factor = from.field("highFreqFactor").number();
  desc.beta_fast = from.field("betaFast").number();
  desc.beta_slow = from.field("betaSlow").number();
  desc.truncate = from.field("truncate").boolean();
  desc.attention_factor = from.field("attentionFactor").number();
  desc.mscale = from.field("mscale").number();
  desc.mscale_all_dim = from.field("mscaleAllDim").number();
  desc.current_length = from.field("currentLength").number();
  desc.short_factors = from.field("shortFactors").numbers();
  desc.long_factors = from.field("longFactors").numbers();
  return desc;
}

napi_value rope(Arguments const& args) {
  Submission const to = args.submission(5);
  RopeArgs tensors;
  tensors.x = args.at(1, "x").tensor();
  tensors.out = args.at(2, "out").tensor();
  tensors.positions = args.at(3, "positions").optional_tensor();
  RopeDesc desc = read_rope_description(args.at(4, "description"));
  Backend& backend = backend_of(tensors.x.device());
  backend.rope(to, std::move(desc), std::move(tensors));
  return nullptr;
}

}  // namespace fattn::binding
