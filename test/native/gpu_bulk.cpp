#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

#include "backends/gpu/bulk_transfers.h"
#include "core/arrival.h"
#include "core/failure.h"
#include "gpu_fixture.h"
#include "host_view.h"

namespace fattn::test {
namespace {

using Numbers = std::vector<int32_t>;

Numbers counted(int64_t count, int32_t first = 1) {
  Numbers all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), first);
  return all;
}

/// A device whose pieces are of 64 bytes, and a stream of the CPU that writes what it is sent: the
/// last of its kind, so that the CPU's threads end with it.
struct SmallPieces : EmulatedDevice {
  SmallPieces() { gpu().bulk_copies().set_piece(64); }
  ~SmallPieces() { cpu->close(); }

  TensorView source(Numbers const& numbers) const {
    TensorView const view = host_view(DType::i32, {static_cast<int64_t>(numbers.size())});
    std::copy(numbers.begin(), numbers.end(), view.data<int32_t>());
    view.storage->set_last_writer(cpu);
    return view;
  }
  void upload(gpu::GpuStream& to, TensorView const& source, TensorView const& target) {
    gpu::copy_in_pieces(gpu(), Submission(to), source, target);
  }

  std::shared_ptr<Stream> const cpu = gpu::cpu_stream();
};

void download(gpu::GpuStream& from, TensorView const& source, Numbers& host, Completion done) {
  gpu::read_in_pieces(from, source, DType::i32, reinterpret_cast<char*>(host.data()),
                      std::move(done));
}

Numbers read(gpu::GpuStream& from, TensorView const& source) {
  Numbers host(static_cast<size_t>(source.elements()));
  Waiter waiter;
  download(from, source, host, waiter.completion());
  if (auto const failure = waiter.outcome()) std::rethrow_exception(failure);
  return host;
}

void wait_for_the_device(gpu::GpuStream& stream) {
  while (!stream.queue()->has_passed(stream.queue()->queued())) std::this_thread::yield();
}

TEST(gpu_bulk_transfers_arrive_whole_whatever_the_pieces) {
  SmallPieces device;
  auto const stream = device.stream();
  for (int64_t const count : {1, 15, 16, 17, 32, 33, 160, 250}) {
    TensorView const tensor = device.tensor(count);
    Numbers const sent = counted(count);
    device.upload(*stream, device.source(sent), tensor);
    expect(read(*stream, tensor) == sent, "elements differ");
    wait_for_the_device(*stream);
  }
  // Two blocks each way and their words, and perhaps those of a copy whose end nobody had noticed.
  gpu::Staging& staging = device.gpu().staging();
  expect(staging.held_bytes() <= 12 * 4096, "more is pinned than the blocks need");
  while (staging.kept_bytes() < staging.held_bytes()) staging.trim();
}

TEST(gpu_bulk_transfers_take_pieces_that_fit_the_whole) {
  gpu::BulkCopies copies;
  constexpr int64_t kMega = 1 << 20;
  expect_equal(copies.piece_of(33 * kMega), 8 * kMega);
  expect_equal(copies.piece_of(512 * kMega + 1), 8 * kMega + (64 << 10));
  expect_equal(copies.piece_of(6400 * kMega), 100 * kMega);
}

TEST(gpu_bulk_transfers_keep_the_order_of_their_stream) {
  SmallPieces device;
  device.faults().delay_us = 100;
  auto const stream = device.stream();
  TensorView const tensor = device.tensor(100);
  Numbers seen, before(100), after(100);
  Waiter waiter[2];
  device.upload(*stream, device.source(counted(100, 1)), tensor);
  download(*stream, tensor, before, waiter[0].completion());
  device.upload(*stream, device.source(counted(100, 1000)), tensor);
  auto const look = [&] {
    auto const* const first = tensor.data<int32_t>();
    seen.assign(first, first + 100);
  };
  queue(*stream, look, {tensor});
  download(*stream, tensor, after, waiter[1].completion());
  for (Waiter& told : waiter) expect(told.outcome() == nullptr);
  expect(before == counted(100, 1), "a later copy overtook the first read");
  expect(after == counted(100, 1000), "the second copy did not arrive");
  expect(seen == after, "work overtook the copy before it");
}

TEST(gpu_bulk_transfers_wait_for_one_another_in_any_order) {
  SmallPieces device;
  auto const a = device.stream(), b = device.stream(), c = device.stream();
  TensorView const first = device.tensor(100), second = device.tensor(100);
  device.upload(*c, device.source(counted(100, 7)), second);
  // The oldest waits for the source, the next for the oldest, and the source for the last.
  auto const told = std::make_shared<Arrival>();
  TensorView const source = device.source(counted(100));
  device.cpu->wait(told);
  device.upload(*a, source, first);
  Numbers from_first(100), from_second(100);
  Waiter waiter;
  b->wait(a->record());
  download(*b, first, from_first, waiter.completion());
  std::exception_ptr failure;
  download(*c, second, from_second, [&](std::exception_ptr outcome) {
    failure = std::move(outcome);
    told->reach();
  });
  expect(waiter.outcome() == nullptr);
  expect(failure == nullptr);
  expect(from_second == counted(100, 7) && from_first == counted(100), "elements differ");
}

TEST(gpu_bulk_transfers_throw_what_cannot_be_pinned_and_tell_nobody) {
  SmallPieces device;
  auto const stream = device.stream();
  TensorView const tensor = device.tensor(100);
  TensorView const source = device.source(counted(100));
  Numbers host(100);
  auto const never = [](std::exception_ptr) { fail(Where::current(), "told of what was thrown"); };
  // A page of words is there; what a copy needs besides is a block, another, and one of words.
  queue(*stream, [] {}, {}, {tensor});
  for (int64_t const pinned : {1, 2, 3}) {
    device.faults().pinned_bytes = 4096 * pinned;
    expect_throws(
        ErrorCode::kOutOfMemory, [&] { device.upload(*stream, source, tensor); },
        "pinned host memory");
    expect_throws(
        ErrorCode::kOutOfMemory, [&] { download(*stream, tensor, host, never); },
        "pinned host memory");
    finish(*stream);
  }
  device.faults().pinned_bytes = 4096 * 7;
  device.upload(*stream, source, tensor);
  expect(read(*stream, tensor) == counted(100), "elements differ");
}

TEST(gpu_bulk_transfers_tell_what_came_instead_of_the_source) {
  SmallPieces device;
  auto const stream = device.stream();
  TensorView const tensor = device.tensor(100), bad = device.source(counted(100));
  bad.set_outcome(named_failure("attention", ErrorCode::kIndex, "an index is outside"));
  device.upload(*stream, bad, tensor);
  expect(code_of(outcome_of(*stream)) == ErrorCode::kIndex);
  expect(code_of(gpu::failure_in(gpu::gpu_storage(tensor).lineage(tensor.noted_part()))) ==
         ErrorCode::kIndex);
  device.upload(*stream, device.source(counted(100)), tensor);
  finish(*stream);
  expect(read(*stream, tensor) == counted(100), "elements differ");
}

TEST(gpu_bulk_transfers_that_are_revoked_hold_up_nobody) {
  SmallPieces device;
  auto const stream = device.stream();
  TensorView const tensor = device.tensor(100), source = device.source(counted(100));
  device.cpu->wait(std::make_shared<Arrival>());  // that nobody reaches
  auto const abort = std::make_shared<AbortFlag>();
  abort->raise();
  gpu::copy_in_pieces(device.gpu(), Submission(*stream, abort), source, tensor);
  finish(*stream);
  expect(code_of(tensor.failure()) == ErrorCode::kAborted);
}

TEST(gpu_bulk_transfers_end_once_where_the_device_is_lost) {
  SmallPieces device;
  auto const stream = device.stream(), other = device.stream(), third = device.stream();
  TensorView const tensor = device.tensor(100), source = device.source(counted(100));
  Numbers host(100);
  Waiter waiter;
  device.cpu->wait(std::make_shared<Arrival>());  // that nobody reaches
  device.upload(*other, source, device.tensor(100));
  {
    HeldStream held(*stream), doomed(*third);
    download(*stream, tensor, host, waiter.completion());
    device.faults().fatal_kernel = 0;
    queue(*third, [] {});
    doomed.release();
    expect(code_of(waiter.outcome()) == ErrorCode::kDeviceLost);
  }
  auto const told = [](std::exception_ptr) { fail(Where::current(), "told of what was thrown"); };
  expect_throws(
      ErrorCode::kDeviceLost, [&] { download(*stream, tensor, host, told); }, "is lost");
  expect_throws(
      ErrorCode::kDeviceLost, [&] { device.upload(*stream, source, tensor); }, "is lost");
}

TEST(gpu_bulk_transfers_that_find_the_device_lost_are_told_or_thrown) {
  for (int attempt = 0; attempt < 20; ++attempt) {
    SmallPieces device;
    auto const stream = device.stream(), other = device.stream();
    TensorView const tensor = device.tensor(1600);
    Numbers host(1600);
    std::atomic<int> told{0};
    {
      HeldStream held(*other);
      device.faults().fatal_kernel = 0;
      queue(*other, [] {});
    }
    int asked = 0;
    auto const read_until_lost = [&] {
      for (;; ++asked) download(*stream, tensor, host, [&](std::exception_ptr) { ++told; });
    };
    expect_throws(ErrorCode::kDeviceLost, read_until_lost, "is lost");
    for (int i = 0; i < 1000 && told.load() < asked; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    expect_equal(told.load(), asked);
  }
}

TEST(gpu_bulk_reads_end_when_their_stream_is_closed) {
  SmallPieces device;
  auto const stream = device.stream();
  TensorView const tensor = device.tensor(100);
  Numbers host(100, -1);
  Waiter waiter;
  {
    HeldStream held(*stream);
    download(*stream, tensor, host, waiter.completion());
    stream->close();
    expect(code_of(waiter.outcome()) == ErrorCode::kStreamClosed);
  }
  wait_for_the_device(*stream);
  expect(host == Numbers(100, -1), "memory was written that belongs to its owner again");
}

TEST(gpu_bulk_reads_end_in_the_middle_when_their_stream_is_closed) {
  SmallPieces device;
  auto const stream = device.stream();
  TensorView const tensor = device.tensor(16 * 200);
  device.upload(*stream, device.source(counted(16 * 200)), tensor);
  finish(*stream);
  device.faults().delay_us = 2000;
  Numbers host(16 * 200, -1);
  Waiter waiter;
  download(*stream, tensor, host, waiter.completion());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // of more than a second
  stream->close();
  auto const failure = waiter.outcome();
  Numbers const left = host;
  expect(failure == nullptr ? left == counted(16 * 200)
                            : code_of(failure) == ErrorCode::kStreamClosed);
  device.faults().delay_us = 0;
  wait_for_the_device(*stream);
  expect(host == left, "memory was written that belongs to its owner again");
}

}  // namespace
}  // namespace fattn::test
