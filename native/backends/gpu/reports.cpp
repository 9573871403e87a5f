#include "backends/gpu/reports.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "backends/gpu/gpu_device.h"
#include "backends/gpu/index_text.h"
#include "core/failure.h"

namespace fattn::gpu {

PendingReport::PendingReport(std::shared_ptr<GpuQueue> queue, char const* operation)
    : queue_(std::move(queue)), operation_(operation), words_(queue_->device().words().take()) {}

PendingReport::~PendingReport() {
  // Where the job is still to come it may write here: the words are not used again.
  if (passed()) queue_->device().words().give_back(words_);
}

void PendingReport::set_foreign(std::exception_ptr failure) {
  std::lock_guard const lock(mutex_);
  foreign_ = std::move(failure);
}

std::exception_ptr PendingReport::failure() const {
  if (!passed()) return nullptr;
  {
    std::lock_guard const lock(mutex_);
    if (foreign_ != nullptr) return foreign_;
  }
  IndexReport const report = read_report(words_);
  if (report.failed == 0) return nullptr;
  return named_failure(operation_, ErrorCode::kIndex, text_of(report));
}

namespace {

bool well(std::shared_ptr<PendingReport> const& report) {
  return report->passed() && report->failure() == nullptr;
}

}  // namespace

bool all_well(Lineage const& lineage) {
  return lineage == nullptr || std::all_of(lineage->begin(), lineage->end(), well);
}

Lineage joined(Lineage const& a, Lineage const& b) {
  if (a == nullptr || a == b) return b;
  if (b == nullptr) return a;
  auto all = std::make_shared<std::vector<std::shared_ptr<PendingReport>>>();
  for (Lineage const* each : {&a, &b})
    for (auto const& report : **each) {
      bool const known = std::find(all->begin(), all->end(), report) != all->end();
      if (!well(report) && !known) all->push_back(report);
    }
  return all;
}

Lineage joined(Lineage const& a, std::shared_ptr<PendingReport> const& report) {
  return joined(a, std::make_shared<std::vector<std::shared_ptr<PendingReport>> const>(1, report));
}

std::exception_ptr failure_in(Lineage const& lineage) {
  if (lineage == nullptr) return nullptr;
  for (auto const& report : *lineage)
    if (auto failure = report->failure()) return failure;
  return nullptr;
}

}  // namespace fattn::gpu
