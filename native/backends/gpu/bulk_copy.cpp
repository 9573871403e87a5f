#include "backends/gpu/bulk_copy.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "backends/gpu/device_job.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kWordDistance = 64;  // bytes: a line of the cache for each

uint32_t load(uint32_t* word) { return std::atomic_ref(*word).load(std::memory_order_acquire); }

void store(uint32_t* word, int64_t value) {
  std::atomic_ref(*word).store(static_cast<uint32_t>(value), std::memory_order_release);
}

}  // namespace

BulkCopy::BulkCopy(GpuDevice& gpu, std::shared_ptr<Snapshot const> source, char* host,
                   int64_t bytes, Completion done)
    : gpu_(gpu),
      source_(std::move(source)),
      host_(host),
      bytes_(bytes),
      piece_(gpu.bulk_copies().piece_of(bytes)),
      pieces_((bytes + piece_ - 1) / piece_),
      done_(std::move(done)),
      committed_(uploads()) {}

/// Who lets go of the last share may be in no position to call the runtime, as the end of a queue
/// does that goes with it.
std::shared_ptr<BulkCopy> BulkCopy::shared(BulkCopy* copy) {
  auto const forget = [&gpu = copy->gpu_](BulkCopy* last) {
    gpu.background().post([last] { delete last; });
  };
  return {copy, forget};
}

std::shared_ptr<BulkCopy> BulkCopy::upload(GpuDevice& gpu, std::shared_ptr<Snapshot const> source,
                                           Completion done) {
  Storage const& memory = *source->memory;
  auto* const host = static_cast<char*>(memory.data());
  return shared(new BulkCopy(gpu, std::move(source), host, memory.bytes(), std::move(done)));
}

std::shared_ptr<BulkCopy> BulkCopy::download(GpuDevice& gpu, char* host, int64_t bytes,
                                             Completion done) {
  return shared(new BulkCopy(gpu, nullptr, host, bytes, std::move(done)));
}

int64_t BulkCopy::size_of_piece(int64_t piece) const {
  return std::min(piece_, bytes_ - piece * piece_);
}

/// The copies to come are there for the device before it waits: it may be the device's turn before
/// the last of them is queued.
void BulkCopy::queue(std::shared_ptr<BulkCopy> const& copy, DeviceJob& job, char* device,
                     char const* operation) {
  copy->take_memory(job);
  copy->gpu_.bulk_copies().add(copy);
  copy->queue_pieces(job, device);
  void const* const owner = copy->uploads() ? nullptr : &job.stream();
  copy->gpu_.completions().when_done(
      job.queue(), owner, operation,
      [copy](std::exception_ptr failure) { copy->device_said(std::move(failure)); });
}

/// Before anything is queued that waits: pinning may wait for the device.
void BulkCopy::take_memory(DeviceJob& job) {
  Staging& staging = gpu_.staging();
  queue_ = job.stream().queue();
  position_ = job.position();
  for (StagingBlock& block : blocks_) block = staging.take(std::min(piece_, bytes_));
  words_ = staging.take(2 * kWordDistance);
  std::memset(words_.data, 0, 2 * kWordDistance);
  by_host_ = static_cast<uint32_t*>(words_.data);
  by_device_ = by_host_ + kWordDistance / sizeof(uint32_t);
}

void BulkCopy::queue_pieces(DeviceJob& job, char* device) {
  Runtime& runtime = gpu_.runtime();
  Queue const queue = job.queue();
  for (int64_t piece = 0; piece < pieces_; ++piece) {
    char* const there = device + piece * piece_;
    void* const block = blocks_[piece % 2].data;
    if (uploads()) {
      runtime.wait_signal(by_host_, static_cast<uint32_t>(piece + 1), queue);
      runtime.copy_to_device(there, block, size_of_piece(piece), queue);
    } else {
      if (piece >= 2) runtime.wait_signal(by_host_, static_cast<uint32_t>(piece - 1), queue);
      runtime.copy_to_host(block, there, size_of_piece(piece), queue);
    }
    runtime.signal(by_device_, static_cast<uint32_t>(piece + 1), queue);
  }
}

/// Whether the device has done with the block, or has filled it.
bool BulkCopy::may_copy_locked() const {
  int64_t const needed = uploads() ? copied_ - 1 : copied_ + 1;
  return needed <= 0 || load(by_device_) >= static_cast<uint32_t>(needed);
}

void BulkCopy::copy_piece_locked() {
  void* const block = blocks_[copied_ % 2].data;
  char* const here = host_ + copied_ * piece_;
  auto const size = static_cast<size_t>(size_of_piece(copied_));
  if (uploads())
    std::memcpy(block, here, size);
  else
    std::memcpy(here, block, size);
  ++copied_;
}

BulkCopy::Step BulkCopy::step() {
  std::unique_lock lock(mutex_);
  if (ended_) return Step::kLast;
  if (uploads() && copied_ == 0) {
    if (!source_->made.load(std::memory_order_acquire)) return Step::kNone;
    failure_ = source_->failure;
  }
  if (failure_ == nullptr && copied_ < pieces_) {
    if (!may_copy_locked()) return Step::kNone;
    copy_piece_locked();
    if (copied_ < pieces_) {
      store(by_host_, copied_);
      return Step::kSome;
    }
  }
  if (!committed_) return Step::kNone;
  end(lock);
  return Step::kLast;
}

void BulkCopy::device_said(std::exception_ptr failure) {
  if (failure == nullptr) return;  // the words have said so
  std::unique_lock lock(mutex_);
  if (ended_) return;
  failure_ = std::move(failure);
  if (committed_) end(lock);
}

void BulkCopy::commit() {
  std::unique_lock lock(mutex_);
  committed_ = true;
  if (!ended_ && failure_ != nullptr) end(lock);
}

void BulkCopy::drop() {
  std::lock_guard const lock(mutex_);
  if (ended_) return;
  ended_ = true;
  let_go();
}

/// Told without the lock, since who is told may close the stream; nobody else gets here any more.
void BulkCopy::end(std::unique_lock<std::mutex>& lock) {
  ended_ = true;
  std::exception_ptr failure = std::move(failure_);
  lock.unlock();
  done_(std::move(failure));
  let_go();
}

/// The device waits no more: what it copies from now on, unless it has been filled, means nothing.
/// The pinned memory is nobody's but the device's.
void BulkCopy::let_go() {
  if (by_host_ != nullptr) store(by_host_, pieces_);
  for (StagingBlock const& block : {blocks_[0], blocks_[1], words_})
    if (block.data != nullptr) gpu_.staging().give_back_after(block, queue_, position_);
}

}  // namespace fattn::gpu
