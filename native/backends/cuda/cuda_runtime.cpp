#include "backends/cuda/cuda_runtime.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "backends/cuda/driver.h"
#include "backends/cuda/nominal_speed.h"
#include "core/error.h"

namespace fattn::cuda {
namespace {

using gpu::Grid;
using gpu::Mark;
using gpu::Queue;

cudaStream_t stream_of(Queue queue) { return reinterpret_cast<cudaStream_t>(queue); }
cudaEvent_t event_of(Mark mark) { return reinterpret_cast<cudaEvent_t>(mark); }

size_t at_least_one(int64_t bytes) { return static_cast<size_t>(std::max<int64_t>(1, bytes)); }

int attribute(Context& context, cudaDeviceAttr which) {
  int value = 0;
  context.require(cudaDeviceGetAttribute(&value, which, context.index()),
                  "asking about cuda:", context.index());
  return value;
}

void set_speeds(Context& context, gpu::DeviceFacts& facts) {
  double const clock = 1e3 * attribute(context, cudaDevAttrClockRate);  // attributes are in kHz
  double const memory_clock = 1e3 * attribute(context, cudaDevAttrMemoryClockRate);
  double const bus_bytes = attribute(context, cudaDevAttrGlobalMemoryBusWidth) / 8.0;
  NominalSpeed const speed = nominal_speed(facts.major * 10 + facts.minor);
  facts.f32_flops = clock * facts.multiprocessors * speed.f32_flops;
  facts.half_flops = clock * facts.multiprocessors * speed.half_flops;
  facts.read_bytes = 2 * memory_clock * bus_bytes;  // twice a clock
}

gpu::DeviceFacts facts_of(Context& context) {
  int const index = context.index();
  cudaDeviceProp properties{};
  context.require(cudaGetDeviceProperties(&properties, index), "asking about cuda:", index);
  auto const need = [&](int has, char const* what) {
    check(has != 0, ErrorCode::kUnsupported, "cuda:", index, " (", properties.name, ") has no ",
          what);
  };
  need(properties.memoryPoolsSupported, "stream-ordered memory pools");
  need(properties.unifiedAddressing, "addresses in common with the host");
  gpu::DeviceFacts facts;
  facts.model = properties.name;
  facts.major = properties.major;
  facts.minor = properties.minor;
  facts.multiprocessors = properties.multiProcessorCount;
  facts.shared_bytes = static_cast<int>(properties.sharedMemPerBlockOptin);
  facts.memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
  set_speeds(context, facts);
  return facts;
}

}  // namespace

CudaRuntime::CudaRuntime(int index)
    : context_(index),
      facts_(facts_of(context_)),
      pool_(context_),
      kernels_(context_),
      streams_(context_) {
  require_signals();
}

CudaRuntime::~CudaRuntime() { finish(); }

/// Every device from sm_80 on can, but under some virtual machines it is switched off. No attribute
/// tells for the functions as they are since CUDA 11.7, so they are tried.
void CudaRuntime::require_signals() {
  auto* const word = static_cast<uint32_t*>(allocate_pinned(sizeof(uint32_t)));
  check(word != nullptr, ErrorCode::kOutOfMemory, name_of(device()), ": no pinned memory");
  std::atomic_ref(*word).store(0);
  Queue const queue = create_queue();
  signal(word, 1, queue);
  wait_signal(word, 1, queue);
  Current const current(context_);
  context_.require(cudaStreamSynchronize(stream_of(queue)), "trying a signal");
  check(std::atomic_ref(*word).load() == 1, ErrorCode::kUnsupported, name_of(device()),
        ": the host does not see what a stream signals");
  destroy_queue(queue);
  release_pinned(word);
}

void CudaRuntime::finish() noexcept {
  context_.quietly([&] {
    streams_.finish();
    return cudaSuccess;
  });
}

void CudaRuntime::probe() {
  Current const current(context_);
  streams_.query();
}

// ---- Memory

void* CudaRuntime::allocate(int64_t bytes, Queue queue) {
  Current const current(context_);
  return pool_.allocate(bytes, stream_of(queue));
}

void CudaRuntime::release(void* memory, Queue queue) noexcept {
  context_.quietly([&] { return cudaFreeAsync(memory, stream_of(queue)); });
}

/// What was released counts as used until somebody has seen its stream get there.
void CudaRuntime::trim() {
  Current const current(context_);
  streams_.query();
  pool_.trim();
}

gpu::MemoryFacts CudaRuntime::memory() {
  Current const current(context_);
  size_t free = 0, total = 0;
  context_.require(cudaMemGetInfo(&free, &total), "asking for free memory");
  return {.free = static_cast<int64_t>(free),
          .total = static_cast<int64_t>(total),
          .pool_held = pool_.held(),
          .pool_used = pool_.used()};
}

void* CudaRuntime::allocate_pinned(int64_t bytes) {
  Current const current(context_);
  void* memory = nullptr;
  unsigned const flags = cudaHostAllocPortable | cudaHostAllocMapped;
  cudaError_t const status = cudaHostAlloc(&memory, at_least_one(bytes), flags);
  return context_.found_memory(status, "pinning ", bytes, " bytes") ? memory : nullptr;
}

void CudaRuntime::release_pinned(void* memory) noexcept {
  context_.quietly([&] { return cudaFreeHost(memory); });
}

void* CudaRuntime::allocate_shareable(int64_t bytes) {
  // Smaller ones lie together in a block of this size, and who opens one opens the whole block
  // (CUDA C++ Programming Guide, "Interprocess Communication").
  constexpr int64_t kBlock = 2 << 20;
  Current const current(context_);
  void* memory = nullptr;
  int64_t const size = (std::max<int64_t>(1, bytes) + kBlock - 1) / kBlock * kBlock;
  cudaError_t const status = cudaMalloc(&memory, static_cast<size_t>(size));
  return context_.found_memory(status, "allocating ", size, " shareable bytes") ? memory : nullptr;
}

void CudaRuntime::release_shareable(void* memory) noexcept {
  context_.quietly([&] { return cudaFree(memory); });
}

gpu::SharedHandle CudaRuntime::share(void* memory) {
  Current const current(context_);
  cudaIpcMemHandle_t handle;
  context_.require(cudaIpcGetMemHandle(&handle, memory), "sharing memory");
  return gpu::SharedHandle(handle.reserved, sizeof handle.reserved);
}

void* CudaRuntime::open_shared(gpu::SharedHandle const& handle) {
  cudaIpcMemHandle_t parsed;
  check(handle.size() == sizeof parsed.reserved, ErrorCode::kArgumentValue, "a shared handle has ",
        handle.size(), " bytes, expected ", sizeof parsed.reserved);
  std::memcpy(parsed.reserved, handle.data(), handle.size());
  Current const current(context_);
  void* memory = nullptr;
  cudaError_t const status = cudaIpcOpenMemHandle(&memory, parsed, cudaIpcMemLazyEnablePeerAccess);
  context_.require(status,
                   "opening memory of another process of this machine (not of this one, on ",
                   name_of(device()), ", and not given back there)");
  return memory;
}

void CudaRuntime::close_shared(void* memory) noexcept {
  context_.quietly([&] { return cudaIpcCloseMemHandle(memory); });
}

bool CudaRuntime::owns(void const* address) {
  Current const current(context_);
  cudaPointerAttributes attributes{};
  context_.require(cudaPointerGetAttributes(&attributes, address), "asking about an address");
  return attributes.type == cudaMemoryTypeDevice && attributes.device == context_.index();
}

// ---- Queues

Queue CudaRuntime::create_queue() {
  Current const current(context_);
  return static_cast<Queue>(reinterpret_cast<uintptr_t>(streams_.create()));
}

void CudaRuntime::destroy_queue(Queue queue) noexcept {
  context_.quietly([&] {
    streams_.destroy(stream_of(queue));
    return cudaSuccess;
  });
}

void CudaRuntime::launch(simt::CompiledKernel const& kernel, Grid grid, void const* params,
                         Queue queue) {
  Current const current(context_);
  kernels_.prepare(kernel);
  void* arguments[] = {const_cast<void*>(params)};
  cudaError_t const status = cudaLaunchKernel(
      kernel.entry, dim3(grid.x, grid.y, grid.z), dim3(static_cast<unsigned>(kernel.threads)),
      arguments, static_cast<size_t>(kernel.shared_bytes), stream_of(queue));
  context_.require(status, "launching ", kernel.name);
}

void CudaRuntime::copy(void* target, void const* source, int64_t bytes, cudaMemcpyKind kind,
                       Queue queue) {
  Current const current(context_);
  cudaError_t const status =
      cudaMemcpyAsync(target, source, static_cast<size_t>(bytes), kind, stream_of(queue));
  context_.require(status, "copying ", bytes, " bytes");
}

void CudaRuntime::copy_to_device(void* target, void const* pinned, int64_t bytes, Queue queue) {
  copy(target, pinned, bytes, cudaMemcpyHostToDevice, queue);
}

void CudaRuntime::copy_to_host(void* pinned, void const* source, int64_t bytes, Queue queue) {
  copy(pinned, source, bytes, cudaMemcpyDeviceToHost, queue);
}

void CudaRuntime::copy_on_device(void* target, void const* source, int64_t bytes, Queue queue) {
  copy(target, source, bytes, cudaMemcpyDeviceToDevice, queue);
}

/// The write comes after a fence of the whole system (cuda.h, CUstreamWriteValue_flags).
void CudaRuntime::signal(uint32_t* word, uint32_t value, Queue queue) {
  Current const current(context_);
  auto const address = reinterpret_cast<CUdeviceptr>(word);
  CUresult const result =
      driver().write_value(stream_of(queue), address, value, CU_STREAM_WRITE_VALUE_DEFAULT);
  context_.require(status_of(result), "queueing a signal");
}

void CudaRuntime::wait_signal(uint32_t* word, uint32_t value, Queue queue) {
  Current const current(context_);
  auto const address = reinterpret_cast<CUdeviceptr>(word);
  CUresult const result =
      driver().wait_value(stream_of(queue), address, value, CU_STREAM_WAIT_VALUE_GEQ);
  context_.require(status_of(result), "queueing a wait for a signal");
}

void CudaRuntime::call_host(void (*function)(void*), void* argument, Queue queue) {
  Current const current(context_);
  context_.require(cudaLaunchHostFunc(stream_of(queue), function, argument),
                   "queueing a call of the host");
}

// ---- Marks

Mark CudaRuntime::create_mark(bool timed) {
  Current const current(context_);
  cudaEvent_t event;
  unsigned const flags = timed ? cudaEventDefault : cudaEventDisableTiming;
  context_.require(cudaEventCreateWithFlags(&event, flags), "making an event");
  return static_cast<Mark>(reinterpret_cast<uintptr_t>(event));
}

void CudaRuntime::destroy_mark(Mark mark) noexcept {
  context_.quietly([&] { return cudaEventDestroy(event_of(mark)); });
}

void CudaRuntime::record(Mark mark, Queue queue) {
  Current const current(context_);
  context_.require(cudaEventRecord(event_of(mark), stream_of(queue)), "recording an event");
}

void CudaRuntime::wait(Mark mark, Queue queue) {
  Current const current(context_);
  context_.require(cudaStreamWaitEvent(stream_of(queue), event_of(mark)), "waiting for an event");
}

int64_t CudaRuntime::nanoseconds_between(Mark start, Mark end) {
  Current const current(context_);
  float milliseconds = 0;
  context_.require(cudaEventElapsedTime(&milliseconds, event_of(start), event_of(end)),
                   "taking the time between events");
  return std::llround(double{milliseconds} * 1e6);
}

}  // namespace fattn::cuda
