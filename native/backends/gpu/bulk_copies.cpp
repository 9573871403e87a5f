#include "backends/gpu/bulk_copies.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "backends/gpu/gpu_device.h"

namespace fattn::gpu {
namespace {

constexpr std::chrono::microseconds kPause{50};

size_t size_from(BulkCopy const& copy, int64_t first, int64_t piece) {
  return static_cast<size_t>(std::min(piece, copy.bytes - first));
}

}  // namespace

void BulkCopies::post(BulkCopy copy) {
  thread_.post([this, copy = std::move(copy)] { run(copy); });
}

void BulkCopies::stop() {
  thread_.stop();
  queue_.reset();
}

void BulkCopies::run(BulkCopy const& copy) {
  std::exception_ptr failure;
  Block blocks[2];
  try {
    gpu_.guarded([&] {
      if (queue_ == nullptr) queue_ = gpu_.create_queue();
      for (Block& block : blocks) block.memory = gpu_.staging().take(std::min(piece_, copy.bytes));
      if (copy.direction == BulkCopy::Direction::kToDevice)
        upload(copy, blocks);
      else
        download(copy, blocks);
    });
  } catch (...) {
    failure = std::current_exception();
  }
  for (Block const& block : blocks)
    if (block.memory.data != nullptr)
      gpu_.staging().give_back_after(block.memory, queue_, block.position);
  copy.done(std::move(failure));
}

/// While the device reads one block the next piece goes into the other.
void BulkCopies::upload(BulkCopy const& copy, Block (&blocks)[2]) {
  int turn = 0;
  for (int64_t first = 0; first < copy.bytes; first += piece_, turn = 1 - turn) {
    Block& block = blocks[turn];
    size_t const size = size_from(copy, first, piece_);
    wait_for(block.position);
    std::memcpy(block.memory.data, copy.host + first, size);
    auto const held = queue_->lock();
    gpu_.runtime().copy_to_device(copy.device + first, block.memory.data,
                                  static_cast<int64_t>(size), queue_->handle());
    block.position = advance();
  }
  wait_for(blocks[1 - turn].position);
}

/// While the device writes one block the piece before is taken out of the other.
void BulkCopies::download(BulkCopy const& copy, Block (&blocks)[2]) {
  int turn = 0;
  for (int64_t first = 0; first < copy.bytes + piece_; first += piece_, turn = 1 - turn) {
    if (first < copy.bytes) {
      auto const held = queue_->lock();
      gpu_.runtime().copy_to_host(blocks[turn].memory.data, copy.device + first,
                                  static_cast<int64_t>(size_from(copy, first, piece_)),
                                  queue_->handle());
      blocks[turn].position = advance();
    }
    int64_t const before = first - piece_;
    if (before < 0) continue;
    Block const& block = blocks[1 - turn];
    wait_for(block.position);
    std::memcpy(copy.host + before, block.memory.data, size_from(copy, before, piece_));
  }
}

/// The position of what has just been queued.
int64_t BulkCopies::advance() {
  int64_t const position = queue_->next();
  queue_->advance("copy");
  return position;
}

void BulkCopies::wait_for(int64_t position) {
  while (!queue_->has_passed(position)) {
    std::this_thread::sleep_for(kPause);
    gpu_.runtime().probe();
  }
}

}  // namespace fattn::gpu
