#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/abort_flag.h"
#include "core/device.h"
#include "core/ops/attention.h"
#include "core/ops/attention_cost.h"
#include "core/ops/block_sparse.h"
#include "core/ops/compressed_conv.h"
#include "core/ops/dynamic_mask.h"
#include "core/ops/linear.h"
#include "core/ops/merge_attention.h"
#include "core/ops/rms_norm.h"
#include "core/ops/rope.h"
#include "core/tensor_view.h"

namespace fattn {

/// Called exactly once, from a thread of the backend or, if nothing is pending, from the caller's.
/// The argument is null on success.
using Completion = std::function<void(std::exception_ptr)>;

/// A point in a stream's order.
class Event {
 public:
  virtual ~Event() = default;
  /// Calls back when the point has been passed.
  virtual void when_reached(Completion done) = 0;
  /// Nanoseconds from `start` to this event; both must have been reached.
  virtual int64_t nanoseconds_since(Event const& start) const = 0;
};

/// An ordered queue of work on one device. Work on two streams is unordered unless joined by
/// events.
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  virtual ~Stream() = default;
  virtual Device device() const = 0;
  /// Calls back when everything queued so far is done, with the first failure since the last call;
  /// aborted work is none.
  virtual void synchronize(Completion done) = 0;
  virtual std::shared_ptr<Event> record() = 0;
  /// Later work on this stream starts after `event`.
  virtual void wait(std::shared_ptr<Event> event) = 0;
  /// Stops running work at the next tile, drops queued work (their completions get
  /// ERR_STREAM_CLOSED), and returns when no job of this stream runs any more. Idempotent. Later
  /// calls throw ERR_STREAM_CLOSED.
  virtual void close() = 0;
  virtual bool closed() const = 0;
};

/// Where a call queues its work, and what revokes it.
///
/// Revoked work does not start, or stops at the next tile. A backend that cannot call back what it
/// has handed to its device looks at the flag until then. Either way outputs that are not written
/// are marked with ERR_ABORTED, and jobs that read them fail with the same. synchronize() reports
/// neither: whoever aborted knows, and others on the stream are not concerned.
struct Submission {
  Submission(Stream& stream, std::shared_ptr<AbortFlag const> abort = nullptr)
      : stream(stream), abort(std::move(abort)) {}

  Stream& stream;
  std::shared_ptr<AbortFlag const> abort;  // null: nothing but closing the stream
};

struct StreamOptions {
  int64_t queue_depth = 65536;  // jobs waiting; one more throws ERR_QUEUE_FULL
};

/// What `explain()` says about a call.
struct Explanation {
  bool supported = true;
  std::string reason;          // when not supported
  std::string kernel;          // 'cpu/prefill', 'attention_mma16_bf16_d128'
  std::string path;            // 'avx512bf16' of the CPU, 'mma16' of a GPU
  bool half_products = false;  // multiplied by the units for 16-bit floats
  std::string note;            // e.g. why a requested precision gains nothing here
  AttentionCost cost;
};

/// The same about what compressed convolutional attention does before it attends.
struct CompressedConvExplanation {
  bool supported = true;
  std::string reason;
  std::string kernel;  // 'cpu/compressed-conv'
  std::string path;
  bool half_products = false;
  CompressedConvCost cost;
  double bytes_moved = 0;  // what the kernel reads and writes
};

/// The same about a matrix product.
struct LinearExplanation {
  bool supported = true;
  std::string reason;
  std::string kernel;  // 'cpu/linear-panels', 'linear_mma16_bf16'
  std::string path;
  bool half_products = false;
  std::string note;
};

/// What a device can do at most: measured on the CPU, from its clocks and widths on a GPU.
struct Ceilings {
  double f32_flops = 0;   // per second, fused multiply-add = 2
  double bf16_flops = 0;  // 0 where there are no units for 16-bit floats
  double read_bytes = 0;  // per second, out of cache
};

struct DeviceInfo {
  std::string name;                // 'cpu'
  std::string model;               // 'AMD EPYC …'
  std::string path;                // chosen instruction path
  std::vector<std::string> paths;  // all that this machine can run
  int threads = 0;
  int64_t memory_bytes = 0;
};

/// One per kind of device. Every queueing call checks, queues on a stream and returns.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual Device device() const = 0;
  virtual DeviceInfo info() const = 0;
  virtual std::shared_ptr<Storage> allocate(int64_t bytes) = 0;  // throws ERR_OUT_OF_MEMORY
  virtual std::shared_ptr<Stream> create_stream(StreamOptions const& options) = 0;

  virtual void fill(Submission to, TensorView dst, double value) = 0;
  virtual void randn(Submission to, TensorView dst, uint64_t seed) = 0;
  /// Same sizes, any strides, any dtypes: floats round to nearest even; to integers is refused by
  /// lib.
  virtual void copy(Submission to, TensorView src, TensorView dst) = 0;
  /// Row-major elements of `src` as `as` into host memory that outlives `done`.
  virtual void read(Stream& stream, TensorView src, DType as, void* host, Completion done) = 0;

  virtual void attention(Submission to, AttentionDesc desc, AttentionArgs args) = 0;
  virtual void merge_attention(Submission to, MergeArgs args) = 0;
  virtual void rope(Submission to, RopeDesc desc, RopeArgs args) = 0;
  virtual void rms_norm(Submission to, float epsilon, RmsNormArgs args) = 0;
  virtual void linear(Submission to, LinearDesc desc, LinearArgs args) = 0;
  /// What compressed convolutional attention does before it attends.
  virtual void compressed_conv(Submission to, CompressedConvDesc desc, CompressedConvArgs args) = 0;
  virtual void key_scores(Submission to, KeyScoreForm form, KeyScoresArgs args) = 0;
  virtual void key_intervals(Submission to, KeyIntervalsDesc const& desc,
                             KeyIntervalsArgs args) = 0;
  virtual void append_scores(Submission to, AppendScoresArgs args) = 0;
  virtual void sparse_attention(Submission to, AttentionDesc const& desc,
                                SparseAttentionArgs args) = 0;
  virtual void block_sparse_attention(Submission to, AttentionDesc const& desc,
                                      BlockSparseDesc const& blocks, BlockSparseArgs args) = 0;

  virtual Explanation explain_attention(AttentionDesc const& desc,
                                        AttentionExtras const& extras) const = 0;
  virtual CompressedConvExplanation explain_compressed_conv(
      CompressedConvDesc const& desc) const = 0;
  virtual LinearExplanation explain_linear(LinearDesc const& desc) const = 0;
  /// What makes scores from values of this dtype: 'cpu/key-scores', 'key_scores_bf16'.
  virtual std::string key_scores_kernel(DType dtype) const = 0;
  /// Attention over keys of any selection or lists; without its cost.
  virtual Explanation explain_sparse(AttentionDesc const& desc) const = 0;
  /// Measures on the backend's threads (some 100 ms the first time, then cached) and calls back.
  virtual void measure_ceilings(std::function<void(Ceilings)> done) = 0;
  virtual void set_threads(int threads) = 0;

  // Memory that is not this backend's alone. They throw ERR_UNSUPPORTED where the device has no
  // such thing.
  /// Memory of this device that the caller owns and keeps until all work on it is done. Throws
  /// ERR_ARGUMENT_VALUE for an address that is not the device's.
  virtual std::shared_ptr<Storage> wrap(void* address, int64_t bytes);
  /// The address of a storage's memory, for others to use once its queued work is done.
  virtual void* address_of(Storage& storage);
  /// Memory that other processes can open.
  virtual std::shared_ptr<Storage> allocate_shareable(int64_t bytes);
  /// What they need for it. Throws ERR_ARGUMENT_VALUE unless it is shareable.
  virtual std::string share(Storage& storage);
  virtual std::shared_ptr<Storage> open_shared(std::string const& handle, int64_t bytes);
};

/// Every device that can be used. Opens none.
std::vector<DeviceInfo> devices();

/// Instruction paths compiled into the CPU backend, whether or not this machine runs them.
std::vector<std::string> compiled_paths();

/// The backend of `device`. A GPU is opened by the first call, which takes some 100 ms. Throws
/// ERR_CUDA_UNAVAILABLE, ERR_UNSUPPORTED or ERR_DEVICE with the reason.
Backend& backend_of(Device device);

}  // namespace fattn
