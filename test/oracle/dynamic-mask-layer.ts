/** The whole layer of dynamic-mask attention, from its input to its output: its parts one after the other. */

import {
  dynamicMaskOracle,
  keyScoresOracle,
  type KeyScoring,
  type SelectionOptions,
} from './dynamic-mask-attention.js';
import { linearOracle } from './linear.js';
import { rmsNormOracle } from './rms-norm.js';
import { ropeOracle, type RopeOptions } from './rope.js';
import type { FloatDType } from './round.js';

export interface DmaLayerShape {
  /** Sequences; packed: 1. */
  b: number;
  /** Tokens of each; packed: of all. */
  s: number;
  e: number;
  hQ: number;
  hKv: number;
  hB: number;
  d: number;
  dV: number;
}

export interface DmaLayerWeights extends Pick<KeyScoring, 'wdt' | 'a'> {
  /** [hQ d, E] */
  wq: ArrayLike<number>;
  /** [hKv d, E] */
  wk: ArrayLike<number>;
  /** [hKv dV, E] */
  wv: ArrayLike<number>;
  /** [E, hQ dV] */
  wo: ArrayLike<number>;
  bq?: ArrayLike<number>;
  bk?: ArrayLike<number>;
  bv?: ArrayLike<number>;
  bo?: ArrayLike<number>;
  /** [d] */
  qNorm?: ArrayLike<number>;
  kNorm?: ArrayLike<number>;
}

export interface DmaLayerOracleOptions
  extends
    Pick<KeyScoring, 'form'>,
    Pick<SelectionOptions, 'keep' | 'selection' | 'blockSize' | 'causal' | 'kvLengths'> {
  epsilon?: number;
  rope?: Omit<RopeOptions, 'positions' | 'roundTo'> | false;
  /** Position of the first token. */
  offset?: number;
  /** Where packed sequences begin, and the end of the last. */
  cuSeqLens?: readonly number[];
  scale?: number;
  roundTo?: FloatDType;
}

/** `layer` [b, s, E], and `lse` [b, hQ, s]; `scores` [b, hB, s] are what keys were chosen by. */
export function dmaLayerOracle(
  x: ArrayLike<number>,
  weights: DmaLayerWeights,
  shape: DmaLayerShape,
  options: DmaLayerOracleOptions = {},
): { layer: Float64Array; lse: Float64Array; scores: Float64Array } {
  const { b, s, e, hQ, hKv, hB, d, dV } = shape;
  const { rope = {}, offset = 0, epsilon, form, roundTo, cuSeqLens, kvLengths, scale } = options;
  const { causal = true, keep, selection, blockSize } = options;
  const rows = b * s;
  const rounding = { ...(roundTo && { roundTo }) };
  const project = (from: ArrayLike<number>, inner: number, w: ArrayLike<number>, bias?: ArrayLike<number>) =>
    linearOracle(
      { x: from, w, ...(bias && { bias }) },
      { rows, in: inner, out: inner === 0 ? 0 : w.length / inner },
      roundTo,
    );
  const position = (token: number) =>
    cuSeqLens ? token - Math.max(...cuSeqLens.filter((start) => start <= token)) : token % s;
  const positions = Array.from({ length: rows }, (_, token) => offset + position(token));
  const turned = (heads: Float64Array, h: number, weight?: ArrayLike<number>) => {
    const normed = weight
      ? rmsNormOracle(heads, d, { weight, ...(epsilon !== undefined && { epsilon }), ...rounding })
      : heads;
    return rope === false ? normed : ropeOracle(normed, h, d, { ...rope, positions, ...rounding });
  };
  const q = turned(project(x, e, weights.wq, weights.bq), hQ, weights.qNorm);
  const k = turned(project(x, e, weights.wk, weights.bk), hKv, weights.kNorm);
  const v = project(x, e, weights.wv, weights.bv);
  const { wdt, a } = weights;
  const { scores } = keyScoresOracle(v, { b, s, width: hKv * dV }, { wdt, a, ...(form && { form }) });
  const attended = dynamicMaskOracle(
    q,
    k,
    v,
    scores,
    { b, sQ: s, sKv: s, hQ, hK: hKv, hV: hKv, hB, d, dV },
    {
      causal,
      ...(keep !== undefined && { keep }),
      ...(selection && { selection }),
      ...(blockSize !== undefined && { blockSize }),
      ...(kvLengths && { kvLengths }),
      ...(cuSeqLens && { cuSeqLensQ: cuSeqLens, cuSeqLensK: cuSeqLens }),
      ...(scale !== undefined && { scale }),
      ...rounding,
    },
  );
  return { layer: project(attended.out, hQ * dV, weights.wo, weights.bo), lse: attended.lse, scores };
}
