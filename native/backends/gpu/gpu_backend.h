#pragma once

#include <memory>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/gpu_stream.h"
#include "core/backend.h"

namespace fattn::gpu {

/// A GPU as a backend: everything the interface promises, on whatever fulfils runtime.h. Calls hand
/// their work to the device at once, so that a flag revokes only what has not been queued.
class GpuBackend final : public Backend {
 public:
  explicit GpuBackend(std::unique_ptr<Runtime> runtime) : gpu_(std::move(runtime)) {}

  Device device() const override { return gpu_.device(); }
  DeviceInfo info() const override;
  std::shared_ptr<Storage> allocate(int64_t bytes) override;
  std::shared_ptr<Stream> create_stream(StreamOptions const& options) override;

  void fill(Submission to, TensorView dst, double value) override;
  void randn(Submission to, TensorView dst, uint64_t seed) override;
  /// One of the two may lie on the CPU: the stream is of this device all the same.
  void copy(Submission to, TensorView src, TensorView dst) override;
  void read(Stream& stream, TensorView src, DType as, void* host, Completion done) override;

  void attention(Submission to, AttentionDesc desc, AttentionArgs args) override;
  void merge_attention(Submission to, MergeArgs args) override;
  void rope(Submission to, RopeDesc desc, RopeArgs args) override;
  void rms_norm(Submission to, float epsilon, RmsNormArgs args) override;
  void linear(Submission to, LinearDesc desc, LinearArgs args) override;
  void compressed_conv(Submission to, CompressedConvDesc desc, CompressedConvArgs args) override;
  void key_scores(Submission to, KeyScoreForm form, KeyScoresArgs args) override;
  void key_intervals(Submission to, KeyIntervalsDesc const& desc, KeyIntervalsArgs args) override;
  void append_scores(Submission to, AppendScoresArgs args) override;
  void sparse_attention(Submission to, AttentionDesc const& desc,
                        SparseAttentionArgs args) override;
  void block_sparse_attention(Submission to, AttentionDesc const& desc,
                              BlockSparseDesc const& blocks, BlockSparseArgs args) override;
  Explanation explain_attention(AttentionDesc const& desc,
                                AttentionExtras const& extras) const override;
  CompressedConvExplanation explain_compressed_conv(CompressedConvDesc const& desc) const override;
  LinearExplanation explain_linear(LinearDesc const& desc) const override;
  std::string key_scores_kernel(DType dtype) const override;
  Explanation explain_sparse(AttentionDesc const& desc) const override;
  void measure_ceilings(std::function<void(Ceilings)> done) override;
  void set_threads(int) override {}

  std::shared_ptr<Storage> wrap(void* address, int64_t bytes) override;
  void* address_of(Storage& storage) override;
  std::shared_ptr<Storage> allocate_shareable(int64_t bytes) override;
  std::string share(Storage& storage) override;
  std::shared_ptr<Storage> open_shared(std::string const& handle, int64_t bytes) override;

 private:
  GpuDevice gpu_;
};

}  // namespace fattn::gpu
