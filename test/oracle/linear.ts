/** The matrix product of a layer: `out[r][n] = sum_c x[r][c] w[n][c] + bias[n]`. */

import { exact, plain, type Rounding } from './arithmetic.js';
import type { FloatDType } from './round.js';

export interface LinearShape {
  rows: number;
  in: number;
  out: number;
}

export interface LinearValues {
  /** [rows, in]. */
  x: ArrayLike<number>;
  /** [out, in]. */
  w: ArrayLike<number>;
  /** [out]. */
  bias?: ArrayLike<number>;
}

/** [rows, out]. Given where a naive implementation rounds, what it computes. */
export function linearOracle(values: LinearValues, shape: LinearShape, roundTo?: FloatDType | Rounding): Float64Array {
  const { input, dot, sum, output } = roundTo === undefined ? exact : plain(roundTo);
  const [x, w] = [input(values.x), input(values.w)];
  const out = new Float64Array(shape.rows * shape.out);
  for (let r = 0; r < shape.rows; ++r)
    for (let n = 0; n < shape.out; ++n) {
      const product = dot(x, r * shape.in, w, n * shape.in, shape.in);
      out[r * shape.out + n] = output(values.bias ? sum(product + values.bias[n]!) : product);
    }
  return out;
}
