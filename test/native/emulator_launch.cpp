// Launches that the emulator refuses as the GPU does, and how a failed one leaves it.

#include <thread>

#include "emulator_fixture.h"

namespace fattn::test {
namespace {

using namespace simt;

struct Counter {
  int32_t* count;
};

template <int kThreads_, int kShared>
struct Count : KernelShape<Counter, kThreads_, kShared> {
  FATTN_DEVICE static void run(Counter const& p, SharedMemory) { atomic_add(p.count, 1); }
};

template <class Kernel>
std::string refusal(Index3 grid) {
  int32_t count = 0;
  try {
    emulate<Kernel>({&count}, {}, grid);
  } catch (EmulationError const& error) {
    expect_equal(count, 0, "nothing ran");
    return error.what();
  }
  return "";
}

TEST(emulator_refuses_what_the_gpu_refuses) {
  auto const says = [](std::string const& text, char const* part) {
    expect(text.find(part) != std::string::npos, text);
  };
  says(refusal<Count<48, 0>>({1, 1, 1}), "48 threads, expected a multiple of 32");
  says(refusal<Count<1056, 0>>({1, 1, 1}), "1056 threads");
  says(refusal<Count<32, 232449>>({1, 1, 1}), "232449 bytes of shared memory");
  says(refusal<Count<32, 0>>({1, 65536, 1}), "grid 1 x 65536 x 1");
  says(refusal<Count<32, 0>>({0, 1, 1}), "grid 0 x 1 x 1");
  expect_equal(refusal<Count<32, 0>>({1, 1, 0}).empty(), false);
}

TEST(emulator_runs_the_largest_block) {
  int32_t count = 0;
  emulate<Count<1024, 232448>>({&count}, {}, {2, 1, 1});
  expect_equal(count, 2048);
}

/// Fails in the middle of block kBad, with the other threads in the middle of a shuffle.
struct Fails : KernelShape<Counter, 64> {
  FATTN_DEVICE static void run(Params const& p, SharedMemory) {
    for (int i = 0; i < 10; ++i) {
      if (i == 5 && block_index().x == 7 && thread_index() == 40) host::block().fail("planted");
      atomic_add(p.count, shuffle_xor(1, 1));
    }
  }
};

TEST(emulator_names_the_block_that_failed_and_goes_on) {
  for (int host_threads : {1, 2}) {
    int32_t count = 0;
    try {
      emulate<Fails>({&count}, {11, Landing::kLate, host_threads}, {16, 1, 1});
      fail(Where::current(), "nothing thrown");
    } catch (EmulationError const& error) {
      std::string const text = error.what();
      expect(text.find("kernel test, block (7, 0, 0), thread 40 (warp 1, lane 8): planted "
                       "[seed 11, landing late]") != std::string::npos,
             text);
    }
    count = 0;  // on the fibres that were abandoned in the middle
    emulate<Count<64, 0>>({&count}, {}, {20, 1, 1});
    expect_equal(count, 20 * 64);
  }
}

TEST(emulator_serves_several_host_threads_at_once) {
  int32_t counts[3] = {};
  std::vector<std::thread> threads;
  for (auto& count : counts)
    threads.emplace_back([&count] {
      for (uint64_t seed = 0; seed < 5; ++seed)
        emulate<Count<96, 128>>({&count}, {seed, Landing::kLate, 2}, {4, 1, 1});
    });
  for (auto& thread : threads) thread.join();
  for (int32_t const count : counts) expect_equal(count, 5 * 4 * 96);
}

}  // namespace
}  // namespace fattn::test
