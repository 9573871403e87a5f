#include "backends/gpu/queue_job.h"

namespace fattn::gpu {

GpuStream& stream_of(GpuDevice& gpu, Stream& stream) {
  auto* const ours = dynamic_cast<GpuStream*>(&stream);
  check(ours != nullptr && &ours->gpu() == &gpu, ErrorCode::kDevice, "the stream is of ",
        name_of(stream.device()), ", expected ", name_of(gpu.device()));
  return *ours;
}

void check_view(GpuDevice& gpu, char const* name, TensorView const& view) {
  check(view.defined() && view.device() == gpu.device(), ErrorCode::kDevice, name,
        ": expected a tensor of ", name_of(gpu.device()));
  check_bounds(name, view);
}

void check_target(GpuDevice& gpu, char const* name, TensorView const& view) {
  check_view(gpu, name, view);
  check_distinct(name, view);
}

Outcome::Outcome(Submission const& to, char const* name) {
  if (to.abort != nullptr && to.abort->raised()) failure_ = aborted_failure(name);
}

void Outcome::reads(TensorView const& view) {
  Lineage const lineage = gpu_storage(view).lineage(view.noted_part());
  if (failure_ == nullptr) failure_ = view.failure();
  if (failure_ == nullptr) failure_ = failure_in(lineage);
  lineage_ = joined(lineage_, lineage);
}

void Outcome::add(std::shared_ptr<PendingReport> const& report) {
  lineage_ = joined(lineage_, report);
}

void Outcome::writes(TensorView const& view, std::shared_ptr<Stream> const& stream) const {
  GpuStorage& storage = gpu_storage(view);
  storage.set_lineage(view.noted_part(), lineage_, !view.has_gaps());
  storage.set_last_writer(stream);
  view.set_outcome(failure_);
}

}  // namespace fattn::gpu
