// The vector vocabulary of the CPU kernels, on the compiler's vector extensions: what every
// instruction set has in common. `Isa` tags every instantiation, so that nothing compiled for one
// instruction set can be linked into another. What the extensions lack (fma, max, f16 conversion,
// …) lies in avx512.h and kin.
#pragma once

#include <cstdint>
#include <utility>

#include "simt/annotations.h"

namespace fattn::cpu {

/// Vector types of 4, 8 and 16 lanes. The unaligned ones are for memory only.
template <int kLanes>
struct VectorTypes;
template <>
struct VectorTypes<4> {
  typedef float F __attribute__((vector_size(16)));
  typedef int32_t I __attribute__((vector_size(16)));
  typedef uint32_t U __attribute__((vector_size(16)));
  typedef float UnalignedF __attribute__((vector_size(16), aligned(4), may_alias));
  typedef int32_t UnalignedI __attribute__((vector_size(16), aligned(4), may_alias));
  typedef uint16_t H __attribute__((vector_size(8), aligned(2), may_alias));
};
template <>
struct VectorTypes<8> {
  typedef float F __attribute__((vector_size(32)));
  typedef int32_t I __attribute__((vector_size(32)));
  typedef uint32_t U __attribute__((vector_size(32)));
  typedef float UnalignedF __attribute__((vector_size(32), aligned(4), may_alias));
  typedef int32_t UnalignedI __attribute__((vector_size(32), aligned(4), may_alias));
  typedef uint16_t H __attribute__((vector_size(16), aligned(2), may_alias));
};
template <>
struct VectorTypes<16> {
  typedef float F __attribute__((vector_size(64)));
  typedef int32_t I __attribute__((vector_size(64)));
  typedef uint32_t U __attribute__((vector_size(64)));
  typedef float UnalignedF __attribute__((vector_size(64), aligned(4), may_alias));
  typedef int32_t UnalignedI __attribute__((vector_size(64), aligned(4), may_alias));
  typedef uint16_t H __attribute__((vector_size(32), aligned(2), may_alias));
};

template <class Isa, int kLanes_>
struct Simd : VectorTypes<kLanes_> {
  static constexpr int kLanes = kLanes_;
  using typename VectorTypes<kLanes_>::F;
  using typename VectorTypes<kLanes_>::I;
  using typename VectorTypes<kLanes_>::U;
  using typename VectorTypes<kLanes_>::H;
  using typename VectorTypes<kLanes_>::UnalignedF;
  using typename VectorTypes<kLanes_>::UnalignedI;

  [[gnu::always_inline]] static F load(float const* p) { return *(UnalignedF const*)p; }
  [[gnu::always_inline]] static I load(int32_t const* p) { return *(UnalignedI const*)p; }
  [[gnu::always_inline]] static void store(float* p, F x) { *(UnalignedF*)p = x; }
  [[gnu::always_inline]] static void store(int32_t* p, I x) { *(UnalignedI*)p = x; }
  [[gnu::always_inline]] static F set1(float x) { return x - F{}; }
  [[gnu::always_inline]] static I set1(int32_t x) { return x - I{}; }
  [[gnu::always_inline]] static F zero() { return F{}; }
  /// 0, 1, 2, …
  [[gnu::always_inline]] static I iota() { return iota_of(Lanes{}); }
  /// Lanes of `a` where the mask is all ones, of `b` where it is zero.
  [[gnu::always_inline]] static F select(I mask, F a, F b) { return mask ? a : b; }
  [[gnu::always_inline]] static F as_float(I x) { return (F)x; }
  [[gnu::always_inline]] static I as_int(F x) { return (I)x; }
  [[gnu::always_inline]] static F abs(F x) { return as_float(as_int(x) & 0x7fffffff); }

  /// bfloat16 is the upper half of a float.
  [[gnu::always_inline]] static F widen_bf16(uint16_t const* p) {
    return as_float((I)(__builtin_convertvector(*(H const*)p, U) << 16));
  }
  /// Bits of the bfloat16 nearest to each lane, ties to even; NaN stays NaN.
  [[gnu::always_inline]] static U bf16_bits(F x) {
    U bits = (U)x;
    U rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    U quiet = (bits >> 16) | 0x40;
    return (x == x) ? rounded : quiet;
  }
  [[gnu::always_inline]] static void store_bf16(uint16_t* p, F x) {
    *(H*)p = __builtin_convertvector(bf16_bits(x), H);
  }

  /// One vector whose lane i is the reduction of rows[i], by `Combine::apply(a, b)`. Destroys rows.
  template <class Combine>
  [[gnu::always_inline]] static F reduce_rows(F* rows) {
    reduce_step<Combine, kLanes / 2>(rows);
    return rows[0];
  }

  /// All lanes reduced to one value, in the order of a tree.
  template <class Combine>
  [[gnu::always_inline]] static float reduce(F x) {
    return reduce_lanes<Combine, kLanes / 2>(x)[0];
  }

  /// rows becomes its transpose.
  [[gnu::always_inline]] static void transpose(F* rows) { transpose_step<1>(rows); }

 private:
  using Lanes = std::make_integer_sequence<int, kLanes_>;

  template <int... i>
  [[gnu::always_inline]] static I iota_of(std::integer_sequence<int, i...>) {
    return I{i...};
  }
  /// Lane i of the first where bit kBit of i is clear, else lane i - kBit of the second: the even
  /// half of a pair.
  template <int kBit, int... i>
  [[gnu::always_inline]] static F even_half(F a, F b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, ((i & kBit) ? i - kBit + kLanes_ : i)...);
  }
  /// Lane i + kBit of the first where bit kBit of i is clear, else lane i of the second.
  template <int kBit, int... i>
  [[gnu::always_inline]] static F odd_half(F a, F b, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(a, b, ((i & kBit) ? i + kLanes_ : i + kBit)...);
  }

  template <int kBit, int... i>
  [[gnu::always_inline]] static F swap_halves(F x, std::integer_sequence<int, i...>) {
    return __builtin_shufflevector(x, x, (i ^ kBit)...);
  }
  template <class Combine, int kHalf>
  [[gnu::always_inline]] static F reduce_lanes(F x) {
    if constexpr (kHalf >= 1) {
      return reduce_lanes<Combine, kHalf / 2>(Combine::apply(x, swap_halves<kHalf>(x, Lanes{})));
    } else {
      return x;
    }
  }

  /// Halves the number of vectors: lanes with bit kHalf clear come from the first of a pair.
  template <class Combine, int kHalf>
  [[gnu::always_inline]] static void reduce_step(F* rows) {
    if constexpr (kHalf >= 1) {
      FATTN_UNROLL for (int i = 0; i < kHalf; ++i) {
        F const a = rows[i], b = rows[i + kHalf];
        rows[i] = Combine::apply(even_half<kHalf>(a, b, Lanes{}), odd_half<kHalf>(a, b, Lanes{}));
      }
      reduce_step<Combine, kHalf / 2>(rows);
    }
  }

  /// Swaps the off-diagonal blocks of size kBlock in every 2 kBlock square.
  template <int kBlock>
  [[gnu::always_inline]] static void transpose_step(F* rows) {
    if constexpr (kBlock < kLanes_) {
      FATTN_UNROLL for (int i = 0; i < kLanes_; ++i) {
        if (i & kBlock) continue;
        F const a = rows[i], b = rows[i + kBlock];
        rows[i] = even_half<kBlock>(a, b, Lanes{});
        rows[i + kBlock] = odd_half<kBlock>(a, b, Lanes{});
      }
      transpose_step<kBlock * 2>(rows);
    }
  }
};

}  // namespace fattn::cpu
