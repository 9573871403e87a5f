/** Layers of dynamic-mask attention with random weights whose scores lie apart, so that rounding changes no choice. */

import { Tensor, type DmaWeights } from '../../lib/index.js';
import type { DmaLayerShape, DmaLayerWeights } from '../oracle/dynamic-mask-layer.js';
import { round, type FloatDType } from '../oracle/round.js';
import { normal, Random } from './random.js';

export interface DmaLayerCase {
  weights: DmaLayerWeights;
  /** [b, s, E] */
  x: Float64Array;
}

export interface DmaLayerForm {
  norms?: boolean;
  biases?: boolean;
}

/** The element of a token that its scores follow: steps of 1/8, in random order. */
function steps(count: number, random: Random): number[] {
  const values = Array.from({ length: count }, (_, n) => (n - count / 2) / 8);
  for (let n = count - 1; n > 0; --n) {
    const other = random.integer(0, n);
    [values[n], values[other]] = [values[other]!, values[n]!];
  }
  return values;
}

/**
 * Projections of unit variance at their output. The first value of the first head is element 0 of the token, exactly, and
 * scores follow it, up or down by score head, with a little of all the other values.
 */
export function dmaLayerCase(
  shape: DmaLayerShape,
  dtype: FloatDType,
  { norms, biases }: DmaLayerForm = {},
): DmaLayerCase {
  const { b, s, e, hQ, hKv, hB, d, dV } = shape;
  let seed = 20;
  const some = (sizes: number[], factor: number, edit?: (values: Float64Array) => void) => {
    const values = normal(sizes, ++seed).map((x) => factor * x);
    edit?.(values);
    return round(values, dtype);
  };
  const random = new Random(7);
  return {
    x: some([b, s, e], 1, (x) => {
      for (let n = 0; n < b; ++n) steps(s, random).forEach((value, j) => (x[(n * s + j) * e] = value));
    }),
    weights: {
      wq: some([hQ * d, e], e ** -0.5),
      wk: some([hKv * d, e], e ** -0.5),
      wv: some([hKv * dV, e], e ** -0.5, (w) => w.fill(0, 0, e).fill(1, 0, 1)),
      wo: some([e, hQ * dV], (hQ * dV) ** -0.5),
      wdt: some([hKv * dV, hB], 0.004, (w) => {
        for (let h = 0; h < hB; ++h) w[h] = h % 2 === 0 ? 1 : -1;
      }),
      a: round(
        Array.from({ length: hB }, (_, h) => (h % 2 === 0 ? 0.75 : -0.5)),
        dtype,
      ),
      ...(norms && { qNorm: some([d], 1), kNorm: some([d], 1) }),
      ...(biases && {
        bq: some([hQ * d], 0.5),
        bk: some([hKv * d], 0.5),
        bv: some([hKv * dV], 0.5, (bias) => bias.fill(0, 0, 1)),
        bo: some([e], 0.5),
      }),
    },
  };
}

/** The same weights as tensors. */
export function dmaTensors(
  weights: DmaLayerWeights,
  { e, hQ, hKv, hB, d, dV }: DmaLayerShape,
  dtype: FloatDType,
  device: string,
): DmaWeights {
  const shapes: Readonly<Record<keyof DmaLayerWeights, readonly number[]>> = {
    wq: [hQ * d, e],
    wk: [hKv * d, e],
    wv: [hKv * dV, e],
    wo: [e, hQ * dV],
    bq: [hQ * d],
    bk: [hKv * d],
    bv: [hKv * dV],
    bo: [e],
    wdt: [hKv * dV, hB],
    a: [hB],
    qNorm: [d],
    kNorm: [d],
  };
  return Object.fromEntries(
    Object.entries(weights).map(([name, values]) => [
      name,
      Tensor.from(Float64Array.from(values as ArrayLike<number>), shapes[name as keyof DmaLayerWeights], {
        dtype,
        device,
      }),
    ]),
  ) as unknown as DmaWeights;
}
