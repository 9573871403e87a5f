#include "backends/gpu/gpu_backend.h"

#include <cstring>
#include <string>
#include <utility>

#include "backends/gpu/append_scores_job.h"
#include "backends/gpu/attention_choice.h"
#include "backends/gpu/attention_job.h"
#include "backends/gpu/compressed_conv_choice.h"
#include "backends/gpu/compressed_conv_job.h"
#include "backends/gpu/elementwise.h"
#include "backends/gpu/gpu_storage.h"
#include "backends/gpu/kernel_row.h"
#include "backends/gpu/key_intervals_job.h"
#include "backends/gpu/key_scores_job.h"
#include "backends/gpu/linear_job.h"
#include "backends/gpu/merge_job.h"
#include "backends/gpu/queue_job.h"
#include "backends/gpu/rms_norm_job.h"
#include "backends/gpu/rope_job.h"
#include "backends/gpu/sparse_choice.h"
#include "backends/gpu/sparse_job.h"
#include "backends/gpu/transfers.h"
#include "core/ops/elementwise.h"

namespace fattn::gpu {
namespace {

/// What another process needs to open memory, as one string of bytes: the size, then the runtime's
/// name of it.
struct SharedName {
  int64_t bytes = 0;
  SharedHandle memory;

  SharedName(int64_t bytes, SharedHandle memory) : bytes(bytes), memory(std::move(memory)) {}
  explicit SharedName(std::string const& text) {
    check(text.size() > sizeof bytes, ErrorCode::kArgumentValue, "a shared handle has ",
          text.size(), " bytes, expected one that share() gave");
    std::memcpy(&bytes, text.data(), sizeof bytes);
    memory = text.substr(sizeof bytes);
  }
  std::string text() const {
    return std::string(reinterpret_cast<char const*>(&bytes), sizeof bytes) + memory;
  }
};

Explanation explained(AttentionChoice const& choice) {
  Explanation e;
  e.supported = choice.row != nullptr;
  e.reason = choice.reason;
  if (!e.supported) return e;
  e.kernel = choice.row->name;
  e.path = choice.row->path;
  e.note = choice.note;
  e.half_products = choice.row->head_dim > 0;
  return e;
}

/// What is known of a job once it is done goes to its readers, and to whoever waits for the stream.
void note(DeviceJob& job, Outcome& outcome, std::shared_ptr<PendingReport> const& report) {
  if (report == nullptr) return;
  outcome.add(report);
  job.stream().note_report(report);
}

void note(DeviceJob& job, Outcome& outcome, PendingReports const& reports) {
  for (auto const& report : reports) note(job, outcome, report);
}

}  // namespace

DeviceInfo GpuBackend::info() const {
  DeviceFacts const& facts = gpu_.facts();
  DeviceInfo info;
  info.name = name_of(device());
  info.model = facts.model;
  info.path = "sm_" + std::to_string(facts.major) + std::to_string(facts.minor);
  info.paths = {info.path};
  info.memory_bytes = facts.memory_bytes;
  return info;
}

std::shared_ptr<Storage> GpuBackend::allocate(int64_t bytes) {
  gpu_.require_alive();
  check(bytes >= 0, ErrorCode::kShape, "cannot allocate ", bytes, " bytes");
  // Memory is taken by the stream that first uses it, but what can never be had is refused here.
  check(bytes <= gpu_.facts().memory_bytes, ErrorCode::kOutOfMemory, name_of(device()),
        " has no room for ", bytes, " bytes: it has ", gpu_.facts().memory_bytes, " in all");
  return std::make_shared<GpuStorage>(gpu_, bytes);
}

std::shared_ptr<Stream> GpuBackend::create_stream(StreamOptions const& options) {
  return gpu_.guarded([&] { return std::make_shared<GpuStream>(gpu_, options); });
}

void GpuBackend::fill(Submission to, TensorView dst, double value) {
  check_target(gpu_, "fill", dst);
  check_fill(dst, value);
  queue_job(gpu_, to, "fill", FillArgs{dst},
            [&](DeviceJob& job, Outcome&) { launch_fill(job, dst, value); });
}

void GpuBackend::randn(Submission to, TensorView dst, uint64_t seed) {
  check_target(gpu_, "randn", dst);
  check(is_float(dst.dtype), ErrorCode::kDType, "randn: expected a float dtype, got ",
        name_of(dst.dtype));
  queue_job(gpu_, to, "randn", FillArgs{dst},
            [&](DeviceJob& job, Outcome&) { launch_randn(job, dst, seed); });
}

void GpuBackend::copy(Submission to, TensorView src, TensorView dst) {
  check(src.defined() && dst.defined(), ErrorCode::kDisposed, "copy: a tensor has no storage");
  check(src.sizes == dst.sizes, ErrorCode::kShape, "copy: the source is ", src.sizes,
        ", the target ", dst.sizes);
  check_conversion(src.dtype, dst.dtype);
  check_bounds("copy: source", src);
  check_bounds("copy: target", dst);
  check_distinct("copy: target", dst);
  Device const cpu{};
  if (src.device() == cpu) return copy_from_cpu(gpu_, to, src, dst);
  check_view(gpu_, "copy: source", src);
  if (dst.device() == cpu) return copy_to_cpu(gpu_, to, src, dst);
  check_view(gpu_, "copy: target", dst);
  queue_job(gpu_, to, "copy", CopyArgs{src, dst}, [&](DeviceJob& job, Outcome&) {
    if (!spans_overlap(src, dst)) return launch_copy(job, src, dst);
    void* const rows = job.scratch(checked_multiply(src.elements(), size_of(src.dtype)));
    launch_pack(job, src, rows, src.dtype);
    launch_unpack(job, rows, src.dtype, dst);
  });
}

void GpuBackend::read(Stream& stream, TensorView src, DType as, void* host, Completion done) {
  check_view(gpu_, "read", src);
  check_conversion(src.dtype, as);
  read_tensor(stream_of(gpu_, stream), src, as, host, std::move(done));
}

void GpuBackend::attention(Submission to, AttentionDesc desc, AttentionArgs args) {
  check_attention(desc, args);
  queue_job(gpu_, to, "attention", args, [&](DeviceJob& job, Outcome& outcome) {
    note(job, outcome, launch_attention(job, desc, args));
  });
}

void GpuBackend::merge_attention(Submission to, MergeArgs args) {
  check_merge_attention(args);
  queue_job(gpu_, to, "mergeAttention", args,
            [&](DeviceJob& job, Outcome&) { launch_merge_attention(job, args); });
}

void GpuBackend::rope(Submission to, RopeDesc desc, RopeArgs args) {
  check_rope(desc, args);
  queue_job(gpu_, to, "rope", args,
            [&](DeviceJob& job, Outcome&) { launch_rope(job, desc, args); });
}

void GpuBackend::rms_norm(Submission to, float epsilon, RmsNormArgs args) {
  check_rms_norm(epsilon, args);
  queue_job(gpu_, to, "rmsNorm", args,
            [&](DeviceJob& job, Outcome&) { launch_rms_norm(job, epsilon, args); });
}

void GpuBackend::linear(Submission to, LinearDesc desc, LinearArgs args) {
  check_linear(desc, args);
  queue_job(gpu_, to, "linear", args,
            [&](DeviceJob& job, Outcome&) { launch_linear(job, desc, args); });
}

void GpuBackend::compressed_conv(Submission to, CompressedConvDesc desc, CompressedConvArgs args) {
  check_compressed_conv(desc, args);
  queue_job(gpu_, to, "compressedConvAttention", args, [&](DeviceJob& job, Outcome& outcome) {
    note(job, outcome, launch_compressed_conv(job, desc, args));
  });
}

void GpuBackend::key_scores(Submission to, KeyScoreForm form, KeyScoresArgs args) {
  check_key_scores(form, args);
  queue_job(gpu_, to, "dynamicMaskScores", args,
            [&](DeviceJob& job, Outcome&) { launch_key_scores(job, form, args); });
}

void GpuBackend::key_intervals(Submission to, KeyIntervalsDesc const& desc, KeyIntervalsArgs args) {
  check_key_intervals(desc, args);
  queue_job(gpu_, to, "dynamicMaskIntervals", args, [&](DeviceJob& job, Outcome& outcome) {
    note(job, outcome, launch_key_intervals(job, desc, args));
  });
}

void GpuBackend::append_scores(Submission to, AppendScoresArgs args) {
  check_append_scores(args);
  queue_job(gpu_, to, "DmaState.append", args, [&](DeviceJob& job, Outcome& outcome) {
    note(job, outcome, launch_append_scores(job, args));
  });
}

void GpuBackend::sparse_attention(Submission to, AttentionDesc const& desc,
                                  SparseAttentionArgs args) {
  check_sparse_attention(desc, args);
  queue_job(gpu_, to, "dynamicMaskAttention", args, [&](DeviceJob& job, Outcome& outcome) {
    note(job, outcome, launch_sparse_attention(job, desc, args));
  });
}

void GpuBackend::block_sparse_attention(Submission to, AttentionDesc const& desc,
                                        BlockSparseDesc const& blocks, BlockSparseArgs args) {
  check_block_sparse(desc, blocks, args);
  queue_job(gpu_, to, "blockSparseAttention", args, [&](DeviceJob& job, Outcome& outcome) {
    note(job, outcome, launch_block_sparse_attention(job, desc, blocks, args));
  });
}

Explanation GpuBackend::explain_attention(AttentionDesc const& desc,
                                          AttentionExtras const& extras) const {
  Explanation e = explained(choose_attention(desc, extras, true, gpu_.facts()));
  if (!e.supported) return e;
  if (desc.precision == Precision::kBFloat16)
    e.note = "precision 'bfloat16' gains nothing here: float32 inputs are multiplied as float32";
  e.cost = attention_cost(desc, extras);
  return e;
}

CompressedConvExplanation GpuBackend::explain_compressed_conv(
    CompressedConvDesc const& desc) const {
  return gpu::explain_compressed_conv(desc, gpu_.facts());
}

Explanation GpuBackend::explain_sparse(AttentionDesc const& desc) const {
  return explained(choose_sparse(desc, true, gpu_.facts()));
}

LinearExplanation GpuBackend::explain_linear(LinearDesc const& desc) const {
  return gpu::explain_linear(desc, device(), gpu_.facts());
}

std::string GpuBackend::key_scores_kernel(DType dtype) const {
  return kernel_row("key_scores", dtype).name;
}

void GpuBackend::measure_ceilings(std::function<void(Ceilings)> done) {
  DeviceFacts const& facts = gpu_.facts();
  done({facts.f32_flops, facts.half_flops, facts.read_bytes});
}

std::shared_ptr<Storage> GpuBackend::wrap(void* address, int64_t bytes) {
  return gpu_.guarded([&] {
    check(gpu_.runtime().owns(address), ErrorCode::kArgumentValue, "address: expected memory of ",
          name_of(device()));
    return std::make_shared<GpuStorage>(gpu_, bytes, address, Origin::kExternal);
  });
}

void* GpuBackend::address_of(Storage& storage) {
  return gpu_.guarded([&] { return dynamic_cast<GpuStorage&>(storage).address(); });
}

std::shared_ptr<Storage> GpuBackend::allocate_shareable(int64_t bytes) {
  return gpu_.guarded([&] {
    void* const memory = gpu_.runtime().allocate_shareable(bytes);
    if (memory == nullptr) gpu_.throw_out_of_memory(bytes);
    return std::make_shared<GpuStorage>(gpu_, bytes, memory, Origin::kShareable);
  });
}

std::string GpuBackend::share(Storage& storage) {
  auto& ours = dynamic_cast<GpuStorage&>(storage);
  check(ours.origin() == Origin::kShareable, ErrorCode::kArgumentValue,
        "share: expected a tensor made by Tensor.shareable()");
  return gpu_.guarded([&] {
    return SharedName{ours.bytes(), gpu_.runtime().share(ours.data())}.text();
  });
}

std::shared_ptr<Storage> GpuBackend::open_shared(std::string const& handle, int64_t bytes) {
  SharedName const name(handle);
  check(bytes <= name.bytes, ErrorCode::kBounds, "the tensor has ", bytes,
        " bytes, the memory that the handle names has ", name.bytes);
  return gpu_.guarded([&] {
    void* const memory = gpu_.runtime().open_shared(name.memory);
    return std::make_shared<GpuStorage>(gpu_, bytes, memory, Origin::kShared);
  });
}

}  // namespace fattn::gpu
