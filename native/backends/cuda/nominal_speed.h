#pragma once

namespace fattn::cuda {

/// What a multiprocessor does in a clock, multiply-add = 2 (CUDA C++ Programming Guide, "Arithmetic
/// Instructions"; architecture white papers).
struct NominalSpeed {
  int f32_flops;
  int half_flops;  // on tensor cores, accumulated in f32, dense
};

/// `capability`: 90 is 9.0. Of one that is not listed, what its predecessor does.
constexpr NominalSpeed nominal_speed(int capability) {
  if (capability >= 120) return {256, 1024};
  if (capability >= 100) return {256, 8192};
  if (capability >= 90) return {256, 4096};
  if (capability >= 89) return {256, 1024};
  if (capability >= 86) return {256, 512};
  return {128, 2048};
}

}  // namespace fattn::cuda
