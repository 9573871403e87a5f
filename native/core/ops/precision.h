#pragma once

#include <cstdint>

namespace fattn {

/// What products are taken in: the dtype of the tensors, or, of float32 tensors, bfloat16.
enum class Precision : uint8_t { kStorage = 0, kBFloat16 = 1 };

}  // namespace fattn
