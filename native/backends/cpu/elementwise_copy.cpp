#include "backends/cpu/elementwise_copy.h"

#include <cstring>
#include <type_traits>

#include "backends/cpu/element_types.h"
#include "backends/cpu/host_block.h"
#include "backends/cpu/strided_loop.h"
#include "core/ops/elementwise.h"

namespace fattn::cpu {
namespace {

struct Elements {
  char* data;
  DType dtype;
  Extents strides;
};

/// int32 to bfloat16 goes through double: through float it would round twice.
template <class To, class From>
To converted(From value) {
  if constexpr (std::is_same_v<From, int32_t>)
    return rounded<To>(static_cast<double>(value));
  else if constexpr (std::is_same_v<From, uint8_t>)
    return rounded<To>(static_cast<float>(value));
  else
    return rounded<To>(to_f32(value));
}

template <class From, class To>
void copy_run(From const* __restrict source, int64_t source_stride, To* __restrict target,
              int64_t target_stride, int64_t count) {
  auto convert = [](From value) {
    if constexpr (std::is_same_v<From, To>)
      return value;
    else
      return converted<To>(value);
  };
  if (source_stride == 1 && target_stride == 1) {
    if constexpr (std::is_same_v<From, To>)
      std::memcpy(target, source, static_cast<size_t>(count) * sizeof(To));
    else
      for (int64_t i = 0; i < count; ++i) target[i] = convert(source[i]);
  } else if (source_stride == 0 && target_stride == 1) {
    std::fill_n(target, count, convert(*source));
  } else {
    for (int64_t i = 0; i < count; ++i)
      target[i * target_stride] = convert(source[i * source_stride]);
  }
}

template <class From, class To>
void copy_elements(JobContext& context, Extents const& sizes, Elements source, Elements target) {
  StridedLoop const loop(StridedLoop::Order::kAny, sizes, target.strides, source.strides);
  auto const* const from = reinterpret_cast<From const*>(source.data);
  auto* const to = reinterpret_cast<To*>(target.data);
  auto copy = [&](int64_t begin, int64_t end) {
    loop.walk(begin, end, [&](int64_t, int64_t to_offset, int64_t from_offset, int64_t count) {
      copy_run(from + from_offset, loop.run_stride(1), to + to_offset, loop.run_stride(0), count);
    });
  };
  double const nanoseconds = std::is_same_v<From, To> ? 0.1 * (sizeof(From) + sizeof(To)) : 1.0;
  parallel_chunks(context, loop.elements(), nanoseconds, copy);
}

template <class From>
void copy_to_float(JobContext& context, Extents const& sizes, Elements source, Elements target) {
  with_float_type(target.dtype, [&](auto to) {
    copy_elements<From, decltype(to)>(context, sizes, source, target);
  });
}

void copy_any(JobContext& context, Extents const& sizes, Elements source, Elements target) {
  check_conversion(source.dtype, target.dtype);
  if (!is_float(target.dtype) || source.dtype == target.dtype) {  // the same bits
    switch (size_of(target.dtype)) {
      case 4:
        return copy_elements<uint32_t, uint32_t>(context, sizes, source, target);
      case 2:
        return copy_elements<uint16_t, uint16_t>(context, sizes, source, target);
      default:
        return copy_elements<uint8_t, uint8_t>(context, sizes, source, target);
    }
  }
  if (source.dtype == DType::i32) return copy_to_float<int32_t>(context, sizes, source, target);
  if (!is_float(source.dtype)) return copy_to_float<uint8_t>(context, sizes, source, target);
  with_float_type(source.dtype, [&](auto from) {
    copy_to_float<decltype(from)>(context, sizes, source, target);
  });
}

Elements elements_of(TensorView const& view) { return {view.bytes(), view.dtype, view.strides}; }

}  // namespace

void run_copy(JobContext& context, TensorView const& source, TensorView const& target) {
  if (!spans_overlap(source, target))
    return copy_any(context, source.sizes, elements_of(source), elements_of(target));
  HostBlock const aside(static_cast<size_t>(source.elements() * size_of(source.dtype)));
  Elements const middle{static_cast<char*>(aside.data()), source.dtype,
                        contiguous_strides(source.sizes)};
  copy_any(context, source.sizes, elements_of(source), middle);
  if (!context.stopped()) copy_any(context, source.sizes, middle, elements_of(target));
}

void run_read(JobContext& context, TensorView const& source, DType as, void* host) {
  copy_any(context, source.sizes, elements_of(source),
           {static_cast<char*>(host), as, contiguous_strides(source.sizes)});
}

}  // namespace fattn::cpu
