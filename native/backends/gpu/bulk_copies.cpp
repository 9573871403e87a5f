#include "backends/gpu/bulk_copies.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "backends/gpu/bulk_copy.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kLeastPiece = int64_t{8} << 20;
constexpr int64_t kMostPieces = 64;
constexpr int64_t kPieceUnit = 64 << 10;

// A piece takes the bus some 300 µs. Where nothing comes for a while the copies wait for other
// work.
constexpr std::chrono::microseconds kLeastPause{50};
constexpr std::chrono::microseconds kMostPause{1000};

/// Whether any could do something.
bool step_all(std::vector<std::shared_ptr<BulkCopy>>& copies) {
  bool some = false;
  std::erase_if(copies, [&](std::shared_ptr<BulkCopy> const& copy) {
    BulkCopy::Step const step = copy->step();
    some |= step != BulkCopy::Step::kNone;
    return step == BulkCopy::Step::kLast;
  });
  return some;
}

}  // namespace

int64_t BulkCopies::piece_of(int64_t bytes) const {
  if (piece_ > 0) return piece_;
  int64_t const piece = std::max(kLeastPiece, (bytes + kMostPieces - 1) / kMostPieces);
  return (piece + kPieceUnit - 1) / kPieceUnit * kPieceUnit;
}

void BulkCopies::add(std::shared_ptr<BulkCopy> copy) {
  {
    std::lock_guard const lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    added_.push_back(std::move(copy));
  }
  changed_.notify_one();
}

void BulkCopies::run() {
  std::vector<std::shared_ptr<BulkCopy>> copies;
  auto pause = kLeastPause;
  std::unique_lock lock(mutex_);
  auto const added = [&] { return !added_.empty(); };
  for (;;) {
    if (copies.empty()) changed_.wait(lock, [&] { return stop_ || added(); });
    if (copies.empty() && !added()) return;
    std::move(added_.begin(), added_.end(), std::back_inserter(copies));
    added_.clear();
    lock.unlock();
    bool const some = step_all(copies);
    lock.lock();
    pause = some ? kLeastPause : std::min(2 * pause, kMostPause);
    if (!some) changed_.wait_for(lock, pause, added);
  }
}

void BulkCopies::stop() {
  {
    std::lock_guard const lock(mutex_);
    stop_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

}  // namespace fattn::gpu
