// Tensor maps for kernels on a CUDA device.
#pragma once

#include "simt/tensor_map.h"

namespace fattn::cuda {

/// Thread-safe, needs no device. Throws Error where the description is wrong (ERR_INTERNAL: the
/// host logic made it) or the driver does not know tensor maps (ERR_UNSUPPORTED).
simt::TensorMap encode_tensor_map(simt::TileDescription const& description);

}  // namespace fattn::cuda
