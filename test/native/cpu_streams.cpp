#include <atomic>
#include <chrono>
#include <thread>

#include "cpu_fixture.h"

namespace fattn::test {
namespace {

using cpu::JobContext;
using std::chrono::milliseconds;

void nothing(JobContext&) {}

}  // namespace

TEST(stream_runs_jobs_in_order) {
  Threads threads(4);
  auto const stream = threads.stream();
  std::vector<int> order;  // unsynchronised on purpose: order must also mean visibility
  for (int i = 0; i < 1000; ++i) queue(*stream, [&, i](JobContext&) { order.push_back(i); });
  finish(*stream);
  expect_equal(order.size(), size_t{1000});
  for (int i = 0; i < 1000; ++i) expect_equal(order[static_cast<size_t>(i)], i);
}

TEST(stream_calls_back_at_once_when_nothing_is_pending) {
  Threads threads(1);
  auto const stream = threads.stream();
  std::thread::id caller;
  stream->synchronize([&](std::exception_ptr) { caller = std::this_thread::get_id(); });
  expect(caller == std::this_thread::get_id(), "from the caller's thread");
}

TEST(events_order_two_streams) {
  Threads threads(2);
  auto const a = threads.stream(), b = threads.stream();
  Held held(*a);
  std::atomic<int> step{0};
  queue(*a, [&](JobContext&) { step = 1; });
  b->wait(a->record());
  queue(*b, [&](JobContext&) { expect_equal(step.load(), 1, "b ran before a's event"); });
  std::this_thread::sleep_for(milliseconds(5));
  held.release();
  finish(*b);
}

TEST(a_stream_that_waits_occupies_no_thread) {
  Threads threads(2);
  auto const a = threads.stream();
  Held held(*a);  // one of the two threads
  auto const event = a->record();
  std::vector<std::shared_ptr<cpu::CpuStream>> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.push_back(threads.stream());
    waiting.back()->wait(event);
    queue(*waiting.back(), nothing);
  }
  auto const free = threads.stream();
  queue(*free, nothing);
  finish(*free);  // would hang if a waiting stream held the other thread
  held.release();
  for (auto& stream : waiting) finish(*stream);
}

TEST(events_measure_time) {
  Threads threads(1);
  auto const stream = threads.stream();
  auto const start = stream->record();
  queue(*stream, [](JobContext&) { std::this_thread::sleep_for(milliseconds(20)); });
  auto const end = stream->record();
  Waiter waiter;
  end->when_reached(waiter.completion());
  expect(waiter.outcome() == nullptr);
  expect(end->nanoseconds_since(*start) >= 20'000'000, "less than the sleep between them");
  expect(start->nanoseconds_since(*end) <= -20'000'000, "backwards");
}

TEST(an_event_may_be_awaited_after_it_was_reached) {
  Threads threads(1);
  auto const a = threads.stream(), b = threads.stream();
  auto const event = a->record();
  b->wait(event);
  queue(*b, nothing);
  finish(*b);
  queue(*a, nothing);
  a->wait(a->record());  // its own: in order anyway
  queue(*a, nothing);
  finish(*a);
}

TEST(a_full_queue_refuses_and_says_its_depth) {
  Threads threads(1);
  auto const stream = threads.stream({.queue_depth = 3});
  Held held(*stream);
  for (int i = 0; i < 3; ++i) queue(*stream, nothing);
  expect_throws(
      ErrorCode::kQueueFull, [&] { queue(*stream, nothing); }, "3 jobs");
  auto const event = stream->record();  // only jobs count
  threads.stream()->wait(event);
  held.release();
  finish(*stream);
  queue(*stream, nothing);
  finish(*stream);
  expect_throws(ErrorCode::kArgumentValue, [&] { threads.stream({.queue_depth = 0}); });
}

TEST(a_failure_is_named_and_reported_once) {
  Threads threads(1);
  auto const stream = threads.stream();
  queue(
      *stream, [](JobContext&) { throw Error(ErrorCode::kIndex, "first"); }, {}, {}, "attention");
  queue(*stream, [](JobContext&) { throw std::runtime_error("second"); });
  auto const failure = outcome_of(*stream);
  expect(code_of(failure) == ErrorCode::kIndex);
  expect_equal(message_of(failure), std::string("attention: first"));
  expect(outcome_of(*stream) == nullptr, "reported twice");
  queue(
      *stream, [](JobContext&) { throw Error(ErrorCode::kIndex, "rope: named"); }, {}, {}, "rope");
  expect_equal(message_of(outcome_of(*stream)), std::string("rope: named"));
  queue(*stream, [](JobContext&) { throw std::bad_alloc(); });
  expect(code_of(outcome_of(*stream)) == ErrorCode::kOutOfMemory);
}

TEST(a_failure_reaches_whoever_reads_the_output) {
  Threads threads(2);
  auto const stream = threads.stream();
  TensorView const a = host_view(DType::f32, {4}), b = host_view(DType::f32, {4});
  queue(
      *stream, [](JobContext&) { throw Error(ErrorCode::kIndex, "bad"); }, {}, {a}, "attention");
  queue(
      *stream, [](JobContext&) { fail(Where::current(), "must not run"); }, {a}, {b}, "copy");
  expect_equal(message_of(outcome_of(*stream)), std::string("attention: bad"));
  expect_equal(message_of(b.failure()), std::string("attention: bad"));

  TensorView half = a;
  half.sizes[0] = 2;
  queue(*stream, nothing, {}, {half});
  finish(*stream);
  expect(half.failure() == nullptr, "written anew");
  expect(a.failure() != nullptr, "the other half is still bad");
  queue(*stream, nothing, {}, {a});
  finish(*stream);
  expect(a.failure() == nullptr, "written as a whole");
}

TEST(closing_drops_queued_work_and_stops_running_work) {
  Threads threads(2);
  auto const stream = threads.stream();
  TensorView const running = host_view(DType::f32, {1}), queued = host_view(DType::f32, {1});
  std::promise<void> started;
  std::atomic<bool> left{false};
  queue(*stream,
        [&](JobContext& job) {
          started.set_value();
          while (!job.stopped()) std::this_thread::yield();
          left = true;
        },
        {}, {running});
  queue(*stream, [](JobContext&) { fail(Where::current(), "must not run"); }, {}, {queued});
  auto const event = stream->record();
  Waiter synchronized, reached;
  stream->synchronize(synchronized.completion());
  event->when_reached(reached.completion());
  started.get_future().wait();
  stream->close();
  expect(left.load(), "close() returned while the job ran");
  for (auto const& failure :
       {synchronized.outcome(), reached.outcome(), running.failure(), queued.failure()})
    expect(code_of(failure) == ErrorCode::kStreamClosed);
  expect_throws(ErrorCode::kStreamClosed, [&] { (void)event->nanoseconds_since(*event); });
}

TEST(a_closed_stream_refuses_everything) {
  Threads threads(1);
  auto const stream = threads.stream(), other = threads.stream();
  auto const event = other->record();
  expect(!stream->closed());
  stream->close();
  stream->close();
  expect(stream->closed());
  expect_throws(ErrorCode::kStreamClosed, [&] { queue(*stream, nothing); });
  expect_throws(ErrorCode::kStreamClosed, [&] { stream->record(); });
  expect_throws(ErrorCode::kStreamClosed, [&] { stream->wait(event); });
  expect_throws(ErrorCode::kStreamClosed, [&] { stream->synchronize([](std::exception_ptr) {}); });
}

TEST(closing_a_stream_lets_those_that_wait_for_it_go_on) {
  Threads threads(2);
  auto const a = threads.stream(), b = threads.stream();
  Held held(*a);
  b->wait(a->record());
  std::atomic<bool> ran{false};
  queue(*b, [&](JobContext&) { ran = true; });
  std::jthread closer([&] { a->close(); });
  finish(*b);
  expect(ran.load());
  held.release();
}

TEST(closing_a_stream_that_waits) {
  Threads threads(2);
  auto const a = threads.stream(), b = threads.stream();
  Held held(*a);
  b->wait(a->record());
  TensorView const out = host_view(DType::f32, {1});
  queue(*b, nothing, {}, {out});
  std::this_thread::sleep_for(milliseconds(2));
  b->close();
  expect(code_of(out.failure()) == ErrorCode::kStreamClosed);
  held.release();
  finish(*a);
}

TEST(a_completion_may_close_its_own_stream) {
  Threads threads(1);
  auto const stream = threads.stream();
  Held held(*stream);
  Waiter waiter;
  stream->synchronize([&](std::exception_ptr) {
    stream->close();
    waiter.completion()(nullptr);
  });
  held.release();
  waiter.outcome();
  expect(stream->closed());
}

TEST(queued_work_outlives_the_last_handle) {
  Threads threads(1);
  auto const keeps_pool = threads.stream();
  auto stream = std::make_shared<cpu::CpuStream>(threads.pool(), StreamOptions{});
  TensorView out = host_view(DType::f32, {1});
  std::weak_ptr<Storage> const storage = out.storage;
  Waiter waiter;
  queue(*stream, [&](JobContext&) { std::this_thread::sleep_for(milliseconds(5)); }, {}, {out});
  stream->synchronize(waiter.completion());
  out = {};
  stream.reset();
  expect(storage.lock() != nullptr, "the job shares its output");
  expect(waiter.outcome() == nullptr);
  expect(storage.lock() == nullptr, "released with the job");
}

}  // namespace fattn::test
