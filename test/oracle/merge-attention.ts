/**
 * Merging of partial states over disjoint key sets: attention-variants 1.4, with weights of the caller (K6 of
 * seed-systems) and a sink as one more part whose output is zero.
 */

import { exact, plain } from './arithmetic.js';
import { reader, type Grid } from './grid.js';
import type { FloatDType } from './round.js';

export interface PartialState {
  /** [b, s, h, d]. */
  out: ArrayLike<number>;
  /** [b, h, s], natural log. */
  lse?: ArrayLike<number>;
  /** Replaces lse in the merge; broadcast to its shape. */
  weight?: Grid;
}

export interface MergeShape {
  b: number;
  s: number;
  h: number;
  d: number;
}

export interface MergeOptions {
  /** [h]. */
  sinks?: readonly number[];
  /** Broadcast to the shape of lse. */
  gate?: Grid;
  roundTo?: FloatDType;
}

export function mergeOracle(parts: readonly PartialState[], shape: MergeShape, options: MergeOptions = {}) {
  const { b, s, h, d } = shape;
  const arithmetic = options.roundTo === undefined ? exact : plain(options.roundTo);
  const { sum, exponent, power, output } = arithmetic;
  const gate = options.gate && reader(options.gate);
  const weights = parts.map((part) => reader(part.weight ?? { data: part.lse!, shape: [b, h, s] }));
  const out = new Float64Array(b * s * h * d);
  const lse = new Float64Array(b * h * s);

  for (let n = 0; n < b; ++n)
    for (let o = 0; o < h; ++o)
      for (let i = 0; i < s; ++i) {
        // Some kernels write +inf for a part without keys.
        const logs = weights.map((at) => at(0, n, o, i)).map((w) => (w === Infinity ? -Infinity : w));
        const exponents = logs.map(exponent);
        const sink = exponent(options.sinks?.[o] ?? -Infinity);
        const m = Math.max(sink, ...exponents);
        const w = exponents.map((x) => (m === -Infinity ? 0 : power(sum(x - m))));
        let total = m === -Infinity ? 0 : power(sum(sink - m));
        for (const x of w) total = sum(total + x);

        const at = ((n * s + i) * h + o) * d;
        for (let c = 0; c < d; ++c) {
          let value = 0;
          parts.forEach((part, p) => {
            if (w[p] !== 0) value = sum(value + sum(w[p]! * part.out[at + c]!));
          });
          if (total !== 0) value = sum(value / total);
          out[at + c] = output(gate ? gate(0, n, o, i) * value : value);
        }
        lse[(n * h + o) * s + i] = m === -Infinity ? -Infinity : arithmetic.lse(m, total);
      }
  return { out, lse };
}
