// simt/fragments.h on CUDA.
#pragma once

#include <type_traits>

#include "simt/cuda/architecture.h"
#include "simt/fragments.h"

namespace fattn::simt {

FATTN_DEVICE Fragment load_matrix_x4(Shared<Quad> row) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(f.word[0]), "=r"(f.word[1]), "=r"(f.word[2]), "=r"(f.word[3])
               : "r"(row.address)
               : "memory");
  return f;
}

FATTN_DEVICE Fragment load_matrix_x4_transposed(Shared<Quad> row) {
  Fragment f;
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(f.word[0]), "=r"(f.word[1]), "=r"(f.word[2]), "=r"(f.word[3])
               : "r"(row.address)
               : "memory");
  return f;
}

FATTN_DEVICE void store_matrix_x4(Shared<Quad> row, Fragment const& matrices) {
  if constexpr (kHasSm90)
    asm volatile(
        "stmatrix.sync.aligned.m8n8.x4.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(row.address),
        "r"(matrices.word[0]), "r"(matrices.word[1]), "r"(matrices.word[2]), "r"(matrices.word[3])
        : "memory");
  else
    __trap();
}

FATTN_DEVICE void store_matrix_x4_transposed(Shared<Quad> row, Fragment const& matrices) {
  if constexpr (kHasSm90)
    asm volatile(
        "stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(row.address),
        "r"(matrices.word[0]), "r"(matrices.word[1]), "r"(matrices.word[2]), "r"(matrices.word[3])
        : "memory");
  else
    __trap();
}

template <class Element>
FATTN_DEVICE void multiply_m16n8k16(float (&d)[4], Fragment const& a, uint32_t b0, uint32_t b1) {
  static_assert(std::is_same_v<Element, F16> || std::is_same_v<Element, BF16>);
  if constexpr (std::is_same_v<Element, F16>)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]), "r"(a.word[3]), "r"(b0), "r"(b1));
  else
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]), "r"(a.word[3]), "r"(b0), "r"(b1));
}

FATTN_DEVICE void multiply_m16n8k8_tf32(float (&d)[4], Fragment const& a, uint32_t b0,
                                        uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]), "r"(a.word[3]), "r"(b0), "r"(b1));
}

// The instruction takes the upper half first.
template <class Element>
FATTN_DEVICE uint32_t pack(float low, float high) {
  static_assert(std::is_same_v<Element, F16> || std::is_same_v<Element, BF16>);
  uint32_t both;
  if constexpr (std::is_same_v<Element, F16>)
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  else
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(both) : "f"(high), "f"(low));
  return both;
}

FATTN_DEVICE uint32_t to_tf32(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

}  // namespace fattn::simt
