#include "backends/cpu/job_failure.h"

namespace fattn::cpu {
namespace {

bool fills_its_storage(TensorView const& view) {
  return view.elements() * size_of(view.dtype) == view.storage->bytes();
}

}  // namespace

std::exception_ptr inherited_failure(Job const& job) {
  std::exception_ptr first;
  auto look = [&](TensorView const& view) {
    if (first == nullptr) first = view.storage->failure();
  };
  job.each_input(look);
  return first;
}

void mark_outputs(Job const& job, std::exception_ptr const& failure) {
  auto mark = [&](TensorView const& view) {
    if (failure != nullptr || fills_its_storage(view)) view.storage->set_failure(failure);
  };
  job.each_output(mark);
}

}  // namespace fattn::cpu
