// A decoding state on a GPU: what it keeps, and what it says of contents it cannot have, are those
// of the CPU.

#include <cmath>
#include <random>
#include <vector>

#include "backends/cpu/cpu_backend.h"
#include "backends/emulated/emulated_runtime.h"
#include "backends/gpu/gpu_backend.h"
#include "host_view.h"
#include "simt/host/emulate.h"
#include "waiter.h"

namespace fattn::test {
namespace {

constexpr int64_t kBatch = 2, kHeads = 3;

/// A device that ends with the test; tensors made there must go before it.
gpu::GpuBackend emulated_gpu() {
  auto const run = [](simt::CompiledKernel const& kernel, gpu::Grid grid, void const* params) {
    simt::host::emulate(kernel, {grid.x, grid.y, grid.z}, params, {});
  };
  return gpu::GpuBackend(std::make_unique<emulated::EmulatedRuntime>(run));
}

/// A state and a stream of one device.
class State {
 public:
  State(Backend& backend, int64_t keep)
      : backend_(backend),
        stream_(backend_.create_stream({})),
        kept_{tensor(DType::i32, {kBatch, kHeads, 1 + keep}),
              tensor(DType::f32, {kBatch, kHeads, keep})} {
    backend_.fill(*stream_, kept_.tokens, 0);
    backend_.fill(*stream_, kept_.scores, 0);
  }
  ~State() { stream_->close(); }

  void append(TensorView const& host) {
    TensorView const scores = tensor(DType::f32, host.sizes);
    backend_.copy(*stream_, host, scores);
    backend_.append_scores(*stream_, {kept_, scores});
  }

  void set_count(int32_t count) {
    TensorView first = kept_.tokens;
    first.sizes = {kBatch, kHeads, 1};
    backend_.fill(*stream_, first, count);
  }

  std::vector<int32_t> tokens() { return read<int32_t>(kept_.tokens); }
  std::vector<float> scores() { return read<float>(kept_.scores); }

 private:
  TensorView tensor(DType dtype, Extents const& sizes) {
    TensorView view;
    view.storage = backend_.allocate(sizes.product() * size_of(dtype));
    view.dtype = dtype;
    view.sizes = sizes;
    view.strides = contiguous_strides(sizes);
    return view;
  }

  template <class T>
  std::vector<T> read(TensorView const& view) {
    std::vector<T> values(static_cast<size_t>(view.elements()));
    Waiter waiter;
    backend_.read(*stream_, view, view.dtype, values.data(), waiter.completion());
    if (auto failure = waiter.outcome()) std::rethrow_exception(failure);
    return values;
  }

  Backend& backend_;
  std::shared_ptr<Stream> stream_;
  KeptKeys kept_;
};

TensorView scores_of(int64_t tokens) {
  TensorView const scores = host_view(DType::f32, {kBatch, kHeads, tokens});
  std::mt19937 generator(static_cast<unsigned>(tokens));
  for (int64_t i = 0; i < scores.elements(); ++i)
    scores.data<float>()[i] = i % 9 == 4 ? NAN : static_cast<float>(generator() % 20) / 4;
  return scores;
}

}  // namespace

TEST(gpu_dma_state_is_that_of_the_cpu) {
  gpu::GpuBackend device = emulated_gpu();
  State cpu(cpu_backend(), 11), gpu(device, 11);
  for (int64_t const tokens : {4, 1, 30, 1, 1, 300}) {
    TensorView const scores = scores_of(tokens);
    cpu.append(scores);
    gpu.append(scores);
    expect(cpu.tokens() == gpu.tokens(), "tokens");
    expect(cpu.scores() == gpu.scores(), "scores");
  }
}

TEST(gpu_dma_state_says_what_it_cannot_count) {
  gpu::GpuBackend device = emulated_gpu();
  for (Backend* const backend : {&cpu_backend(), static_cast<Backend*>(&device)})
    for (int32_t const count : {-5, INT32_MAX}) {
      State state(*backend, 4);
      state.set_count(count);
      state.append(scores_of(2));
      expect_throws(
          ErrorCode::kIndex, [&] { state.tokens(); },
          "DmaState.append: the state counts " + std::to_string(count) + " tokens");
    }
}

}  // namespace fattn::test
