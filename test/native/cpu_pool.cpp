#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "cpu_fixture.h"

namespace fattn::test {
namespace {

using cpu::JobContext;
using cpu::Worker;

constexpr double kLong = 1e9;  // nanoseconds: worth waking everybody

void expect_each_once(Threads& threads, int64_t count, double estimated_ns) {
  std::vector<std::atomic<int>> runs(static_cast<size_t>(count));
  threads.run([&](JobContext& job) {
    auto body = [&](int64_t task, Worker&) { runs[static_cast<size_t>(task)].fetch_add(1); };
    job.parallel_for(count, estimated_ns, body);
    for (auto& each : runs) expect_equal(each.load(), 1, "runs of a task");
  });
}

}  // namespace

TEST(pool_runs_every_task_exactly_once) {
  for (int count : {1, 2, 3, 8}) {
    Threads threads(count);
    for (int64_t tasks : {0, 1, 2, 7, 1000})
      for (double estimate : {0.0, 20e3, 60e3, kLong}) expect_each_once(threads, tasks, estimate);
  }
}

TEST(pool_survives_many_short_regions) {
  Threads threads(4);
  threads.run([&](JobContext& job) {
    for (int round = 0; round < 5000; ++round) {
      std::atomic<int64_t> sum{0};
      auto body = [&](int64_t task, Worker&) { sum.fetch_add(task); };
      job.parallel_for(5, round % 2 == 0 ? kLong : 20e3, body);
      expect_equal(sum.load(), int64_t{10});
    }
  });
}

TEST(pool_uses_all_threads_and_no_more) {
  Threads threads(3);
  std::atomic<int> inside{0}, most{0};
  threads.run([&](JobContext& job) {
    expect_equal(job.threads(), 3);
    auto body = [&](int64_t, Worker&) {
      int const now = inside.fetch_add(1) + 1;
      for (int seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      inside.fetch_sub(1);
    };
    job.parallel_for(30, kLong, body);
  });
  expect_equal(most.load(), 3, "threads inside at once");
}

TEST(pool_gives_each_thread_its_own_scratch) {
  Threads threads(4);
  threads.run([&](JobContext& job) {
    auto body = [&](int64_t task, Worker& worker) {
      size_t const bytes = static_cast<size_t>(1 + task % 7) * 50000;
      char* const scratch = static_cast<char*>(worker.scratch(bytes));
      expect_equal(reinterpret_cast<uintptr_t>(scratch) % 64, uintptr_t{0});
      std::fill_n(scratch, bytes, static_cast<char>(task));
      std::this_thread::yield();
      for (size_t i = 0; i < bytes; ++i)
        expect(scratch[i] == static_cast<char>(task), "scratch is shared");
      expect(worker.scratch(bytes / 2) == scratch, "scratch moved without need");
    };
    job.parallel_for(200, kLong, body);
  });
}

TEST(pool_rethrows_the_first_exception_after_all_have_left) {
  Threads threads(4);
  std::atomic<int> inside{0}, started{0};
  threads.run([&](JobContext& job) {
    auto body = [&](int64_t task, Worker&) {
      ++started;
      ++inside;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      --inside;
      check(task != 5, ErrorCode::kIndex, "task 5");
    };
    auto call = [&] { job.parallel_for(100000, kLong, body); };
    expect_throws(ErrorCode::kIndex, call, "task 5");
    expect_equal(inside.load(), 0, "tasks still running");
    expect(started.load() < 100000, "the rest must be skipped");
    expect_throws(ErrorCode::kIndex, call, "task 5");  // usable afterwards
  });
}

TEST(pool_skips_tasks_once_the_stream_is_closed) {
  Threads threads(2);
  auto const stream = threads.stream();
  std::atomic<int64_t> done{0};
  std::promise<void> started;
  queue(*stream, [&](JobContext& job) {
    started.set_value();
    auto body = [&](int64_t, Worker&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++done;
    };
    job.parallel_for(1 << 20, kLong, body);
    expect(job.stopped(), "returned early only because it was stopped");
  });
  started.get_future().wait();
  stream->close();
  expect(done.load() < 10000, "closing does not wait for all tasks");
}

TEST(pool_serves_nested_streams_at_once) {
  Threads threads(2);
  auto const a = threads.stream(), b = threads.stream();
  std::promise<void> b_ran;
  // a's job can only end if b's runs meanwhile, on the other thread.
  queue(*a, [&](JobContext&) {
    auto ran = b_ran.get_future();
    expect(ran.wait_for(std::chrono::seconds(30)) == std::future_status::ready, "b never ran");
  });
  queue(*b, [&](JobContext&) { b_ran.set_value(); });
  finish(*a);
  finish(*b);
}

TEST(pool_streams_take_turns) {
  Threads threads(1);
  auto const a = threads.stream(), b = threads.stream();
  std::promise<void> start;
  auto const may_start = start.get_future().share();
  std::vector<char> order;  // only the one thread writes
  queue(*a, [&](JobContext&) { may_start.wait(); });
  for (int i = 0; i < 3; ++i) {
    queue(*a, [&](JobContext&) { order.push_back('a'); });
    queue(*b, [&](JobContext&) { order.push_back('b'); });
  }
  start.set_value();
  finish(*a);
  finish(*b);
  expect_equal(std::string(order.begin(), order.end()), std::string("bababa"));
}

TEST(pool_resizes_while_work_is_in_flight) {
  Threads threads(1);
  auto const stream = threads.stream();
  std::atomic<int64_t> sum{0};
  constexpr int kJobs = 300;
  for (int i = 0; i < kJobs; ++i) {
    queue(*stream, [&](JobContext& job) {
      auto body = [&](int64_t task, Worker&) { sum.fetch_add(task); };
      job.parallel_for(20, kLong, body);
    });
    threads.pool().set_threads(1 + i * 5 % 8);
  }
  finish(*stream);
  expect_equal(sum.load(), int64_t{190} * kJobs);
  threads.pool().set_threads(6);
  threads.run([](JobContext& job) { expect_equal(job.threads(), 6); });
}

TEST(pool_refuses_thread_counts_out_of_range) {
  Threads threads(2);
  for (int count : {0, -1, cpu::kMaxThreads + 1})
    expect_throws(
        ErrorCode::kArgumentValue, [&] { threads.pool().set_threads(count); }, "threads");
  expect_equal(threads.pool().threads(), 2);
}

TEST(pool_ends_its_threads_with_the_last_stream_and_starts_again) {
  cpu::WorkerPool pool(3);
  for (int round = 0; round < 50; ++round) {
    auto const stream = std::make_shared<cpu::CpuStream>(pool, StreamOptions{});
    std::atomic<int> tasks{0};
    queue(*stream, [&](JobContext& job) {
      auto body = [&](int64_t, Worker&) { ++tasks; };
      job.parallel_for(10, kLong, body);
    });
    finish(*stream);
    expect_equal(tasks.load(), 10);
    stream->close();
  }
}

TEST(pool_takes_work_from_many_threads) {
  Threads threads(3);
  std::vector<std::thread> callers;
  std::atomic<int> done{0};
  std::vector<std::shared_ptr<cpu::CpuStream>> streams;
  for (int i = 0; i < 4; ++i) streams.push_back(threads.stream());
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&, i] {
      for (int job = 0; job < 500; ++job)
        queue(*streams[static_cast<size_t>(i)], [&done, job](JobContext& context) {
          auto body = [&](int64_t, Worker&) { ++done; };
          context.parallel_for(3, job % 50 == 0 ? kLong : 10e3, body);
        });
    });
  for (auto& caller : callers) caller.join();
  for (auto& stream : streams) finish(*stream);
  expect_equal(done.load(), 4 * 500 * 3);
}

}  // namespace fattn::test
