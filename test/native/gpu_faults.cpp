#include "gpu_fixture.h"

namespace fattn::test {

TEST(gpu_out_of_memory_says_the_sizes_and_leaves_everything_usable) {
  EmulatedDevice device;
  device.faults().memory_bytes = 1000;
  auto const stream = device.stream();
  TensorView const small = device.tensor(150), large = device.tensor(200);
  queue(*stream, [] {}, {}, {small});
  expect_throws(
      ErrorCode::kOutOfMemory, [&] { queue(*stream, [] {}, {}, {large}); },
      "emulated:0 has no room for 800 bytes: 400 of 1000 bytes are free, the pool holds 600");
  finish(*stream);
  queue(*stream, [] {}, {small}, {});
  finish(*stream);
  device.faults().memory_bytes = 2000;
  queue(*stream, [] {}, {}, {large});
  finish(*stream);
  device.faults().pinned_bytes = 0;
  expect_throws(
      ErrorCode::kOutOfMemory, [&] { device.gpu().staging().take(10'000'000); },
      "pinned host memory");
}

TEST(gpu_refused_launch_is_thrown_at_the_call) {
  EmulatedDevice device;
  auto const stream = device.stream();
  device.faults().refused_launch = 1;
  queue(*stream, [] {});
  expect_throws(
      ErrorCode::kInternal, [&] { queue(*stream, [] {}); }, "launching host");
  queue(*stream, [] {});
  finish(*stream);
}

TEST(gpu_kernel_mistake_is_told_once_to_whoever_waits) {
  EmulatedDevice device;
  auto const stream = device.stream();
  queue(*stream, [] { throw std::runtime_error("barrier 3 was not reached"); });
  queue(*stream, [] {});
  auto const failure = outcome_of(*stream);
  expect(failure != nullptr && message_of(failure).find("barrier 3") != std::string::npos);
  expect(outcome_of(*stream) == nullptr);
}

TEST(gpu_loss_of_the_device_reaches_everybody_and_names_the_operation) {
  EmulatedDevice device;
  auto const stream = device.stream(), other = device.stream();
  TensorView const tensor = device.tensor(10);
  Waiter waiting, event;
  {
    HeldStream held(*stream);
    queue(
        *stream, [] {}, {}, {tensor}, "fill");
    queue(
        *stream, [] { fail(Where::current(), "the device is gone"); }, {}, {}, "attention");
    queue(
        *stream, [] { fail(Where::current(), "the device is gone"); }, {}, {}, "copy");
    device.faults().fatal_kernel = 1;
    stream->synchronize(waiting.completion());
    stream->record()->when_reached(event.completion());
  }
  auto const failure = waiting.outcome();
  expect(code_of(failure) == ErrorCode::kDeviceLost);
  expect_equal(message_of(failure).substr(0, 11), std::string("attention: "), message_of(failure));
  expect(code_of(event.outcome()) == ErrorCode::kDeviceLost);
  // Every later call throws the same.
  char const* const same = "attention: emulated:0 is lost";
  expect_throws(
      ErrorCode::kDeviceLost, [&] { queue(*other, [] {}); }, same);
  expect_throws(
      ErrorCode::kDeviceLost, [&] { stream->synchronize([](std::exception_ptr) {}); }, same);
  expect_throws(
      ErrorCode::kDeviceLost, [&] { other->record(); }, same);
  stream->close();
}

TEST(gpu_loss_is_noticed_by_the_next_call_where_nobody_waits) {
  EmulatedDevice device;
  auto const stream = device.stream();
  {
    HeldStream held(*stream);
    queue(
        *stream, [] {}, {}, {}, "rope");
    device.faults().fatal_kernel = 0;
  }
  auto const call_until_lost = [&] {
    for (;;) stream->record();
  };
  expect_throws(ErrorCode::kDeviceLost, call_until_lost, "rope: emulated:0 is lost");
}

TEST(gpu_streams_keep_their_order_on_a_slow_device) {
  EmulatedDevice device;
  device.faults().delay_us = 2000;
  auto const a = device.stream(), b = device.stream();
  TensorView const x = device.tensor(1);
  int seen = 0;
  queue(*a, [&] { *x.data<int32_t>() = 1; }, {}, {x});
  queue(*b, [&] { seen = *x.data<int32_t>(); }, {x}, {});
  finish(*b);
  expect_equal(seen, 1);
}

}  // namespace fattn::test
