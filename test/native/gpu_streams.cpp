#include <thread>

#include "backends/cpu/cpu_backend.h"
#include "gpu_fixture.h"

namespace fattn::test {

TEST(gpu_stream_runs_jobs_in_order) {
  EmulatedDevice device;
  auto const stream = device.stream();
  std::vector<int> order;  // unsynchronised on purpose: order must also mean visibility
  for (int i = 0; i < 200; ++i) queue(*stream, [&, i] { order.push_back(i); });
  finish(*stream);
  expect_equal(order.size(), size_t{200});
  for (int i = 0; i < 200; ++i) expect_equal(order[static_cast<size_t>(i)], i);
}

TEST(gpu_stream_calls_back_at_once_when_nothing_is_pending) {
  EmulatedDevice device;
  auto const stream = device.stream();
  std::thread::id caller;
  stream->synchronize([&](std::exception_ptr) { caller = std::this_thread::get_id(); });
  expect(caller == std::this_thread::get_id(), "from the caller's thread");
}

TEST(gpu_completions_come_in_order_and_not_early) {
  EmulatedDevice device;
  auto const stream = device.stream();
  std::atomic<int> told{0};
  Waiter last;
  {
    HeldStream held(*stream);
    stream->synchronize([&](std::exception_ptr) { expect_equal(told.fetch_add(1), 0); });
    queue(*stream, [] {});
    stream->synchronize([&](std::exception_ptr) { expect_equal(told.fetch_add(1), 1); });
    stream->synchronize(last.completion());
    expect_equal(told.load(), 0, "told before the work was done");
  }
  expect(last.outcome() == nullptr);
  expect_equal(told.load(), 2);
}

TEST(gpu_events_order_two_streams) {
  EmulatedDevice device;
  auto const a = device.stream(), b = device.stream();
  std::atomic<int> step{0};
  int seen = -1;
  {
    HeldStream held(*a);
    queue(*a, [&] { step = 1; });
    b->wait(a->record());
    queue(*b, [&] { seen = step.load(); });
    queue(*a, [] {});
  }
  finish(*b);
  expect_equal(seen, 1, "b ran before a's event");
}

TEST(gpu_event_is_told_without_waiting_for_later_work) {
  EmulatedDevice device;
  auto const stream = device.stream();
  queue(*stream, [] {});
  auto const event = stream->record();
  HeldStream held(*stream);  // later work, that goes on
  Waiter waiter;
  event->when_reached(waiter.completion());
  expect(waiter.outcome() == nullptr);
}

TEST(gpu_events_wait_apart_from_one_another) {
  EmulatedDevice device;
  auto const slow = device.stream(), fast = device.stream();
  HeldStream held(*slow);
  Waiter later, sooner;
  slow->record()->when_reached(later.completion());
  HeldStream until_asked(*fast);
  auto const event = fast->record();
  event->when_reached(sooner.completion());
  until_asked.release();
  expect(sooner.outcome() == nullptr, "behind an event of another stream");
  held.release();
  expect(later.outcome() == nullptr);
}

TEST(gpu_events_measure_time) {
  EmulatedDevice device;
  auto const stream = device.stream();
  auto const start = stream->record();
  queue(*stream, [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); });
  auto const end = stream->record();
  Waiter waiter;
  {
    HeldStream held(*stream);
    auto const never = stream->record();
    expect_throws(
        ErrorCode::kInternal, [&] { never->nanoseconds_since(*start); }, "not been reached");
  }
  end->when_reached(waiter.completion());
  expect(waiter.outcome() == nullptr);
  expect(end->nanoseconds_since(*start) >= 20'000'000, "less than the sleep between them");
  expect(start->nanoseconds_since(*end) <= -20'000'000, "backwards");
}

/// The stamp is there a moment before the queue says that it has passed it.
TEST(gpu_events_are_reached_for_whoever_was_told) {
  EmulatedDevice device;
  auto const stream = device.stream();
  for (int round = 0; round < 500; ++round) {
    auto const start = stream->record(), end = stream->record();
    Waiter waiter;
    end->when_reached(waiter.completion());
    expect(waiter.outcome() == nullptr);
    expect(end->nanoseconds_since(*start) >= 0);
  }
}

TEST(gpu_and_cpu_streams_wait_for_one_another) {
  EmulatedDevice device;
  auto const gpu_stream = device.stream();
  auto const cpu_stream = cpu_backend().create_stream({});
  std::atomic<int> step{0};
  {
    HeldStream held(*gpu_stream);
    queue(*gpu_stream, [&] { step = 1; });
    cpu_stream->wait(gpu_stream->record());
    gpu_stream->wait(cpu_stream->record());  // reached only after the device's own event
    queue(*gpu_stream, [&] { step = step == 1 ? 2 : -1; });
  }
  finish(*gpu_stream);
  expect_equal(step.load(), 2);
  for (int i = 0; i < 200; ++i) {  // the words are used again
    gpu_stream->wait(cpu_stream->record());
    finish(*gpu_stream);
  }
  cpu_stream->close();
}

TEST(gpu_stream_limits_its_queue) {
  EmulatedDevice device;
  auto const stream = device.stream({.queue_depth = 3});
  std::atomic<int> ran{0};
  {
    HeldStream held(*stream);
    for (int i = 0; i < 3; ++i) queue(*stream, [&] { ++ran; });
    expect_throws(
        ErrorCode::kQueueFull, [&] { queue(*stream, [&] { ran = 100; }); }, "3 jobs are waiting");
    stream->record();  // markers cost nothing
  }
  finish(*stream);
  expect_equal(ran.load(), 3);
  queue(*stream, [&] { ++ran; });
  finish(*stream);
  expect_equal(ran.load(), 4);
  expect_throws(ErrorCode::kArgumentValue, [&] { device.stream({.queue_depth = 0}); });
}

TEST(gpu_stream_closes_with_work_in_flight) {
  EmulatedDevice device;
  auto const stream = device.stream(), other = device.stream();
  TensorView const tensor = device.tensor(4);
  Waiter waiting;
  std::atomic<bool> ran{false};
  int seen = 0;
  {
    HeldStream held(*stream);
    auto* const written = &seen;
    queue(*stream, [&, written] { ran = true, *written = 5; }, {}, {tensor});
    stream->synchronize(waiting.completion());
    stream->close();
    expect(code_of(waiting.outcome()) == ErrorCode::kStreamClosed);
    expect(stream->closed() && !ran);
    stream->close();
    expect_throws(ErrorCode::kStreamClosed, [&] { queue(*stream, [] {}); });
    expect_throws(ErrorCode::kStreamClosed, [&] { stream->record(); });
    expect_throws(ErrorCode::kStreamClosed,
                  [&] { stream->synchronize([](std::exception_ptr) {}); });
    // Another stream still finds what the closed one is writing.
    queue(*other, [written] { *written = *written == 5 ? 6 : -1; }, {tensor}, {});
  }
  finish(*other);
  expect_equal(seen, 6);
}

TEST(gpu_stream_may_be_closed_by_its_own_completion) {
  EmulatedDevice device;
  auto const stream = device.stream();
  Waiter waiter;
  {
    HeldStream held(*stream);
    stream->synchronize([&](std::exception_ptr) {
      stream->close();
      waiter.completion()(nullptr);
    });
  }
  expect(waiter.outcome() == nullptr);
  expect(stream->closed());
}

}  // namespace fattn::test
