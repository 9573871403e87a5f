// The table of the kernels that are compiled in. It is written from native/instances.json and is
// all there is to know about what a GPU serves.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/dtype.h"
#include "simt/kernel.h"

namespace fattn::gpu {

/// A kernel as its compiler made it.
struct KernelInstance {
  simt::CompiledKernel kernel;
  int tile_rows = 0;  // attention: query rows per block; linear: rows
  int tile_keys = 0;  // attention: keys per step; linear: columns per block
};

struct KernelRow {
  char const* name;            // 'attention_simple_bf16'
  std::string_view op;         // 'attention', 'combine', 'prepare', 'fill', …
  std::string_view path;       // 'simple', 'mma16'; empty where there is only one
  std::optional<DType> dtype;  // absent: any
  int head_dim;                // the largest, of q, k and v; 0: any
  bool plain_only;             // serves calls whose scores are scale * q.k and nothing more
  int least_sm;                // compute capability, times ten
  KernelInstance (*instance)();
};

/// All rows; where several serve a call the first is the best.
std::span<KernelRow const> kernel_rows();

/// The row of an operation with one row per dtype, or one in all. Throws ERR_UNSUPPORTED with the
/// rows that there are.
KernelRow const& kernel_row(std::string_view op, DType dtype = DType::f32);

/// The rows of an operation, to be printed: 'attention_mma16_f16_d64, attention_simple_f16'.
std::string listed(std::string_view op);

}  // namespace fattn::gpu
