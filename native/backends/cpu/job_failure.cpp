#include "backends/cpu/job_failure.h"

namespace fattn::cpu {

std::exception_ptr inherited_failure(Job const& job) {
  std::exception_ptr first;
  auto look = [&](TensorView const& view) {
    if (first == nullptr) first = view.failure();
  };
  job.each_input(look);
  return first;
}

void mark_outputs(Job const& job, std::exception_ptr const& failure) {
  auto mark = [&](TensorView const& view) { view.set_outcome(failure); };
  job.each_output(mark);
}

}  // namespace fattn::cpu
