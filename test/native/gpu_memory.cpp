#include <cstring>

#include "gpu_fixture.h"

namespace fattn::test {
namespace {

int32_t* ints(TensorView const& view) { return view.data<int32_t>(); }

void set_all(gpu::GpuStream& stream, TensorView const& target, int32_t value) {
  queue(stream,
        [view = &target, value] {
          for (int64_t i = 0; i < view->elements(); ++i) ints(*view)[i] = value;
        },
        {}, {target});
}

}  // namespace

TEST(gpu_memory_is_taken_at_first_use_and_released_behind_the_last) {
  EmulatedDevice device;
  auto const stream = device.stream();
  auto tensor = std::make_unique<TensorView>(device.tensor(100));
  expect_equal(device.runtime().device_blocks(), 0, "before the first use");
  int sum = 0;
  {
    HeldStream held(*stream);
    auto* const data = [&] {
      queue(*stream, [] {}, {}, {*tensor});
      return ints(*tensor);
    }();
    queue(*stream, [data] { std::fill_n(data, 100, 3); }, {}, {*tensor});
    queue(*stream, [data, &sum] { sum = data[0] + data[99]; }, {*tensor}, {});
    tensor.reset();  // under way
    expect_equal(device.runtime().device_blocks(), 1);
    expect_equal(device.runtime().memory().pool_used, 0, "the stream may have it again");
  }
  finish(*stream);
  finish(*stream);
  expect_equal(sum, 6);
  stream->synchronize([](std::exception_ptr) {});
  expect_equal(device.runtime().device_blocks(), 0);
}

TEST(gpu_memory_waits_for_every_stream_that_uses_it) {
  EmulatedDevice device;
  auto const a = device.stream(), b = device.stream(), c = device.stream();
  auto tensor = std::make_unique<TensorView>(device.tensor(10));
  std::atomic<int> sum{0};
  set_all(*a, *tensor, 7);
  finish(*a);
  {
    HeldStream held_b(*b), held_c(*c);
    auto* const data = ints(*tensor);
    for (auto const* stream : {&b, &c})
      queue(**stream, [data, &sum] { sum += data[5]; }, {*tensor}, {});
    tensor.reset();
    queue(*a, [] {});
    finish(*a);  // the first user waits for nobody
    held_b.release();
    finish(*b);
    expect_equal(device.runtime().device_blocks(), 1, "c still uses it");
  }
  finish(*c);
  expect_equal(sum.load(), 14);
  while (device.runtime().device_blocks() != 0) std::this_thread::yield();
}

TEST(gpu_jobs_follow_the_streams_that_wrote_their_operands) {
  EmulatedDevice device;
  auto const a = device.stream(), b = device.stream();
  TensorView const x = device.tensor(1), y = device.tensor(1);
  int result = 0;
  {
    HeldStream held(*a);
    set_all(*a, x, 4);
    queue(*b, [&] { *ints(y) = *ints(x) + 1; }, {x}, {y});
    queue(*a, [&] { result = *ints(y); }, {y}, {});
  }
  finish(*a);
  expect_equal(result, 5);
}

TEST(gpu_memory_outlives_its_stream) {
  EmulatedDevice device;
  auto stream = device.stream();
  TensorView const tensor = device.tensor(1);
  int result = 0;
  {
    HeldStream held(*stream);
    set_all(*stream, tensor, 9);
    stream->close();
    stream.reset();
    auto const other = device.stream();
    queue(*other, [&] { result = *ints(tensor); }, {tensor}, {});
    held.release();
    finish(*other);
  }
  expect_equal(result, 9);
}

TEST(gpu_staging_blocks_are_used_again_once_they_are_passed) {
  EmulatedDevice device;
  auto const stream = device.stream();
  gpu::Staging& staging = device.gpu().staging();
  gpu::StagingBlock const first = staging.take(5000);
  expect(first.bytes >= 5000);
  {
    HeldStream held(*stream);
    {
      gpu::DeviceJob job(*stream, "upload");
      staging.give_back_after(first, stream->queue(), job.position());
      job.finish();
    }
    gpu::StagingBlock const second = staging.take(5000);
    expect(second.data != first.data, "the device still reads it");
    staging.give_back(second);
  }
  finish(*stream);
  gpu::StagingBlock const a = staging.take(5000), b = staging.take(5000);
  expect_equal(staging.held_bytes(), a.bytes + b.bytes, "both are old ones");
  staging.give_back(a);
  expect(!staging.give_back(b));
  gpu::StagingBlock const large = staging.take(int64_t{200} << 20);
  expect(staging.give_back(large), "more than is worth keeping");
  staging.trim();
  expect(staging.held_bytes() < large.bytes);
}

TEST(gpu_scratch_lives_as_long_as_its_job) {
  EmulatedDevice device;
  auto const stream = device.stream();
  {
    HeldStream held(*stream);
    gpu::DeviceJob job(*stream, "job");
    void* const scratch = job.scratch(64);
    auto* const body = HostKernel::keep([scratch] { std::memset(scratch, 1, 64); });
    job.launch(kHostKernel, {}, HostKernel::Params{body});
    job.finish();
  }
  finish(*stream);
  expect_equal(device.runtime().device_blocks(), 0);
  device.faults().refused_launch = 0;  // a job that fails half-way gives its scratch back, too
  expect_throws(ErrorCode::kInternal, [&] {
    gpu::DeviceJob job(*stream, "job");
    job.scratch(64);
    job.launch(kHostKernel, {}, HostKernel::Params{nullptr});
  });
  finish(*stream);
  expect_equal(device.runtime().device_blocks(), 0);
}

}  // namespace fattn::test
