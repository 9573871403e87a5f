// Elementary functions on vectors, from polynomials fitted for this package (Remez by reweighted
// least squares on the relative error).
#pragma once

#include "backends/cpu/simd/simd.h"

namespace fattn::cpu {

/// 2^f on [-1/2, 1/2], exactly 1 at 0; relative error 9e-8 before rounding.
template <class Isa>
struct Exp2Polynomial {
  using F = typename Isa::F;
  [[gnu::always_inline]] static F apply(F f) {
    F p = Isa::fma(Isa::set1(0.001326472614891827f), f, Isa::set1(0.009671513922512531f));
    p = Isa::fma(p, f, Isa::set1(0.05550733581185341f));
    p = Isa::fma(p, f, Isa::set1(0.24022242426872253f));
    p = Isa::fma(p, f, Isa::set1(0.6931470036506653f));
    return Isa::fma(p, f, Isa::set1(1.0f));
  }
};

/// 2^x for x <= 0; 0 or subnormal below 2^-126, NaN for NaN.
template <class Isa>
[[gnu::always_inline]] inline typename Isa::F exp2_nonpositive(typename Isa::F x) {
  return Isa::template exp2_nonpositive<Exp2Polynomial<Isa>>(x);
}

/// tanh(x): error below two units in the last place.
template <class Isa>
[[gnu::always_inline]] inline typename Isa::F tanh(typename Isa::F x) {
  using F = typename Isa::F;
  using I = typename Isa::I;
  F magnitude = Isa::abs(x);
  // e = exp(-2|x|) never overflows; 1 - 2e / (1 + e) cancels near 0, where the odd series takes
  // over.
  F e = exp2_nonpositive<Isa>(magnitude * -2.8853900817779268f);
  F far = 1.0f - (e + e) / (1.0f + e);
  F square = x * x;
  F series = Isa::fma(Isa::set1(-0.005716988351196051f), square, Isa::set1(0.02065053954720497f));
  series = Isa::fma(series, square, Isa::set1(-0.05374348536133766f));
  series = Isa::fma(series, square, Isa::set1(0.13331490755081177f));
  series = Isa::fma(series, square, Isa::set1(-0.3333328366279602f));
  F near = Isa::fma(series * square, magnitude, magnitude);
  F result = Isa::select(magnitude < 0.625f, near, far);
  I sign = Isa::as_int(x) & INT32_MIN;
  return Isa::as_float(Isa::as_int(result) | sign);
}

}  // namespace fattn::cpu
