// Shared memory of the emulator: what it holds, and the mistakes that it finds.

#include <cmath>

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct Values {
  float* data;
};

struct Reverse : KernelShape<Values, 256, 1024> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory memory) {
    auto const values = memory.at<float>(0);
    int const t = thread_index();
    values.store(t, p.data[t]);
    sync_block();
    p.data[t] = values.load(255 - t);
  }
};

TEST(emulator_shared_memory_carries_values_over_a_barrier) {
  for_each_schedule([](EmulationOptions const& options) {
    std::vector<float> data(256);
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
    emulate<Reverse>({data.data()}, options);
    for (size_t i = 0; i < data.size(); ++i) expect_equal(data[i], static_cast<float>(255 - i));
  });
}

}  // namespace
}  // namespace fattn::test
