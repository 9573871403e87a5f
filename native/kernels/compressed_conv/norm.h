// The factors that give a head its length.
#pragma once

#include "kernels/compressed_conv/params.h"
#include "kernels/square_root.h"

namespace fattn {

/// tau of a key head. In double: an error of it is one of every element of its keys.
template <class Element>
FATTN_DEVICE float conv_temperature(CompressedConvParams const& p, int32_t group) {
  constexpr double kE = 2.718281828459045;
  float x = p.temperature.at<Element>(group);
  if (p.temperature_mode == ConvTemperature::kRaw) return x;
  if (p.temperature_mode == ConvTemperature::kExpClamped) x = x < 1e-7f ? 1e-7f : x > 2 ? 2 : x;
  return static_cast<float>(simt::power(kE, static_cast<double>(x)));
}

/// What a head with this sum of squares is multiplied by, to be `factor` times sqrt(d) long.
FATTN_DEVICE float conv_scale(CompressedConvParams const& p, float squares, float factor) {
  return factor * square_root(static_cast<float>(p.head_dim) / (squares + 1e-12f));
}

}  // namespace fattn
