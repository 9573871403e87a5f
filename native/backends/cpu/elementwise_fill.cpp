#include "backends/cpu/elementwise_fill.h"

#include <bit>
#include <cmath>
#include <cstdint>

#include "backends/cpu/strided_loop.h"
#include "core/error.h"
#include "core/half.h"

namespace fattn::cpu {
namespace {

/// The bit pattern of one element, in the low bytes.
uint32_t pattern_of(DType dtype, double value) {
  switch (dtype) {
    case DType::f32:
      return std::bit_cast<uint32_t>(static_cast<float>(value));
    case DType::f16:
      return f16_from_f64(value);
    case DType::bf16:
      return bf16_from_f64(value);
    default:
      return static_cast<uint32_t>(static_cast<int64_t>(value));
  }
}

template <class Word>
void fill_words(JobContext& context, TensorView const& target, Word word) {
  StridedLoop const loop(StridedLoop::Order::kAny, target.sizes, target.strides);
  Word* const data = target.data<Word>();
  int64_t const stride = loop.run_stride(0);
  auto fill = [&](int64_t begin, int64_t end) {
    loop.walk(begin, end, [&](int64_t, int64_t offset, int64_t, int64_t count) {
      if (stride == 1)
        std::fill_n(data + offset, count, word);
      else
        for (int64_t i = 0; i < count; ++i) data[offset + i * stride] = word;
    });
  };
  parallel_chunks(context, loop.elements(), 0.1 * sizeof(Word), fill);
}

}  // namespace

void check_fill(TensorView const& target, double value) {
  if (is_float(target.dtype)) return;
  bool const signed_integer = target.dtype == DType::i32;
  double const least = signed_integer ? -0x1p31 : 0;
  double const greatest = signed_integer ? 0x1p31 - 1 : target.dtype == DType::u8 ? 255 : 1;
  check(value >= least && value <= greatest && std::floor(value) == value,
        ErrorCode::kArgumentValue, "fill: ", value, " is not a value of ", name_of(target.dtype));
}

void run_fill(JobContext& context, TensorView const& target, double value) {
  uint32_t const pattern = pattern_of(target.dtype, value);
  switch (size_of(target.dtype)) {
    case 4:
      return fill_words<uint32_t>(context, target, pattern);
    case 2:
      return fill_words<uint16_t>(context, target, static_cast<uint16_t>(pattern));
    default:
      return fill_words<uint8_t>(context, target, static_cast<uint8_t>(pattern));
  }
}

}  // namespace fattn::cpu
