// The last lane to come does the work of the warp, in fragments.cpp. Products are exact; sums are
// taken in f32 from the lowest k upwards, rounding each time. The hardware adds in another order
// and truncates: nothing that depends on the last bits of a sum can be right on both.
#pragma once

#include <type_traits>

#include "simt/fragments.h"
#include "simt/host/meeting.h"
#include "simt/host/numeric.h"

namespace fattn::simt {

namespace host {

inline constexpr Primitive kLoadMatrix{"load_matrix_x4"},
    kLoadMatrixTransposed{"load_matrix_x4_transposed"}, kStoreMatrix{"store_matrix_x4"},
    kStoreMatrixTransposed{"store_matrix_x4_transposed"}, kMultiplyF16{"multiply_m16n8k16<F16>"},
    kMultiplyBF16{"multiply_m16n8k16<BF16>"}, kMultiplyTf32{"multiply_m16n8k8_tf32"};

/// What a lane brings to a move or a product.
struct MatrixRow {
  uint32_t address;
  Fragment const* stored;  // null for loads
};
struct Factors {
  Fragment a;
  uint32_t b0, b1;
};
using Accumulator = float[4];

// The work of a warp, on what its 32 lanes brought.
void load_matrices(MatrixRow const* const* rows, Fragment* const* taken, bool transposed);
void store_matrices(MatrixRow const* const* rows, bool transposed);
void multiply_f16(Factors const* const* factors, Accumulator* const* sums);
void multiply_bf16(Factors const* const* factors, Accumulator* const* sums);
void multiply_tf32(Factors const* const* factors, Accumulator* const* sums);

inline Fragment loaded_matrix(Primitive const& primitive, uint32_t address, bool transposed) {
  MatrixRow const row{address, nullptr};
  Fragment taken;
  warp_meeting().meet(primitive, 0, &row, &taken, [transposed](auto rows, auto fragments) {
    load_matrices(rows, fragments, transposed);
  });
  return taken;
}

inline void store_matrix(Primitive const& primitive, uint32_t address, Fragment const& matrices,
                         bool transposed) {
  MatrixRow row{address, &matrices};
  warp_meeting().meet(primitive, 0, &row, &row,
                      [transposed](auto rows, auto) { store_matrices(rows, transposed); });
}

}  // namespace host

inline Fragment load_matrix_x4(Shared<Quad> row) {
  return host::loaded_matrix(host::kLoadMatrix, row.address, false);
}
inline Fragment load_matrix_x4_transposed(Shared<Quad> row) {
  return host::loaded_matrix(host::kLoadMatrixTransposed, row.address, true);
}
inline void store_matrix_x4(Shared<Quad> row, Fragment const& matrices) {
  host::store_matrix(host::kStoreMatrix, row.address, matrices, false);
}
inline void store_matrix_x4_transposed(Shared<Quad> row, Fragment const& matrices) {
  host::store_matrix(host::kStoreMatrixTransposed, row.address, matrices, true);
}

template <class Element>
inline void multiply_m16n8k16(float (&d)[4], Fragment const& a, uint32_t b0, uint32_t b1) {
  static_assert(std::is_same_v<Element, F16> || std::is_same_v<Element, BF16>);
  constexpr bool kHalf = std::is_same_v<Element, F16>;
  host::Factors const factors{a, b0, b1};
  host::warp_meeting().meet(kHalf ? host::kMultiplyF16 : host::kMultiplyBF16, 0, &factors, &d,
                            kHalf ? host::multiply_f16 : host::multiply_bf16);
}

inline void multiply_m16n8k8_tf32(float (&d)[4], Fragment const& a, uint32_t b0, uint32_t b1) {
  host::Factors const factors{a, b0, b1};
  host::warp_meeting().meet(host::kMultiplyTf32, 0, &factors, &d, host::multiply_tf32);
}

template <class Element>
inline uint32_t pack(float low, float high) {
  return uint32_t{round_to<Element>(high).bits} << 16 | round_to<Element>(low).bits;
}

inline uint32_t to_tf32(float value) {
  uint32_t const bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) >= 0x7f800000u) return (bits & 0x7fffffu) ? 0x7fffffffu : bits;
  return (bits + 0x1000u) & 0xffffe000u;
}

}  // namespace fattn::simt
