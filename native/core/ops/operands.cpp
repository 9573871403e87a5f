#include "core/ops/operands.h"

#include "core/error.h"

namespace fattn {

void Operands::expect_inside(std::string_view name, TensorView const& view) const {
  check_bounds(name, view);
  // Compared before formatting: naming a device allocates.
  if (view.device() == device_) return;
  throw Error(ErrorCode::kDevice, std::string(name) + " lies on " + name_of(view.device()) +
                                      ", expected " + name_of(device_));
}

void Operands::expect(std::string_view name, TensorView const& view, DType dtype,
                      Extents const& sizes) const {
  expect_inside(name, view);
  check(view.dtype == dtype, ErrorCode::kDType, name, " is ", name_of(view.dtype), ", expected ",
        name_of(dtype));
  check(view.sizes == sizes, ErrorCode::kShape, name, " is ", view.sizes, ", expected ", sizes);
}

void Operands::expect_optional(std::string_view name, TensorView const& view, DType dtype,
                               Extents const& sizes) const {
  if (view.defined()) expect(name, view, dtype, sizes);
}

void Operands::expect_broadcast(std::string_view name, TensorView& view, DType dtype,
                                Extents const& sizes) const {
  if (!view.defined()) return;
  expect_inside(name, view);
  check(view.dtype == dtype, ErrorCode::kDType, name, " is ", name_of(view.dtype), ", expected ",
        name_of(dtype));
  view = broadcast(name, view, sizes);
}

void check_last_axis(std::string_view name, TensorView const& view) {
  int const last = view.rank() - 1;
  check(view.strides[last] == 1 || view.sizes[last] == 1 || view.elements() == 0,
        ErrorCode::kLayout, name, " needs stride 1 on its last axis, got strides ", view.strides);
}

void check_apart(std::string_view written_name, TensorView const& written,
                 std::string_view read_name, TensorView const& read) {
  check(!written.defined() || written.storage != read.storage, ErrorCode::kOption, written_name,
        " shares its storage with ", read_name, ", which the call reads");
}

void check_in_place_or_disjoint(std::string_view written_name, TensorView const& written,
                                std::string_view read_name, TensorView const& read) {
  bool const same = written.storage == read.storage && written.offset == read.offset &&
                    written.dtype == read.dtype && written.sizes == read.sizes &&
                    written.strides == read.strides;
  check(same || !spans_overlap(written, read), ErrorCode::kOption, written_name, " overlaps ",
        read_name, " without being the same view");
}

}  // namespace fattn
