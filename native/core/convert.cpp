#include "core/convert.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#include "core/error.h"
#include "core/half.h"

namespace fattn {
namespace {

struct SourceName {
  std::string_view name;
  int64_t bytes;
};
constexpr std::array<SourceName, 12> kSources{{{"f64", 8},
                                               {"f32", 4},
                                               {"f16", 2},
                                               {"bf16", 2},
                                               {"i8", 1},
                                               {"u8", 1},
                                               {"i16", 2},
                                               {"u16", 2},
                                               {"i32", 4},
                                               {"u32", 4},
                                               {"i64", 8},
                                               {"u64", 8}}};

/// How the elements of a source are stored, and the value an element stands for.
template <class T>
struct Plain {
  using Stored = T;
  static T value(T stored) { return stored; }
};
struct Float16 {
  using Stored = uint16_t;
  static float value(uint16_t stored) { return f32_from_f16(stored); }
};
struct BFloat16 {
  using Stored = uint16_t;
  static float value(uint16_t stored) { return f32_from_bf16(stored); }
};

/// A 64-bit integer as a double that rounds further as the integer itself would: bits below the
/// 53rd are folded into one that remembers them.
template <class T>
double double_to_odd(T value) {
  if constexpr (sizeof(T) < 8) {
    return static_cast<double>(value);
  } else {
    bool const negative = value < 0;
    uint64_t magnitude = negative ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    constexpr uint64_t kLost = 0x7ff;
    if (magnitude >> 53 != 0 && (magnitude & kLost) != 0)
      magnitude = (magnitude & ~kLost) | (kLost + 1);
    double const result = static_cast<double>(magnitude);
    return negative ? -result : result;
  }
}

template <class T>
uint16_t to_f16(T value) {
  if constexpr (std::is_same_v<T, float>)
    return f16_from_f32(value);
  else if constexpr (std::is_same_v<T, double>)
    return f16_from_f64(value);
  else
    return f16_from_f64(double_to_odd(value));
}

template <class T>
uint16_t to_bf16(T value) {
  if constexpr (std::is_same_v<T, float>)
    return bf16_from_f32(value);
  else if constexpr (std::is_same_v<T, double>)
    return bf16_from_f64(value);
  else
    return bf16_from_f64(double_to_odd(value));
}

/// Whether `value` is an integer of [low, high]. NaN and fractions are not.
template <class T>
bool fits(T value, int64_t low, int64_t high) {
  if constexpr (std::is_floating_point_v<T>)
    return value >= static_cast<T>(low) &&
           static_cast<double>(value) <= static_cast<double>(high) && std::trunc(value) == value;
  else if constexpr (std::is_unsigned_v<T>)
    return static_cast<uint64_t>(value) <= static_cast<uint64_t>(high);
  else
    return static_cast<int64_t>(value) >= low && static_cast<int64_t>(value) <= high;
}

template <class Source, class Target>
void convert_integers(typename Source::Stored const* source, int64_t count, DType to,
                      Target* target, int64_t low, int64_t high) {
  for (int64_t i = 0; i < count; ++i) {
    auto const value = Source::value(source[i]);
    // Unary plus prints 8-bit integers as numbers.
    check(fits(value, low, high), ErrorCode::kArgumentValue, "data[", i, "] is ", +value,
          ", which ", name_of(to), " cannot hold; expected an integer from ", low, " to ", high);
    target[i] = static_cast<Target>(value);
  }
}

template <class Source>
void convert_from(void const* data, int64_t count, DType to, void* target) {
  auto const* source = static_cast<typename Source::Stored const*>(data);
  switch (to) {
    case DType::f32:
      for (int64_t i = 0; i < count; ++i)
        static_cast<float*>(target)[i] = static_cast<float>(Source::value(source[i]));
      return;
    case DType::f16:
      for (int64_t i = 0; i < count; ++i)
        static_cast<uint16_t*>(target)[i] = to_f16(Source::value(source[i]));
      return;
    case DType::bf16:
      for (int64_t i = 0; i < count; ++i)
        static_cast<uint16_t*>(target)[i] = to_bf16(Source::value(source[i]));
      return;
    case DType::i32:
      return convert_integers<Source>(source, count, to, static_cast<int32_t*>(target),
                                      std::numeric_limits<int32_t>::min(),
                                      std::numeric_limits<int32_t>::max());
    case DType::u8:
      return convert_integers<Source>(source, count, to, static_cast<uint8_t*>(target), 0, 255);
    case DType::boolean:
      return convert_integers<Source>(source, count, to, static_cast<uint8_t*>(target), 0, 1);
  }
  throw Error(ErrorCode::kDType, "unknown dtype");
}

/// Sources whose elements a tensor stores as they are.
bool same_bits(SourceType from, DType to) {
  return (from == SourceType::f32 && to == DType::f32) ||
         (from == SourceType::f16 && to == DType::f16) ||
         (from == SourceType::bf16 && to == DType::bf16) ||
         (from == SourceType::i32 && to == DType::i32) ||
         (from == SourceType::u8 && to == DType::u8);
}

using ConvertFrom = void (*)(void const*, int64_t, DType, void*);
constexpr std::array<ConvertFrom, 12> kConvert{
    convert_from<Plain<double>>,   convert_from<Plain<float>>,    convert_from<Float16>,
    convert_from<BFloat16>,        convert_from<Plain<int8_t>>,   convert_from<Plain<uint8_t>>,
    convert_from<Plain<int16_t>>,  convert_from<Plain<uint16_t>>, convert_from<Plain<int32_t>>,
    convert_from<Plain<uint32_t>>, convert_from<Plain<int64_t>>,  convert_from<Plain<uint64_t>>};

}  // namespace

SourceType source_type_of(std::string_view name) {
  for (size_t i = 0; i < kSources.size(); ++i)
    if (kSources[i].name == name) return static_cast<SourceType>(i);
  throw Error(ErrorCode::kArgumentValue, "unknown element type '" + std::string(name) + "'");
}

int64_t size_of(SourceType type) { return kSources[static_cast<size_t>(type)].bytes; }

void convert_elements(void const* source, SourceType from, int64_t count, DType to, void* target) {
  if (count == 0) return;
  if (same_bits(from, to)) {
    std::memcpy(target, source, static_cast<size_t>(count * size_of(from)));
    return;
  }
  kConvert[static_cast<size_t>(from)](source, count, to, target);
}

}  // namespace fattn
