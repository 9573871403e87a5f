#pragma once

#include <string_view>

#include "core/tensor_view.h"

namespace fattn {

/// What every operation asks of a tensor before its pointer is used.
class Operands {
 public:
  explicit Operands(Device device) : device_(device) {}

  /// `view` lies on the device, inside its storage, and has this dtype and these sizes.
  void expect(std::string_view name, TensorView const& view, DType dtype,
              Extents const& sizes) const;

  /// The same for a tensor that may be absent.
  void expect_optional(std::string_view name, TensorView const& view, DType dtype,
                       Extents const& sizes) const;

  /// The same up to broadcasting; replaces `view` by its broadcast. Absent is fine.
  void expect_broadcast(std::string_view name, TensorView& view, DType dtype,
                        Extents const& sizes) const;

  /// On the device and inside its storage.
  void expect_inside(std::string_view name, TensorView const& view) const;

 private:
  Device device_;
};

/// Throws ERR_LAYOUT unless the elements of the last axis lie side by side.
void check_last_axis(std::string_view name, TensorView const& view);

/// Throws ERR_OPTION where `written` and `read` share a storage. Absent ones share nothing.
void check_apart(std::string_view written_name, TensorView const& written,
                 std::string_view read_name, TensorView const& read);

/// Throws ERR_OPTION where `written` overlaps `read` without being the same view of it.
void check_in_place_or_disjoint(std::string_view written_name, TensorView const& written,
                                std::string_view read_name, TensorView const& read);

}  // namespace fattn
