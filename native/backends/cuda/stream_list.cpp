#include "backends/cuda/stream_list.h"

#include <algorithm>

namespace fattn::cuda {

StreamList::StreamList(Context& context) : context_(context) {
  Current const current(context_);
  last_ = create();
  context_.require(cudaEventCreateWithFlags(&end_, cudaEventDisableTiming), "making an event");
}

StreamList::~StreamList() {
  context_.quietly([&] { return cudaEventDestroy(end_); });
  for (cudaStream_t const stream : streams_)
    context_.quietly([&] { return cudaStreamDestroy(stream); });
}

/// Not blocking: the legacy stream, which others in the process use, neither waits for ours nor has
/// ours wait.
cudaStream_t StreamList::create() {
  cudaStream_t stream;
  context_.require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "making a stream");
  std::lock_guard const lock(mutex_);
  streams_.push_back(stream);
  return stream;
}

void StreamList::destroy(cudaStream_t stream) noexcept {
  std::lock_guard const lock(mutex_);
  std::erase(streams_, stream);
  for (cudaError_t const status :
       {cudaEventRecord(end_, stream), cudaStreamWaitEvent(last_, end_), cudaStreamDestroy(stream)})
    context_.note(status);
  forget_error();
}

void StreamList::query() {
  std::lock_guard const lock(mutex_);
  for (cudaStream_t const stream : streams_) {
    cudaError_t const status = cudaStreamQuery(stream);
    if (status != cudaErrorNotReady) context_.require(status, "looking after the device");
  }
  forget_error();  // which "not ready" may count as
}

void StreamList::finish() noexcept {
  std::vector<cudaStream_t> streams;
  {
    std::lock_guard const lock(mutex_);
    streams = streams_;
  }
  for (cudaStream_t const stream : streams) context_.note(cudaStreamSynchronize(stream));
  forget_error();
}

}  // namespace fattn::cuda
