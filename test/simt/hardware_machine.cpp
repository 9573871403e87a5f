#include "hardware_machine.h"

#include <chrono>
#include <thread>

#include "backends/cuda/status.h"
#include "backends/cuda/tensor_map.h"

namespace fattn::conformance {
namespace {

constexpr std::chrono::seconds kPatience{4};

void require(cudaError_t status, char const* doing) {
  if (cuda::is_fatal(status)) throw Lost(std::string(doing) + ": " + cuda::text_of(status));
  cuda::require(status, doing);
}

}  // namespace

HardwareMachine::HardwareMachine() {
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "looking for a device");
  capability_ = properties.major * 10 + properties.minor;
  model_ = properties.name;
  require(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "making a stream");
}

HardwareMachine::~HardwareMachine() {
  clear();
  cudaStreamDestroy(stream_);
}

void HardwareMachine::clear() {
  for (void* const block : blocks_) cudaFree(block);
  blocks_.clear();
}

void* HardwareMachine::allocate(size_t bytes) {
  void* block = nullptr;
  require(cudaMalloc(&block, bytes), "allocating");
  blocks_.push_back(block);
  return block;
}

// In the stream of the kernels: the copy itself may come after the call.
void HardwareMachine::write(void* target, void const* source, size_t bytes) {
  require(cudaMemcpyAsync(target, source, bytes, cudaMemcpyHostToDevice, stream_),
          "copying to the device");
}

void HardwareMachine::read(void* target, void const* source, size_t bytes) {
  require(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToHost, stream_),
          "copying from the device");
  require(cudaStreamSynchronize(stream_), "copying from the device");
}

void HardwareMachine::launch(CompiledKernel const& kernel, Index3 grid, void const* params) {
  require(cudaFuncSetAttribute(kernel.entry, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               kernel.shared_bytes),
          "preparing the kernel");
  void* arguments[] = {const_cast<void*>(params)};
  require(cudaLaunchKernel(kernel.entry, dim3(grid.x, grid.y, grid.z),
                           dim3(static_cast<unsigned>(kernel.threads)), arguments,
                           static_cast<size_t>(kernel.shared_bytes), stream_),
          "launching the kernel");
  auto const end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    cudaError_t const status = cudaStreamQuery(stream_);
    if (status != cudaErrorNotReady) return require(status, "running the kernel");
    if (std::chrono::steady_clock::now() > end) throw Lost("the kernel does not end");
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

TensorMap HardwareMachine::encode(TileDescription const& description) {
  return cuda::encode_tensor_map(description);
}

}  // namespace fattn::conformance
