#include "backends/gpu/bulk_transfers.h"

#include <mutex>
#include <utility>

#include "backends/gpu/elementwise.h"
#include "backends/gpu/queue_job.h"
#include "core/ops/elementwise.h"

namespace fattn::gpu {
namespace {

/// A copy of the source on its way to the device. It goes on once the CPU has made it and the
/// device has reached the place where it is wanted.
class Upload : public std::enable_shared_from_this<Upload> {
 public:
  Upload(std::shared_ptr<Stream> stream, std::shared_ptr<PendingReport> report, int64_t bytes)
      : stream_(std::move(stream)),
        report_(std::move(report)),
        rows_(backend_of(Device{}).allocate(bytes)) {}

  char* rows() const { return static_cast<char*>(rows_->data()); }
  /// Before the device can have reached the place: whither, and what waits there.
  void set_target(char* target, uint32_t* gate) {
    target_ = target;
    gate_ = gate;
  }

  /// One of the two has happened, or will not.
  void arrived(std::exception_ptr failure) {
    {
      std::lock_guard const lock(mutex_);
      if (failure_ == nullptr) failure_ = std::move(failure);
      if (--missing_ > 0) return;
    }
    if (failure_ != nullptr) return end(failure_);
    GpuDevice& gpu = static_cast<GpuStream&>(*stream_).gpu();
    auto const done = [self = shared_from_this()](std::exception_ptr f) { self->end(f); };
    gpu.bulk_copies().post({BulkCopy::Direction::kToDevice, target_, rows(), rows_->bytes(), done});
  }

 private:
  void end(std::exception_ptr failure) {
    report_->set_foreign(std::move(failure));
    GpuStream::open(gate_);
  }

  std::shared_ptr<Stream> stream_;
  std::shared_ptr<PendingReport> report_;
  std::shared_ptr<Storage> rows_;
  char* target_ = nullptr;
  uint32_t* gate_ = nullptr;
  std::mutex mutex_;
  int missing_ = 2;
  std::exception_ptr failure_;
};

}  // namespace

std::shared_ptr<Stream> cpu_stream() { return backend_of(Device{}).create_stream({}); }

std::shared_ptr<Stream> writer_of(TensorView const& view) {
  auto writer = view.storage->last_writer();
  return writer != nullptr && !writer->closed() ? writer : cpu_stream();
}

void read_in_pieces(GpuStream& stream, TensorView const& source, DType as, char* host,
                    Completion done) {
  int64_t const bytes = checked_multiply(source.elements(), size_of(as));
  stream.gpu().guarded([&] {
    DeviceJob job(stream, "read");
    job.reads(source);
    char* rows = source.bytes();
    if (as != source.dtype || !source.contiguous()) {
      void* const packed = job.scratch(bytes);
      launch_pack(job, source, packed, as);
      rows = static_cast<char*>(packed);
    }
    uint32_t* const gate = stream.make_gate();
    auto const end = [gate, done = std::move(done)](std::exception_ptr failure) {
      GpuStream::open(gate);
      done(std::move(failure));
    };
    auto self = std::static_pointer_cast<GpuStream>(stream.shared_from_this());
    auto const reached = [self, rows, host, bytes, end](std::exception_ptr failure) {
      if (failure != nullptr) return end(std::move(failure));
      self->gpu().bulk_copies().post({BulkCopy::Direction::kToHost, rows, host, bytes, end});
    };
    stream.gpu().completions().when_done(job.queue(), &stream, "read", reached);
    stream.hold_at(gate);
    job.finish();
  });
}

void copy_in_pieces(GpuDevice& gpu, Submission const& to, TensorView const& source,
                    TensorView const& target) {
  GpuStream& stream = stream_of(gpu, to.stream);
  int64_t const bytes = checked_multiply(target.elements(), size_of(target.dtype));
  auto const report = std::make_shared<PendingReport>(stream.queue(), "copy");
  auto const upload = std::make_shared<Upload>(stream.shared_from_this(), report, bytes);
  auto const arrived = [upload](std::exception_ptr failure) {
    upload->arrived(std::move(failure));
  };
  backend_of(Device{}).read(*writer_of(source), source, target.dtype, upload->rows(), arrived);
  report->set_position(0);  // unless it is queued, the device has nothing to say
  queue_job(gpu, to, "copy", FillArgs{target}, [&](DeviceJob& job, Outcome& outcome) {
    report->set_position(job.position());
    void* const rows = target.contiguous() ? target.bytes() : job.scratch(bytes);
    uint32_t* const gate = stream.make_gate();
    upload->set_target(static_cast<char*>(rows), gate);
    gpu.completions().when_done(job.queue(), nullptr, "copy", arrived);
    stream.hold_at(gate);
    if (!target.contiguous()) launch_unpack(job, rows, target.dtype, target);
    outcome.add(report);
    stream.note_report(report);
  });
}

}  // namespace fattn::gpu
