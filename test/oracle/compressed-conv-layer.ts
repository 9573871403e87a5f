/** The whole layer of compressed convolutional attention, from its input to its output, in plain loops. */

import { exact, plain, type Arithmetic } from './arithmetic.js';
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

/** [rows, inner] times [inner, columns], a sum after the other, rounded as a result is. */
function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  inner: number,
  columns: number,
  { sum, output }: Arithmetic,
): Float64Array {
  const rows = a.length / inner;
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; ++i)
    for (let j = 0; j < columns; ++j) {
      let total = 0;
      for (let n = 0; n < inner; ++n) total = sum(total + sum(a[i * inner + n]! * b[n * columns + j]!));
      result[i * columns + j] = output(total);
    }
  return result;
}

/** The whole layer, from `x` [tokens, E], without biases of projections. */
export function ccaLayerOracle(
  x: ArrayLike<number>,
  e: number,
  weights: CcaWeights,
  shape: CcaShape,
  options: CcaOptions = {},
): CcaLayerResult {
  const { hQ, hKv, d } = shape;
  const by = options.roundTo === undefined ? exact : plain(options.roundTo);
  const times = (a: ArrayLike<number>, b: ArrayLike<number>, inner: number, columns: number) =>
    product(by.input(a), by.input(b), inner, columns, by);
  const [q0, k0] = [times(x, weights.wq, e, hQ * d), times(x, weights.wk, e, hKv * d)];
  const channels = (hQ + hKv) * d;
  const latent = new Float64Array((x.length / e) * channels);
  for (let t = 0; t < x.length / e; ++t) {
    latent.set(q0.subarray(t * hQ * d, (t + 1) * hQ * d), t * channels);
    latent.set(k0.subarray(t * hKv * d, (t + 1) * hKv * d), t * channels + hQ * d);
  }
  const half = (hKv * d) / 2;
  const projections = { latent, value: times(x, weights.wv1, e, half), delayed: times(x, weights.wv2, e, half) };
  const result = ccaOracle(projections, weights, shape, options);
  return { ...result, layer: times(result.out, weights.wo, hQ * d, e) };
}
