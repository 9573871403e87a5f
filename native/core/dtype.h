#pragma once

#include <cstdint>
#include <string_view>

namespace fattn {

/// Element type of a tensor. The numeric values cross the binding: `lib/dtype.ts` has the same
/// list.
enum class DType : uint8_t { f32 = 0, f16 = 1, bf16 = 2, i32 = 3, u8 = 4, boolean = 5 };

/// Bytes of one element.
constexpr int64_t size_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
    case DType::i32:
      return 4;
    case DType::f16:
    case DType::bf16:
      return 2;
    default:
      return 1;
  }
}

constexpr bool is_float(DType dtype) {
  return dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

/// The name users see: 'float32', 'bfloat16', …
constexpr std::string_view name_of(DType dtype) {
  constexpr std::string_view names[] = {"float32", "float16", "bfloat16", "int32", "uint8", "bool"};
  return names[static_cast<int>(dtype)];
}

}  // namespace fattn
