#include "backends/cpu/ceilings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <vector>

#include "backends/cpu/cpu_stream.h"
#include "backends/cpu/host.h"
#include "backends/cpu/host_block.h"
#include "backends/cpu/kernel_table.h"
#include "backends/cpu/simd/relax.h"

namespace fattn::cpu {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 6;
constexpr auto kRoundTime = std::chrono::milliseconds(10);
constexpr auto kMeetingTime = std::chrono::milliseconds(5);
constexpr int64_t kBlock = 1024;  // read_through takes multiples of it

struct Span {
  Clock::time_point begin, end;
  double work = 0;
};

/// Work per second of one round: all threads meet, then each calls work(thread) once. The time is
/// from the first start to the last end, so a thread that came late or not at all costs speed
/// instead of inventing some.
double rate_of_round(JobContext& context, FunctionRef<double(int64_t)> work) {
  int const threads = context.threads();
  std::atomic<int> met{0};
  std::vector<Span> spans(static_cast<size_t>(threads));
  auto body = [&](int64_t thread, Worker&) {
    auto const latest = Clock::now() + kMeetingTime;
    met.fetch_add(1);
    while (met.load() < threads && Clock::now() < latest) relax();
    Span& span = spans[static_cast<size_t>(thread)];
    span.begin = Clock::now();
    span.work = work(thread);
    span.end = Clock::now();
  };
  context.parallel_for(threads, 1e9, body);
  if (context.stopped()) return 0;
  Span whole = spans[0];
  for (size_t i = 1; i < spans.size(); ++i) {
    whole.begin = std::min(whole.begin, spans[i].begin);
    whole.end = std::max(whole.end, spans[i].end);
    whole.work += spans[i].work;
  }
  return whole.work / std::chrono::duration<double>(whole.end - whole.begin).count();
}

double best_rate(JobContext& context, FunctionRef<double(int64_t)> work) {
  double best = 0;
  for (int round = 0; round < kRounds && !context.stopped(); ++round)
    best = std::max(best, rate_of_round(context, work));
  return best;
}

double burn_rate(JobContext& context, double (*burn)(int64_t)) {
  if (burn == nullptr) return 0;
  auto work = [&](int64_t) {
    double done = 0;
    for (auto const end = Clock::now() + kRoundTime; Clock::now() < end;) done += burn(2000);
    return done;
  };
  return best_rate(context, work);
}

/// Each thread reads its own part of a block that no cache holds.
double read_rate(JobContext& context, uint64_t (*read_through)(void const*, int64_t)) {
  int64_t bytes =
      std::clamp<int64_t>(4 * last_level_cache_bytes(), int64_t{192} << 20, int64_t{1} << 30);
  if (int64_t const memory = physical_memory_bytes(); memory > 0)
    bytes = std::min(bytes, memory / 8);
  int64_t const part = bytes / context.threads() / kBlock * kBlock;
  HostBlock const block(static_cast<size_t>(part * context.threads()));
  char* const data = static_cast<char*>(block.data());
  auto touch = [&](int64_t thread, Worker&) { std::fill_n(data + thread * part, part, 1); };
  context.parallel_for(context.threads(), 1e9, touch);
  std::atomic<uint64_t> checksum{0};  // used, so that the reads are not optimised away
  auto work = [&](int64_t thread) {
    checksum.fetch_add(read_through(data + thread * part, part));
    return static_cast<double>(part);
  };
  return best_rate(context, work);
}

/// Ceilings by thread count. The instruction path is fixed for the life of the process.
class Cache {
 public:
  bool find(int threads, Ceilings& found) {
    std::lock_guard lock(mutex_);
    auto const entry = entries_.find(threads);
    if (entry == entries_.end()) return false;
    found = entry->second;
    return true;
  }
  void store(int threads, Ceilings const& measured) {
    std::lock_guard lock(mutex_);
    entries_[threads] = measured;
  }

 private:
  std::mutex mutex_;
  std::map<int, Ceilings> entries_;
};

Cache& cache() {
  static Cache& instance = *new Cache;
  return instance;
}

class CeilingsJob final : public Job {
 public:
  CeilingsJob(CpuStream& stream, std::function<void(Ceilings)> done)
      : Job("measureCeilings"), stream_(stream), done_(std::move(done)) {}

  void run(JobContext& context) override {
    KernelTable const& kernels = active_kernels();
    measured_.f32_flops = burn_rate(context, kernels.burn_f32);
    measured_.bf16_flops = burn_rate(context, kernels.burn_bf16);
    measured_.read_bytes = read_rate(context, kernels.read_through);
    if (!context.stopped()) cache().store(context.threads(), measured_);
  }
  void each_input(FunctionRef<void(TensorView const&)>) const override {}
  void each_output(FunctionRef<void(TensorView const&)>) const override {}
  bool tell(std::exception_ptr failure) override {
    // First, so that whoever closes the last stream after the answer finds no thread in use.
    stream_.close();
    done_(failure ? Ceilings{} : measured_);
    return true;
  }

 private:
  CpuStream& stream_;  // runs this job, so it is there
  std::function<void(Ceilings)> done_;
  Ceilings measured_;
};

}  // namespace

void measure_ceilings(std::function<void(Ceilings)> done) {
  WorkerPool& pool = WorkerPool::instance();
  Ceilings known;
  if (cache().find(pool.threads(), known)) return done(known);
  // Queued work keeps the stream alive, and the stream ends with it.
  auto const stream = std::make_shared<CpuStream>(pool, StreamOptions{});
  stream->enqueue(std::make_unique<CeilingsJob>(*stream, std::move(done)));
}

}  // namespace fattn::cpu
