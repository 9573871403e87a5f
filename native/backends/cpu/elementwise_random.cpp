#include "backends/cpu/elementwise_random.h"

#include "backends/cpu/element_types.h"
#include "backends/cpu/strided_loop.h"
#include "kernels/elementwise/normals.h"

namespace fattn::cpu {
namespace {

template <class To>
void fill_normals(JobContext& context, TensorView const& target, uint64_t seed) {
  StridedLoop const loop(StridedLoop::Order::kRowMajor, target.sizes, target.strides);
  To* const data = target.data<To>();
  int64_t const stride = loop.run_stride(0);
  auto fill = [&](int64_t begin, int64_t end) {
    Normals block{};
    int64_t drawn = -1;  // number of the block held
    loop.walk(begin, end, [&](int64_t first, int64_t offset, int64_t, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        int64_t const element = first + i;
        if (element / 4 != drawn) {
          drawn = element / 4;
          block = normals(seed, static_cast<uint64_t>(drawn));
        }
        data[offset + i * stride] = rounded<To>(block.value[element % 4]);
      }
    });
  };
  parallel_chunks(context, loop.elements(), 15, fill);
}

}  // namespace

void run_randn(JobContext& context, TensorView const& target, uint64_t seed) {
  with_float_type(target.dtype,
                  [&](auto to) { fill_normals<decltype(to)>(context, target, seed); });
}

}  // namespace fattn::cpu
