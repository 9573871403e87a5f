/** The two arithmetics of an oracle: exact, and that of a naive implementation in a storage format. */

import { round, roundOne, type FloatDType } from './round.js';

/** Where the naive implementation rounds. */
export interface Rounding {
  /** Inputs in the storage format. */
  inputs: FloatDType;
  /** The scores that weigh the values, after every step. */
  scores: FloatDType;
  /** The weights, that is the scores after the softmax. */
  weights: FloatDType;
  /** The scores that `lse` is made of: float32 by contract, whatever the storage. */
  lse: FloatDType;
  output: FloatDType;
}

export interface Arithmetic {
  input(values: ArrayLike<number>): Float64Array;
  /** Every exponential, quotient and sum that is not part of a product of vectors. */
  sum(x: number): number;
  /** `sum_c a[atA + c] b[atB + c]`, c below `n`. */
  dot(a: Float64Array, atA: number, b: Float64Array, atB: number, n: number): number;
  /** `row += factor * b[atB ...]`. */
  accumulate(row: Float64Array, factor: number, b: Float64Array, atB: number): void;
  score(x: number): number;
  lseScore(x: number): number;
  /** A score as the exponent of `power`. */
  exponent(x: number): number;
  power(exponent: number): number;
  weight(x: number): number;
  output(x: number): number;
  /** `ln(power(exponent) * l)`. */
  lse(exponent: number, l: number): number;
}

const same = <T>(x: T): T => x;
const { exp, fround, log, LN2, LOG2E } = Math; // globals are slow to reach inside Jest

export const exact: Arithmetic = {
  input: (values) => Float64Array.from(values),
  sum: same,
  dot(a, atA, b, atB, n) {
    let total = 0;
    for (let c = 0; c < n; ++c) total += a[atA + c]! * b[atB + c]!;
    return total;
  },
  accumulate(row, factor, b, atB) {
    for (let c = 0; c < row.length; ++c) row[c] = row[c]! + factor * b[atB + c]!;
  },
  score: same,
  lseScore: same,
  exponent: same,
  power: exp,
  weight: same,
  output: same,
  lse: (exponent, l) => exponent + log(l),
};

/**
 * Inputs, scores and output rounded as told; every step between them rounded to float32, sums taken one after the other,
 * exponentials in base 2, which attention-variants 0 leaves open and every fused kernel does.
 */
export function plain(roundTo: FloatDType | Rounding): Arithmetic {
  const at: Rounding =
    typeof roundTo === 'string'
      ? { inputs: roundTo, scores: roundTo, weights: 'float32', lse: 'float32', output: roundTo }
      : roundTo;
  const to = (dtype: FloatDType) => (dtype === 'float32' ? fround : (x: number) => roundOne(x, dtype));
  const score = to(at.scores);
  return {
    input: (values) => round(values, at.inputs),
    sum: fround,
    dot(a, atA, b, atB, n) {
      let total = 0;
      for (let c = 0; c < n; ++c) total = fround(total + fround(a[atA + c]! * b[atB + c]!));
      return total;
    },
    accumulate(row, factor, b, atB) {
      for (let c = 0; c < row.length; ++c) row[c] = fround(row[c]! + fround(factor * b[atB + c]!));
    },
    score,
    lseScore: at.lse === at.scores ? score : to(at.lse),
    exponent: (x) => fround(x * fround(LOG2E)),
    power: (exponent) => fround(2 ** exponent),
    weight: to(at.weights),
    output: to(at.output),
    lse: (exponent, l) => fround(fround(exponent * fround(LN2)) + fround(log(l))),
  };
}
