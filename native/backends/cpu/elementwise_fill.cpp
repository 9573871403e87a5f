#include "backends/cpu/elementwise_fill.h"

#include <cstdint>

#include "backends/cpu/strided_loop.h"
#include "core/ops/elementwise.h"

namespace fattn::cpu {
namespace {

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

void run_fill(JobContext& context, TensorView const& target, double value) {
  uint32_t const pattern = fill_pattern(target.dtype, value);
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
