#include "backends/cpu/cpu_backend.h"

#include <array>
#include <memory>
#include <type_traits>
#include <utility>

#include "backends/cpu/attention/attention.h"
#include "backends/cpu/block_sparse/block_sparse.h"
#include "backends/cpu/ceilings.h"
#include "backends/cpu/compressed_conv/compressed_conv.h"
#include "backends/cpu/cpu_stream.h"
#include "backends/cpu/dynamic_mask/kept_keys.h"
#include "backends/cpu/dynamic_mask/key_scores.h"
#include "backends/cpu/dynamic_mask/selection.h"
#include "backends/cpu/dynamic_mask/sparse_attention.h"
#include "backends/cpu/elementwise_copy.h"
#include "backends/cpu/elementwise_fill.h"
#include "backends/cpu/elementwise_merge.h"
#include "backends/cpu/elementwise_random.h"
#include "backends/cpu/elementwise_rms_norm.h"
#include "backends/cpu/elementwise_rope.h"
#include "backends/cpu/host.h"
#include "backends/cpu/host_block.h"
#include "backends/cpu/job.h"
#include "backends/cpu/kernel_table.h"
#include "backends/cpu/linear/linear.h"
#include "core/error.h"
#include "core/ops/elementwise.h"
#include "core/ops/visit_tensors.h"

namespace fattn::cpu {
namespace {

class CpuStorage final : public Storage {
 public:
  CpuStorage(HostBlock block, int64_t bytes)
      : Storage(Device{}, block.data(), bytes), block_(std::move(block)) {}

 private:
  HostBlock block_;
};

CpuStream& cpu_stream(Stream& stream) {
  auto* const ours = dynamic_cast<CpuStream*>(&stream);
  check(ours != nullptr, ErrorCode::kDevice, "the stream is of ", name_of(stream.device()),
        ", expected cpu");
  return *ours;
}

void check_view(char const* name, TensorView const& view) {
  check(view.defined() && view.device() == Device{}, ErrorCode::kDevice, name,
        ": expected a tensor of cpu");
  check_bounds(name, view);
}

/// A tensor that is written must have one place per element, or threads would race for it.
void check_target(char const* name, TensorView const& view) {
  check_view(name, view);
  check_distinct(name, view);
}

/// Makes `stream` wait for the streams that last wrote what `job` uses, so that data made on one
/// stream is safe to use on another. What is still being read elsewhere when it is overwritten
/// stays the caller's business.
void follow_writers(CpuStream& stream, Job const& job) {
  Stream const* followed = &stream;
  auto follow = [&](TensorView const& view) {
    std::shared_ptr<Stream> const writer = view.storage->last_writer();
    if (writer == nullptr || writer.get() == &stream || writer.get() == followed) return;
    followed = writer.get();
    if (auto event = cpu_stream(*writer).pending()) stream.wait(std::move(event));
  };
  job.each_input(follow);
  job.each_output(follow);
}

/// Queues body(context, args) and makes the stream the last writer of what it writes. Args of
/// attention() take 4 KB, which are moved once.
template <class Args, class Body>
void enqueue(Submission to, char const* name, Args&& args, Body body) {
  static_assert(!std::is_reference_v<Args>, "takes what it is given");
  Stream& stream = to.stream;
  auto job = std::make_unique<TensorJob<Args, Body>>(name, std::move(to.abort), std::move(args),
                                                     std::move(body));
  // Queueing gives the job away, and a refusal must leave the last writers as they were.
  std::array<std::shared_ptr<Storage>, 6> written;  // of compressed_conv(), the most there are
  size_t outputs = 0;
  auto keep = [&](TensorView const& view) { written.at(outputs++) = view.storage; };
  job->each_output(keep);
  follow_writers(cpu_stream(stream), *job);
  cpu_stream(stream).enqueue(std::move(job));
  auto const share = stream.shared_from_this();
  for (size_t i = 0; i < outputs; ++i) written[i]->set_last_writer(share);
}

/// Reads into memory that lives until `done`, which learns the outcome instead of the stream.
class ReadJob final : public Job {
 public:
  ReadJob(TensorView source, DType as, void* host, Completion done)
      : Job("read"), source_(std::move(source)), as_(as), host_(host), done_(std::move(done)) {}

  void run(JobContext& context) override { run_read(context, source_, as_, host_); }
  void each_input(FunctionRef<void(TensorView const&)> visit) const override { visit(source_); }
  void each_output(FunctionRef<void(TensorView const&)>) const override {}
  bool tell(std::exception_ptr failure) override {
    done_(std::move(failure));
    return true;
  }

 private:
  TensorView source_;
  DType as_;
  void* host_;
  Completion done_;
};

class CpuBackend final : public Backend {
 public:
  Device device() const override { return Device{}; }

  DeviceInfo info() const override {
    return {.name = name_of(device()),
            .model = processor_model(),
            .path = active_kernels().path,
            .paths = available_paths(),
            .threads = WorkerPool::instance().threads(),
            .memory_bytes = physical_memory_bytes()};
  }

  std::shared_ptr<Storage> allocate(int64_t bytes) override {
    check(bytes >= 0, ErrorCode::kShape, "cannot allocate ", bytes, " bytes");
    return std::make_shared<CpuStorage>(HostBlock(static_cast<size_t>(bytes)), bytes);
  }

  std::shared_ptr<Stream> create_stream(StreamOptions const& options) override {
    return std::make_shared<CpuStream>(WorkerPool::instance(), options);
  }

  void fill(Submission to, TensorView dst, double value) override {
    check_target("fill", dst);
    check_fill(dst, value);
    enqueue(std::move(to), "fill", FillArgs{std::move(dst)},
            [value](JobContext& job, FillArgs& args) { run_fill(job, args.target, value); });
  }

  void randn(Submission to, TensorView dst, uint64_t seed) override {
    check_target("randn", dst);
    check(is_float(dst.dtype), ErrorCode::kDType, "randn: expected a float dtype, got ",
          name_of(dst.dtype));
    enqueue(std::move(to), "randn", FillArgs{std::move(dst)},
            [seed](JobContext& job, FillArgs& args) { run_randn(job, args.target, seed); });
  }

  void copy(Submission to, TensorView src, TensorView dst) override {
    check_view("copy: source", src);
    check_target("copy: target", dst);
    check(src.sizes == dst.sizes, ErrorCode::kShape, "copy: the source is ", src.sizes,
          ", the target ", dst.sizes);
    check_conversion(src.dtype, dst.dtype);
    enqueue(std::move(to), "copy", CopyArgs{std::move(src), std::move(dst)},
            [](JobContext& job, CopyArgs& args) { run_copy(job, args.source, args.target); });
  }

  void read(Stream& stream, TensorView src, DType as, void* host, Completion done) override {
    check_view("read", src);
    check_conversion(src.dtype, as);
    cpu_stream(stream).enqueue(
        std::make_unique<ReadJob>(std::move(src), as, host, std::move(done)));
  }

  void attention(Submission to, AttentionDesc desc, AttentionArgs args) override {
    check_attention(desc, args);
    check_served(desc);
    enqueue(std::move(to), "attention", std::move(args),
            [desc](JobContext& job, AttentionArgs& tensors) {
              run_attention(job, desc, tensors, active_kernels());
            });
  }

  void key_scores(Submission to, KeyScoreForm form, KeyScoresArgs args) override {
    check_key_scores(form, args);
    enqueue(
        std::move(to), "dynamicMaskScores", std::move(args),
        [form](JobContext& job, KeyScoresArgs& tensors) { run_key_scores(job, form, tensors); });
  }

  void key_intervals(Submission to, KeyIntervalsDesc const& desc, KeyIntervalsArgs args) override {
    check_key_intervals(desc, args);
    enqueue(std::move(to), "dynamicMaskIntervals", std::move(args),
            [desc](JobContext& job, KeyIntervalsArgs& tensors) {
              run_key_intervals(job, desc, tensors);
            });
  }

  void append_scores(Submission to, AppendScoresArgs args) override {
    check_append_scores(args);
    enqueue(std::move(to), "DmaState.append", std::move(args),
            [](JobContext& job, AppendScoresArgs& tensors) { run_append_scores(job, tensors); });
  }

  void sparse_attention(Submission to, AttentionDesc const& desc,
                        SparseAttentionArgs args) override {
    check_sparse_attention(desc, args);
    check_served(desc);
    enqueue(std::move(to), "dynamicMaskAttention", std::move(args),
            [desc](JobContext& job, SparseAttentionArgs& tensors) {
              run_sparse_attention(job, desc, tensors, active_kernels());
            });
  }

  void block_sparse_attention(Submission to, AttentionDesc const& desc,
                              BlockSparseDesc const& blocks, BlockSparseArgs args) override {
    check_block_sparse(desc, blocks, args);
    check_served(desc);
    enqueue(std::move(to), "blockSparseAttention", std::move(args),
            [desc, blocks](JobContext& job, BlockSparseArgs& tensors) {
              run_block_sparse(job, desc, blocks, tensors, active_kernels());
            });
  }

  void merge_attention(Submission to, MergeArgs args) override {
    check_merge_attention(args);
    enqueue(std::move(to), "mergeAttention", std::move(args),
            [](JobContext& job, MergeArgs& tensors) { run_merge_attention(job, tensors); });
  }

  void rope(Submission to, RopeDesc desc, RopeArgs args) override {
    check_rope(desc, args);
    enqueue(std::move(to), "rope", std::move(args),
            [desc = std::move(desc)](JobContext& job, RopeArgs& tensors) {
              run_rope(job, desc, tensors);
            });
  }

  void rms_norm(Submission to, float epsilon, RmsNormArgs args) override {
    check_rms_norm(epsilon, args);
    enqueue(
        std::move(to), "rmsNorm", std::move(args),
        [epsilon](JobContext& job, RmsNormArgs& tensors) { run_rms_norm(job, epsilon, tensors); });
  }

  void compressed_conv(Submission to, CompressedConvDesc desc, CompressedConvArgs args) override {
    check_compressed_conv(desc, args);
    active_kernels();  // throws where none can be chosen on this machine
    enqueue(std::move(to), "compressedConvAttention", std::move(args),
            [desc = std::move(desc)](JobContext& job, CompressedConvArgs& tensors) {
              run_compressed_conv(job, desc, tensors, active_kernels());
            });
  }

  void linear(Submission to, LinearDesc desc, LinearArgs args) override {
    check_linear(desc, args);
    KernelTable const& kernels = active_kernels();
    enqueue(std::move(to), "linear", std::move(args),
            [desc, &kernels](JobContext& job, LinearArgs& tensors) {
              run_linear(job, desc, tensors, kernels);
            });
  }

  Explanation explain_attention(AttentionDesc const& desc,
                                AttentionExtras const& extras) const override {
    return cpu::explain_attention(desc, extras);
  }

  CompressedConvExplanation explain_compressed_conv(CompressedConvDesc const& desc) const override {
    return cpu::explain_compressed_conv(desc, active_kernels());
  }

  LinearExplanation explain_linear(LinearDesc const& desc) const override {
    return cpu::explain_linear(desc, active_kernels());
  }

  std::string key_scores_kernel(DType) const override { return "cpu/key-scores"; }

  Explanation explain_sparse(AttentionDesc const& desc) const override {
    return cpu::explain_sparse(desc);
  }

  void measure_ceilings(std::function<void(Ceilings)> done) override {
    cpu::measure_ceilings(std::move(done));
  }

  void set_threads(int threads) override { WorkerPool::instance().set_threads(threads); }
};

Backend& backend() {
  static CpuBackend& instance = *new CpuBackend;  // never destroyed: jobs may run at exit
  return instance;
}

}  // namespace
}  // namespace fattn::cpu

namespace fattn {

Backend& cpu_backend() { return cpu::backend(); }

}  // namespace fattn
