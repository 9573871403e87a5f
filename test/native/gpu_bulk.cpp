#include <numeric>

#include "backends/gpu/bulk_copies.h"
#include "gpu_fixture.h"

namespace fattn::test {
namespace {

using Direction = gpu::BulkCopy::Direction;

std::vector<char> counted(int64_t bytes) {
  std::vector<char> all(static_cast<size_t>(bytes));
  std::iota(all.begin(), all.end(), char{1});
  return all;
}

/// Queues one copy and gives back what became of it.
std::exception_ptr outcome_of(EmulatedDevice& device, Direction direction, void* there,
                              std::vector<char>& host) {
  Waiter waiter;
  device.gpu().bulk_copies().post({direction, static_cast<char*>(there), host.data(),
                                   static_cast<int64_t>(host.size()), waiter.completion()});
  return waiter.outcome();
}

/// Memory of the device, which here is memory of the host.
TensorView used_tensor(EmulatedDevice& device, gpu::GpuStream& stream, int64_t elements) {
  TensorView const tensor = device.tensor(elements);
  queue(stream, [] {}, {}, {tensor});
  finish(stream);
  return tensor;
}

TEST(gpu_bulk_copies_arrive_whole_whatever_the_pieces) {
  EmulatedDevice device;
  auto const stream = device.stream();
  device.gpu().bulk_copies().set_piece(64);
  for (int64_t const bytes : {4, 60, 64, 68, 128, 132, 640, 1000}) {
    TensorView const tensor = used_tensor(device, *stream, bytes / 4);
    std::vector<char> sent = counted(bytes), received(sent.size());
    expect(outcome_of(device, Direction::kToDevice, tensor.bytes(), sent) == nullptr);
    expect(outcome_of(device, Direction::kToHost, tensor.bytes(), received) == nullptr);
    expect(sent == received, "bytes differ");
  }
  expect(device.gpu().staging().held_bytes() <= 4 * 4096, "more is pinned than two blocks need");
}

TEST(gpu_bulk_copies_keep_their_order) {
  EmulatedDevice device;
  auto const stream = device.stream();
  device.gpu().bulk_copies().set_piece(16);
  device.faults().delay_us = 100;
  TensorView const tensor = used_tensor(device, *stream, 64);
  std::vector<char> first = counted(256), second(256, 7), received(256);
  Waiter waiter[3];
  auto post = [&](Direction direction, std::vector<char>& host, Waiter& told) {
    device.gpu().bulk_copies().post(
        {direction, tensor.bytes(), host.data(), 256, told.completion()});
  };
  post(Direction::kToDevice, first, waiter[0]);
  post(Direction::kToDevice, second, waiter[1]);
  post(Direction::kToHost, received, waiter[2]);
  for (Waiter& told : waiter) expect(told.outcome() == nullptr);
  expect(received == second, "the last to come does not count");
}

TEST(gpu_bulk_copies_tell_what_went_wrong_and_go_on) {
  EmulatedDevice device;
  auto const stream = device.stream();
  TensorView const tensor = used_tensor(device, *stream, 16);
  std::vector<char> host = counted(64);
  device.faults().pinned_bytes = 0;
  auto const failure = outcome_of(device, Direction::kToDevice, tensor.bytes(), host);
  expect(code_of(failure) == ErrorCode::kOutOfMemory);
  device.faults().pinned_bytes = 1 << 20;
  expect(outcome_of(device, Direction::kToDevice, tensor.bytes(), host) == nullptr);
}

TEST(gpu_bulk_copies_end_where_the_device_is_lost) {
  EmulatedDevice device;
  auto const stream = device.stream();
  TensorView const tensor = used_tensor(device, *stream, 16);
  std::vector<char> host = counted(64);
  {
    HeldStream held(*stream);
    queue(*stream, [] {});
    device.faults().fatal_kernel = 0;
  }
  for (std::exception_ptr failure; failure == nullptr;)
    failure = outcome_of(device, Direction::kToDevice, tensor.bytes(), host);
  auto const failure = outcome_of(device, Direction::kToHost, tensor.bytes(), host);
  expect(code_of(failure) == ErrorCode::kDeviceLost);
}

}  // namespace
}  // namespace fattn::test
