#pragma once

// Streams on a pool of chosen size, jobs made of lambdas, and tensors to look into.

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "backends/cpu/cpu_stream.h"
#include "backends/cpu/element_types.h"
#include "backends/cpu/job.h"
#include "backends/cpu/worker_pool.h"
#include "core/error.h"
#include "host_view.h"
#include "test.h"
#include "waiter.h"

namespace fattn::test {

class LambdaJob final : public cpu::Job {
 public:
  using Body = std::function<void(cpu::JobContext&)>;
  LambdaJob(char const* name, Body body, std::vector<TensorView> in, std::vector<TensorView> out,
            std::shared_ptr<AbortFlag const> abort = nullptr)
      : Job(name, std::move(abort)),
        body_(std::move(body)),
        in_(std::move(in)),
        out_(std::move(out)) {}

  void run(cpu::JobContext& context) override { body_(context); }
  void each_input(FunctionRef<void(TensorView const&)> visit) const override {
    for (auto const& view : in_) visit(view);
  }
  void each_output(FunctionRef<void(TensorView const&)> visit) const override {
    for (auto const& view : out_) visit(view);
  }

 private:
  Body body_;
  std::vector<TensorView> in_, out_;
};

inline void queue(cpu::CpuStream& stream, LambdaJob::Body body, std::vector<TensorView> in = {},
                  std::vector<TensorView> out = {}, char const* name = "job") {
  stream.enqueue(std::make_unique<LambdaJob>(name, std::move(body), std::move(in), std::move(out)));
}

/// A stream whose thread is held inside a job until released.
struct Held {
  explicit Held(cpu::CpuStream& stream) {
    queue(stream, [gate = gate_.get_future().share(), this](cpu::JobContext&) {
      started_.set_value();
      gate.wait();
    });
    started_.get_future().wait();
  }
  void release() { gate_.set_value(); }

 private:
  std::promise<void> gate_, started_;
};

/// A pool of `threads` and streams on it; everything is gone when it goes out of scope.
class Threads {
 public:
  explicit Threads(int threads) : pool_(threads) {}
  ~Threads() {
    for (auto& stream : streams_) stream->close();
  }
  cpu::WorkerPool& pool() { return pool_; }
  std::shared_ptr<cpu::CpuStream> stream(StreamOptions const& options = {}) {
    streams_.push_back(std::make_shared<cpu::CpuStream>(pool_, options));
    return streams_.back();
  }
  /// Runs `body` as a job and waits for it.
  void run(LambdaJob::Body body) {
    auto const lone = stream();
    queue(*lone, std::move(body));
    finish(*lone);
  }

 private:
  cpu::WorkerPool pool_;
  std::vector<std::shared_ptr<cpu::CpuStream>> streams_;
};

/// Element at `index` of a float tensor, by its strides.
inline float value_at(TensorView const& view, std::vector<int64_t> const& index) {
  int64_t offset = 0;
  for (size_t axis = 0; axis < index.size(); ++axis)
    offset += index[axis] * view.strides[static_cast<int>(axis)];
  float value = 0;
  cpu::with_float_type(
      view.dtype, [&](auto type) { value = cpu::to_f32(view.data<decltype(type)>()[offset]); });
  return value;
}

/// Sets every element of a contiguous float tensor, rounded to its dtype.
inline void set_values(TensorView const& view, std::function<double(int64_t)> const& value) {
  cpu::with_float_type(view.dtype, [&](auto type) {
    using T = decltype(type);
    for (int64_t i = 0; i < view.elements(); ++i) view.data<T>()[i] = cpu::rounded<T>(value(i));
  });
}

inline TensorView random_view(DType dtype, Extents const& sizes, unsigned seed) {
  TensorView view = host_view(dtype, sizes);
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  set_values(view, [&](int64_t) { return normal(generator); });
  return view;
}

inline TensorView transposed(TensorView view, int a, int b) {
  std::swap(view.sizes[a], view.sizes[b]);
  std::swap(view.strides[a], view.strides[b]);
  return view;
}

/// All bytes of the storage under `view`.
inline std::vector<char> bytes_of(TensorView const& view) {
  auto const* const data = static_cast<char const*>(view.storage->data());
  return {data, data + view.storage->bytes()};
}

inline std::vector<DType> const kFloats = {DType::f32, DType::f16, DType::bf16};

}  // namespace fattn::test
