#include "backends/gpu/elementwise.h"

#include "backends/gpu/kernel_row.h"
#include "backends/gpu/strided_axes.h"
#include "core/ops/elementwise.h"
#include "kernels/elementwise/copy.h"
#include "kernels/elementwise/fill.h"
#include "kernels/elementwise/random.h"

namespace fattn::gpu {
namespace {

constexpr int64_t kMostBlocks = INT32_MAX;

void launch_copy(DeviceJob& job, StridedAxes const& axes, void const* source, DType from,
                 void* target, DType to) {
  CopyParams params{axes, source, target, element_type(from), element_type(to)};
  Grid const grid = grid_for("copy", axes.elements, Copy::kBlockElements);
  job.launch(kernel_row("copy").instance().kernel, grid, params);
}

/// A view of row-major elements that no storage knows.
TensorView rows_like(TensorView const& view) {
  TensorView rows;
  rows.sizes = view.sizes;
  rows.strides = contiguous_strides(view.sizes);
  return rows;
}

}  // namespace

Grid grid_for(char const* operation, int64_t items, int64_t per_block) {
  int64_t const blocks = (items + per_block - 1) / per_block;
  check(blocks <= kMostBlocks, ErrorCode::kUnsupported, operation, ": ", items,
        " elements or rows are more than one launch takes");
  return {static_cast<uint32_t>(blocks)};
}

void launch_fill(DeviceJob& job, TensorView const& target, double value) {
  if (target.elements() == 0) return;
  FillParams const params{strided_axes(target), target.bytes(),
                          static_cast<int32_t>(size_of(target.dtype)),
                          fill_pattern(target.dtype, value)};
  job.launch(kernel_row("fill").instance().kernel,
             grid_for("fill", params.axes.elements, Fill::kBlockElements), params);
}

void launch_randn(DeviceJob& job, TensorView const& target, uint64_t seed) {
  if (target.elements() == 0) return;
  RandomParams const params{strided_axes(target), target.bytes(), element_type(target.dtype), seed};
  job.launch(kernel_row("randn").instance().kernel,
             grid_for("randn", params.axes.elements, Random::kBlockElements), params);
}

void launch_copy(DeviceJob& job, TensorView const& source, TensorView const& target) {
  if (target.elements() == 0) return;
  if (source.dtype == target.dtype && source.contiguous() && target.contiguous())
    return job.runtime().copy_on_device(target.bytes(), source.bytes(),
                                        target.elements() * size_of(target.dtype), job.queue());
  launch_copy(job, strided_axes(target, &source), source.bytes(), source.dtype, target.bytes(),
              target.dtype);
}

void launch_unpack(DeviceJob& job, void const* rows, DType from, TensorView const& target) {
  TensorView const source = rows_like(target);
  launch_copy(job, strided_axes(target, &source), rows, from, target.bytes(), target.dtype);
}

void launch_pack(DeviceJob& job, TensorView const& source, void* rows, DType to) {
  launch_copy(job, strided_axes(rows_like(source), &source), source.bytes(), source.dtype, rows,
              to);
}

}  // namespace fattn::gpu
