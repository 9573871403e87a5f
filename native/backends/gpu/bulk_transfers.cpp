#include "backends/gpu/bulk_transfers.h"

#include <atomic>
#include <utility>

#include "backends/gpu/bulk_copy.h"
#include "backends/gpu/elementwise.h"
#include "backends/gpu/queue_job.h"
#include "core/ops/elementwise.h"

namespace fattn::gpu {
namespace {

/// Runs `queueing`, which says whether it has queued the copy: there may be no point in it.
template <class Queueing>
void commit_or_drop(BulkCopy& copy, Queueing&& queueing) {
  bool queued = false;
  try {
    queued = queueing();
  } catch (...) {
    copy.drop();
    throw;
  }
  if (queued)
    copy.commit();
  else
    copy.drop();
}

}  // namespace

std::shared_ptr<Stream> cpu_stream() { return backend_of(Device{}).create_stream({}); }

std::shared_ptr<Stream> writer_of(TensorView const& view) {
  auto writer = view.storage->last_writer();
  return writer != nullptr && !writer->closed() ? writer : cpu_stream();
}

void read_in_pieces(GpuStream& stream, TensorView const& source, DType as, char* host,
                    Completion done) {
  int64_t const bytes = checked_multiply(source.elements(), size_of(as));
  GpuDevice& gpu = stream.gpu();
  auto const copy = BulkCopy::download(gpu, host, bytes, std::move(done));
  auto const queue_read = [&] {
    DeviceJob job(stream, "read");
    job.reads(source);
    char* rows = source.bytes();
    if (as != source.dtype || !source.contiguous()) {
      rows = job.scratch_of<char>(bytes);
      launch_pack(job, source, rows, as);
    }
    BulkCopy::queue(copy, job, rows, "read");
    job.finish();
    return true;
  };
  commit_or_drop(*copy, [&] { return gpu.guarded(queue_read); });
}

void copy_in_pieces(GpuDevice& gpu, Submission const& to, TensorView const& source,
                    TensorView const& target) {
  GpuStream& stream = stream_of(gpu, to.stream);
  int64_t const bytes = checked_multiply(target.elements(), size_of(target.dtype));
  auto const rows = std::make_shared<BulkCopy::Snapshot>();
  rows->memory = backend_of(Device{}).allocate(bytes);
  auto const made = [rows](std::exception_ptr failure) {
    rows->failure = std::move(failure);
    rows->made.store(true, std::memory_order_release);
  };
  auto const report = std::make_shared<PendingReport>(stream.queue(), "copy");
  auto const told = [report](std::exception_ptr failure) {
    report->set_foreign(std::move(failure));
  };
  auto const copy = BulkCopy::upload(gpu, rows, told);
  backend_of(Device{}).read(*writer_of(source), source, target.dtype, rows->memory->data(), made);
  report->set_position(0);  // unless it is queued, the device has nothing to say
  commit_or_drop(*copy, [&] {
    bool queued = false;
    queue_job(gpu, to, "copy", FillArgs{target}, [&](DeviceJob& job, Outcome& outcome) {
      report->set_position(job.position());
      char* const there = target.contiguous() ? target.bytes() : job.scratch_of<char>(bytes);
      BulkCopy::queue(copy, job, there, "copy");
      if (!target.contiguous()) launch_unpack(job, there, target.dtype, target);
      outcome.add(report);
      stream.note_report(report);
      queued = true;
    });
    return queued;
  });
}

}  // namespace fattn::gpu
