#include "backends/gpu/transfers.h"

#include <cstring>
#include <utility>

#include "backends/gpu/bulk_transfers.h"
#include "backends/gpu/elementwise.h"
#include "core/arrival.h"
#include "core/failure.h"
#include "core/ops/elementwise.h"

namespace fattn::gpu {
namespace {

// What the calling thread copies itself: index tensors and the like. It takes some 10 µs.
constexpr int64_t kAtOnceBytes = 64 << 10;
// Reads of more look after what pinned memory is kept.
constexpr int64_t kTrimmedBytes = 16 << 20;

/// Pinned memory on its way from the device to whoever reads it. Given back once the device has
/// passed its last use, whatever becomes of the reader.
class Parcel {
 public:
  Parcel(GpuStream& stream, int64_t bytes)
      : staging_(stream.gpu().staging()), queue_(stream.queue()), block_(staging_.take(bytes)) {}
  ~Parcel() { staging_.give_back_after(block_, std::move(queue_), position_); }
  Parcel(Parcel const&) = delete;
  Parcel& operator=(Parcel const&) = delete;

  void* data() const { return block_.data; }
  void set_position(int64_t position) { position_ = position; }

 private:
  Staging& staging_;
  std::shared_ptr<GpuQueue> queue_;
  StagingBlock block_;
  int64_t position_ = 0;
};

/// Queues what brings the elements of `source` to pinned memory; null where there are none.
std::shared_ptr<Parcel> queue_read(GpuStream& stream, TensorView const& source, DType as) {
  int64_t const bytes = checked_multiply(source.elements(), size_of(as));
  return stream.gpu().guarded([&] {
    DeviceJob job(stream, "read");
    job.reads(source);
    auto const parcel = bytes > 0 ? std::make_shared<Parcel>(stream, bytes) : nullptr;
    if (parcel) {
      parcel->set_position(job.position());
      void const* rows = source.bytes();
      if (as != source.dtype || !source.contiguous()) {
        void* const packed = job.scratch(bytes);
        launch_pack(job, source, packed, as);
        rows = packed;
      }
      job.runtime().copy_to_host(parcel->data(), rows, bytes, job.queue());
    }
    job.finish();
    return parcel;
  });
}

/// What is known of a tensor's contents at a place in the order of work; later work, which may
/// overwrite it, changes nothing about that.
struct Knowledge {
  std::exception_ptr failure;
  Lineage lineage;

  explicit Knowledge(TensorView const& view)
      : failure(view.failure()), lineage(gpu_storage(view).lineage(view.noted_part())) {}
  std::exception_ptr outcome() const { return failure != nullptr ? failure : failure_in(lineage); }
};

bool taken_at_once(TensorView const& source, DType as) {
  return source.dtype == as && source.contiguous() && source.storage->last_writer() == nullptr &&
         source.elements() * size_of(as) <= kAtOnceBytes;
}

/// Brings `source` to pinned memory: now, or when the CPU gets to it. Then the stream waits for it,
/// and the report says what became of it.
void fetch(GpuStream& stream, TensorView const& source, DType as,
           std::shared_ptr<Parcel> const& parcel, std::shared_ptr<PendingReport> const& report) {
  if (taken_at_once(source, as)) {
    auto const bytes = static_cast<size_t>(source.elements() * size_of(as));
    std::memcpy(parcel->data(), source.bytes(), bytes);
    return report->set_foreign(source.failure());
  }
  auto const arrival = std::make_shared<Arrival>();
  auto const fetched = [arrival, parcel, report](std::exception_ptr failure) {
    report->set_foreign(std::move(failure));
    arrival->reach();
  };
  backend_of(Device{}).read(*writer_of(source), source, as, parcel->data(), fetched);
  stream.wait(arrival);
}

}  // namespace

void read_tensor(GpuStream& stream, TensorView const& source, DType as, void* host,
                 Completion done) {
  auto self = std::static_pointer_cast<GpuStream>(stream.shared_from_this());
  auto const outcome = [self, known = Knowledge(source)](std::exception_ptr failure) {
    if (failure == nullptr) failure = self->collect_failure();
    return failure != nullptr ? failure : known.outcome();
  };
  int64_t const bytes = checked_multiply(source.elements(), size_of(as));
  if (bytes > BulkCopies::kLeastBytes) {
    auto const told = [outcome, done = std::move(done)](std::exception_ptr failure) {
      done(outcome(std::move(failure)));
    };
    return read_in_pieces(stream, source, as, static_cast<char*>(host), told);
  }
  auto parcel = queue_read(stream, source, as);
  auto told = [self, parcel = std::move(parcel), outcome, host, bytes,
               done = std::move(done)](std::exception_ptr failure) mutable {
    failure = outcome(std::move(failure));
    if (failure == nullptr && bytes > 0)
      std::memcpy(host, parcel->data(), static_cast<size_t>(bytes));
    GpuDevice& gpu = self->gpu();
    parcel.reset();
    done(std::move(failure));
    if (bytes > kTrimmedBytes) gpu.background().post([&gpu] { gpu.staging().trim(); });
  };
  stream.gpu().guarded([&] {
    stream.gpu().completions().when_done(stream.queue()->handle(), &stream, "read",
                                         std::move(told));
  });
}

void copy_from_cpu(GpuDevice& gpu, Submission const& to, TensorView const& source,
                   TensorView const& target) {
  GpuStream& stream = stream_of(gpu, to.stream);
  stream.require_open();
  int64_t const bytes = checked_multiply(target.elements(), size_of(target.dtype));
  if (bytes > BulkCopies::kLeastBytes) return copy_in_pieces(gpu, to, source, target);
  FillArgs const written{target};
  if (bytes == 0) return queue_job(gpu, to, "copy", written, [](DeviceJob&, Outcome&) {});
  auto const parcel = std::make_shared<Parcel>(stream, bytes);
  auto const report = std::make_shared<PendingReport>(stream.queue(), "copy");
  fetch(stream, source, target.dtype, parcel, report);
  report->set_position(0);  // unless it is queued, the device has nothing to say
  queue_job(gpu, to, "copy", written, [&](DeviceJob& job, Outcome& outcome) {
    report->set_position(job.position());
    parcel->set_position(job.position());
    if (target.contiguous()) {
      job.runtime().copy_to_device(target.bytes(), parcel->data(), bytes, job.queue());
    } else {
      void* const rows = job.scratch(bytes);
      job.runtime().copy_to_device(rows, parcel->data(), bytes, job.queue());
      launch_unpack(job, rows, target.dtype, target);
    }
    outcome.add(report);
    stream.note_report(report);
  });
}

void copy_to_cpu(GpuDevice& gpu, Submission const& to, TensorView const& source,
                 TensorView const& target) {
  GpuStream& stream = stream_of(gpu, to.stream);
  stream.require_open();
  Backend& cpu = backend_of(Device{});
  TensorView rows = target;
  rows.offset = 0;
  rows.strides = contiguous_strides(rows.sizes);
  rows.storage = cpu.allocate(checked_multiply(rows.elements(), size_of(rows.dtype)));
  static char nothing;
  void* const host = rows.elements() > 0 ? rows.storage->data() : &nothing;

  auto const arrival = std::make_shared<Arrival>();
  auto const arrived = [arrival, rows](std::exception_ptr failure) {
    rows.set_outcome(std::move(failure));
    arrival->reach();
  };
  read_tensor(stream, source, target.dtype, host, arrived);
  auto const last = cpu_stream();
  last->wait(arrival);
  cpu.copy(Submission(*last, to.abort), rows, target);
}

}  // namespace fattn::gpu
