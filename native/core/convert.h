#pragma once

#include <cstdint>
#include <string_view>

#include "core/dtype.h"

namespace fattn {

/// Element type of data that a caller hands in; wider than the dtypes of tensors.
enum class SourceType : uint8_t { f64, f32, f16, bf16, i8, u8, i16, u16, i32, u32, i64, u64 };

/// 'f64', 'bf16', …; throws ERR_ARGUMENT_VALUE for any other name.
SourceType source_type_of(std::string_view name);

/// Bytes of one element.
int64_t size_of(SourceType type);

/// Writes `count` elements of `source` to `target` as `to`. Floats are rounded once, to nearest
/// even. Throws ERR_ARGUMENT_VALUE with the index of the first element that an integer or bool
/// dtype cannot hold exactly (bool holds 0 and 1). Both pointers are aligned for their types, or
/// `count` is 0.
void convert_elements(void const* source, SourceType from, int64_t count, DType to, void* target);

}  // namespace fattn
