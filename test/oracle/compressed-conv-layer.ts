/** The whole layer of compressed convolutional attention, from its input to its output, in float64. */

import {
  ccaOracle,
  type CcaOptions,
  type CcaParameters,
  type CcaResult,
  type CcaShape,
} from './compressed-conv-attention.js';

export interface CcaWeights extends CcaParameters {
  /** [E, hQ d] */
  wq: ArrayLike<number>;
  /** [E, hKv d] */
  wk: ArrayLike<number>;
  /** [E, hKv d / 2] */
  wv1: ArrayLike<number>;
  wv2: ArrayLike<number>;
  /** [hQ d, E] */
  wo: ArrayLike<number>;
}

export interface CcaLayerResult extends CcaResult {
  /** [tokens, E] */
  layer: Float64Array;
}

/** [rows, inner] times [inner, columns]. */
function product(a: ArrayLike<number>, b: ArrayLike<number>, inner: number, columns: number): Float64Array {
  const rows = a.length / inner;
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; ++i)
    for (let j = 0; j < columns; ++j)
      for (let n = 0; n < inner; ++n) result[i * columns + j]! += a[i * inner + n]! * b[n * columns + j]!;
  return result;
}

/** The whole layer, from `x` [tokens, E], in float64. */
export function ccaLayerOracle(
  x: ArrayLike<number>,
  e: number,
  weights: CcaWeights,
  shape: CcaShape,
  options: Omit<CcaOptions, 'roundTo'> = {},
): CcaLayerResult {
  const { hQ, hKv, d } = shape;
  const [q0, k0] = [product(x, weights.wq, e, hQ * d), product(x, weights.wk, e, hKv * d)];
  const channels = (hQ + hKv) * d;
  const latent = new Float64Array((x.length / e) * channels);
  for (let t = 0; t < x.length / e; ++t) {
    latent.set(q0.subarray(t * hQ * d, (t + 1) * hQ * d), t * channels);
    latent.set(k0.subarray(t * hKv * d, (t + 1) * hKv * d), t * channels + hQ * d);
  }
  const half = (hKv * d) / 2;
  const projections = { latent, value: product(x, weights.wv1, e, half), delayed: product(x, weights.wv2, e, half) };
  const result = ccaOracle(projections, weights, shape, options);
  return { ...result, layer: product(result.out, weights.wo, hQ * d, e) };
}
