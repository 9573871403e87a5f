#pragma once

#include <exception>
#include <memory>
#include <utility>

#include "backends/gpu/device_job.h"
#include "backends/gpu/reports.h"
#include "core/backend.h"
#include "core/failure.h"
#include "core/ops/visit_tensors.h"

namespace fattn::gpu {

/// The stream as one of this device; throws ERR_DEVICE for another.
GpuStream& stream_of(GpuDevice& gpu, Stream& stream);

/// Throws ERR_DEVICE or ERR_BOUNDS unless `view` lies on the device and inside its storage.
void check_view(GpuDevice& gpu, char const* name, TensorView const& view);
/// The same of what is written, whose elements lie apart.
void check_target(GpuDevice& gpu, char const* name, TensorView const& view);

/// What a job passes on from the tensors it reads to those it writes.
class Outcome {
 public:
  /// Of a job that its caller has revoked, or null.
  Outcome(Submission const& to, char const* name);
  void reads(TensorView const& view);
  /// Reports of the job's own, made while it was queued.
  void add(std::shared_ptr<PendingReport> const& report);

  /// Why there is no point in doing the work; null where nothing is known to have gone wrong.
  std::exception_ptr const& failure() const { return failure_; }
  /// `view` is what came of it.
  void writes(TensorView const& view, std::shared_ptr<Stream> const& stream) const;

 private:
  std::exception_ptr failure_;
  Lineage lineage_;
};

/// Queues `body(job, outcome)` as the work that `args` describe, and returns. Where an input is
/// known to be bad, or the work has been revoked, the outputs say so and nothing is queued.
template <class Args, class Body>
void queue_job(GpuDevice& gpu, Submission const& to, char const* name, Args const& args,
               Body&& body) {
  GpuStream& stream = stream_of(gpu, to.stream);
  stream.require_open();
  gpu.guarded([&] {
    Outcome outcome(to, name);
    auto const read = [&](TensorView const& view) { outcome.reads(view); };
    visit_inputs(args, read);
    if (outcome.failure() == nullptr) {
      DeviceJob job(stream, name);
      auto const use_input = [&](TensorView const& view) { job.reads(view); };
      auto const use_output = [&](TensorView const& view) { job.writes(view); };
      visit_inputs(args, use_input);
      visit_outputs(args, use_output);
      body(job, outcome);
      job.finish();
    } else if (!is_abort(outcome.failure())) {
      stream.note_failure(outcome.failure());
    }
    auto const share = stream.shared_from_this();
    auto const written = [&](TensorView const& view) { outcome.writes(view, share); };
    visit_outputs(args, written);
  });
}

}  // namespace fattn::gpu
