/** Root-mean-square norm: `out[r][c] = x[r][c] / sqrt(mean_c(x[r][c]^2) + epsilon) * weight[c]`. */

import { exact, plain } from './arithmetic.js';
import type { FloatDType } from './round.js';

/** `x` [rows, n]. Given a storage format, what a naive implementation computes that rounds every step to float32. */
export function rmsNormOracle(
  x: ArrayLike<number>,
  n: number,
  { weight, epsilon = 1e-6, roundTo }: { weight?: ArrayLike<number>; epsilon?: number; roundTo?: FloatDType } = {},
): Float64Array {
  const { input, dot, sum, output } = roundTo === undefined ? exact : plain(roundTo);
  const rows = input(x);
  const out = new Float64Array(rows.length);
  for (let at = 0; at < rows.length; at += n) {
    const root = sum(Math.sqrt(sum(sum(dot(rows, at, rows, at, n) / n) + sum(epsilon))));
    for (let c = 0; c < n; ++c) out[at + c] = output(sum(sum(rows[at + c]! / root) * (weight?.[c] ?? 1)));
  }
  return out;
}
