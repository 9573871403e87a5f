#include <atomic>
#include <cstdint>

#include "backends/cpu/cpu_backend.h"
#include "cpu_fixture.h"

namespace fattn::test {
namespace {

TensorView tensor(DType dtype, Extents const& sizes) {
  TensorView view;
  view.storage = cpu_backend().allocate(sizes.product() * size_of(dtype));
  view.dtype = dtype;
  view.sizes = sizes;
  view.strides = contiguous_strides(sizes);
  return view;
}

/// A stream of the backend that is closed at the end of the test.
struct OwnStream {
  std::shared_ptr<Stream> stream = cpu_backend().create_stream({});
  ~OwnStream() { stream->close(); }
  Stream& operator*() { return *stream; }
};

std::vector<float> values_of(Stream& stream, TensorView const& view) {
  std::vector<float> values(static_cast<size_t>(view.elements()));
  Waiter waiter;
  cpu_backend().read(stream, view, DType::f32, values.data(), waiter.completion());
  if (auto failure = waiter.outcome()) std::rethrow_exception(failure);
  return values;
}

}  // namespace

TEST(backend_allocates_aligned_blocks) {
  for (int64_t bytes : {0, 1, 63, 64, 5000, 4 << 20, (9 << 20) + 3}) {
    auto const block = cpu_backend().allocate(bytes);
    expect_equal(block->bytes(), bytes);
    expect(block->data() != nullptr);
    uintptr_t const alignment = bytes >= 4 << 20 ? 2 << 20 : 64;
    expect_equal(reinterpret_cast<uintptr_t>(block->data()) % alignment, uintptr_t{0});
    std::fill_n(static_cast<char*>(block->data()), bytes, 'x');
  }
}

TEST(backend_refuses_blocks_it_cannot_have) {
  expect_throws(
      ErrorCode::kOutOfMemory, [] { cpu_backend().allocate(int64_t{1} << 60); },
      "1152921504606846976 bytes");
  expect_throws(ErrorCode::kShape, [] { cpu_backend().allocate(-1); });
}

TEST(backend_runs_operations_in_stream_order) {
  OwnStream own;
  TensorView const a = tensor(DType::f32, {1000}), b = tensor(DType::bf16, {1000});
  for (int i = 0; i < 20; ++i) {
    cpu_backend().fill(*own, a, i);
    cpu_backend().copy(*own, a, b);
  }
  for (float value : values_of(*own, b)) expect_equal(value, 19.0f);
  expect(a.storage->last_writer() == own.stream, "fill sets the last writer");
  expect(b.storage->last_writer() == own.stream, "copy sets the last writer");
}

TEST(backend_refuses_bad_arguments_before_queueing) {
  OwnStream own;
  TensorView const a = tensor(DType::f32, {4}), b = tensor(DType::f32, {5}),
                   integers = tensor(DType::i32, {4});
  expect_throws(
      ErrorCode::kShape, [&] { cpu_backend().copy(*own, a, b); }, "[4]");
  expect_throws(ErrorCode::kDType, [&] { cpu_backend().copy(*own, a, integers); });
  expect_throws(ErrorCode::kDType, [&] { cpu_backend().randn(*own, integers, 1); });
  expect_throws(ErrorCode::kArgumentValue, [&] { cpu_backend().fill(*own, integers, 0.5); });
  TensorView outside = a;
  outside.offset = 1;
  expect_throws(ErrorCode::kBounds, [&] { cpu_backend().fill(*own, outside, 1); });
  TensorView repeated = a;
  repeated.strides[0] = 0;
  expect_throws(ErrorCode::kLayout, [&] { cpu_backend().fill(*own, repeated, 1); });
  TensorView elsewhere = host_view(DType::f32, {4}, Device{DeviceKind::cuda, 0});
  expect_throws(ErrorCode::kDevice, [&] { cpu_backend().fill(*own, elsewhere, 1); });
  expect(a.storage->last_writer() == nullptr, "nothing was queued");
}

TEST(backend_reports_a_failed_input_to_its_reader) {
  OwnStream own;
  TensorView const bad = tensor(DType::f32, {4}), copy = tensor(DType::f32, {4});
  bad.set_outcome(std::make_exception_ptr(Error(ErrorCode::kIndex, "attention: bad")));
  cpu_backend().copy(*own, bad, copy);
  expect_throws(
      ErrorCode::kIndex, [&] { values_of(*own, copy); }, "attention: bad");
  expect_throws(ErrorCode::kIndex, [&] { finish(*own); });
  cpu_backend().fill(*own, copy, 2);
  expect_equal(values_of(*own, copy)[3], 2.0f);
}

TEST(backend_tells_a_reader_that_its_stream_was_closed) {
  OwnStream own;
  TensorView const large = tensor(DType::f32, {1 << 22});
  float first = 0;
  TensorView one = large;
  one.sizes[0] = 1;
  for (int i = 0; i < 50; ++i) cpu_backend().randn(*own, large, 1);
  Waiter waiter;
  cpu_backend().read(*own, one, DType::f32, &first, waiter.completion());
  own.stream->close();
  auto const failure = waiter.outcome();
  expect_throws(
      ErrorCode::kStreamClosed, [&] { std::rethrow_exception(failure); }, "closed");
  expect_throws(ErrorCode::kStreamClosed, [&] { cpu_backend().fill(*own, large, 0); });
}

TEST(backend_describes_the_machine) {
  DeviceInfo const info = cpu_backend().info();
  expect_equal(info.name, std::string("cpu"));
  expect(!info.model.empty() && !info.path.empty() && info.threads >= 1);
  expect(std::find(info.paths.begin(), info.paths.end(), info.path) != info.paths.end());
}

TEST(backend_measures_ceilings_once) {
  OwnStream own;  // closing it ends the threads
  auto measure = [] {
    auto measured = std::make_shared<std::promise<Ceilings>>();
    cpu_backend().measure_ceilings([measured](Ceilings found) { measured->set_value(found); });
    return measured->get_future().get();
  };
  Ceilings const first = measure();
  expect(first.f32_flops > 1e6 && first.f32_flops < 1e16, "no plausible rate");
  expect(first.read_bytes > 1e7 && first.read_bytes < 1e14, "no plausible bandwidth");
  Ceilings const again = measure();
  expect(again.f32_flops == first.f32_flops && again.read_bytes == first.read_bytes, "not cached");
}

}  // namespace fattn::test
