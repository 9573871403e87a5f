#include "backends/gpu/kernel_row.h"

#include "core/error.h"

namespace fattn::gpu {

std::string listed(std::string_view op) {
  std::string names;
  for (KernelRow const& row : kernel_rows())
    if (row.op == op) names.append(names.empty() ? "" : ", ").append(row.name);
  return names;
}

KernelRow const& kernel_row(std::string_view op, DType dtype) {
  for (KernelRow const& row : kernel_rows())
    if (row.op == op && row.dtype.value_or(dtype) == dtype) return row;
  throw Error(ErrorCode::kUnsupported, std::string(op) + " of " + std::string(name_of(dtype)) +
                                           " has no kernel; there are: " + listed(op));
}

}  // namespace fattn::gpu
