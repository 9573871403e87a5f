/**
 * Compressed convolutional attention in float64 and plain loops: attention-variants 4.2, step by step and token by token,
 * every intermediate kept. No tiles, no halo, nothing shared with the library.
 */

import { exact, plain, type Arithmetic } from './arithmetic.js';
import { attentionOracle, type OracleOptions } from './attention.js';
import { ropeOracle, type RopeOptions } from './rope.js';
import type { FloatDType } from './round.js';

/** `s`: tokens per sequence; packed: of all sequences. */
export interface CcaShape {
  b: number;
  s: number;
  hQ: number;
  hKv: number;
  d: number;
  k1: number;
  k2: number;
}

/** What comes out of the projections, all row by row. */
export interface CcaProjections {
  /** `[q0 | k0]`, [tokens, C] with C = (hQ + hKv) d. */
  latent: ArrayLike<number>;
  /** `x Wv1`, [tokens, hKv d / 2]. */
  value: ArrayLike<number>;
  /** `x Wv2` of the token itself, not delayed yet, [tokens, hKv d / 2]. */
  delayed: ArrayLike<number>;
}

export interface CcaParameters {
  /** [C, k1]; the last tap multiplies the current token. */
  w1: ArrayLike<number>;
  /** [C] */
  b1?: ArrayLike<number>;
  /** [C, d, k2] */
  w2: ArrayLike<number>;
  /** [C] */
  b2?: ArrayLike<number>;
  /** [hKv] */
  temperature: ArrayLike<number>;
  /** Of the projection `Wv2`: what it makes of a zero token, [hKv d / 2]. Default 0. */
  delayedBias?: ArrayLike<number>;
}

export type TempMode = 'exp' | 'raw' | 'expClamped';

export interface CcaOptions {
  tempMode?: TempMode;
  /** Default: all of a head, theta 10000. */
  rope?: Omit<RopeOptions, 'positions' | 'roundTo'> | false;
  /** Position of each token. Default: its place in its sequence. */
  positions?: readonly number[];
  /** Where packed sequences begin, and the end of the last. */
  cuSeqLens?: readonly number[];
  /** Tokens in use of each sequence; the rest is padding. */
  lengths?: readonly number[];
  causal?: boolean;
  window?: OracleOptions['window'];
  roundTo?: FloatDType;
}

export interface CcaPrologue {
  /** After the first convolution, [sequence][k2 - 1 + tokens][C]: the first rows lie before the first token. */
  y: Float64Array[];
  /** After the second, [sequence][tokens][C]. */
  z: Float64Array[];
  /** [tokens, hQ, d] */
  q: Float64Array;
  /** [tokens, hKv, d] */
  k: Float64Array;
  /** [tokens, hKv, d] */
  v: Float64Array;
}

const { exp, min, max, sqrt } = Math; // globals are slow to reach inside Jest
const kGuard = 1e-12; // attention-variants 4.3: added to the squared norm

interface Sequence {
  first: number;
  tokens: number;
}

/** Token ranges; tokens of none of them are padding. */
function sequencesOf({ b, s }: CcaShape, { cuSeqLens, lengths }: CcaOptions): Sequence[] {
  if (cuSeqLens) return cuSeqLens.slice(1).map((end, n) => ({ first: cuSeqLens[n]!, tokens: end - cuSeqLens[n]! }));
  return Array.from({ length: b }, (_, n) => ({ first: n * s, tokens: lengths?.[n] ?? s }));
}

const tokensOf = ({ b, s }: CcaShape, { cuSeqLens }: CcaOptions) => (cuSeqLens ? s : b * s);

/** `tau`, the factor on the keys. */
function factorOf(temperature: number, mode: TempMode): number {
  if (mode === 'raw') return temperature;
  return exp(mode === 'exp' ? temperature : min(max(temperature, 1e-7), 2));
}

interface Inputs {
  latent: Float64Array;
  w1: Float64Array;
  b1: Float64Array;
  w2: Float64Array;
  b2: Float64Array;
}

/** The latent row of token `t` of a sequence; zeros in front of it. */
function latentAt({ latent }: Inputs, channels: number, { first }: Sequence, t: number, c: number): number {
  return t < 0 ? 0 : latent[(first + t) * channels + c]!;
}

/** Depthwise: rows -(k2 - 1) to tokens - 1. Rows in front of the first token see zeros, and the bias. */
function firstConvolution(inputs: Inputs, shape: CcaShape, sequence: Sequence, { sum }: Arithmetic): Float64Array {
  const { k1, k2 } = shape;
  const channels = (shape.hQ + shape.hKv) * shape.d;
  const y = new Float64Array((k2 - 1 + sequence.tokens) * channels);
  for (let t = 1 - k2; t < sequence.tokens; ++t)
    for (let c = 0; c < channels; ++c) {
      let total = inputs.b1[c]!;
      for (let r = 0; r < k1; ++r)
        total = sum(total + sum(inputs.w1[c * k1 + r]! * latentAt(inputs, channels, sequence, t - (k1 - 1) + r, c)));
      y[(t + k2 - 1) * channels + c] = total;
    }
  return y;
}

/** Grouped: each head's d channels to d channels, over k2 tokens. `y` already has what lies in front. */
function secondConvolution(
  inputs: Inputs,
  shape: CcaShape,
  y: Float64Array,
  tokens: number,
  arithmetic: Arithmetic,
): Float64Array {
  const { d, k2 } = shape;
  const channels = (shape.hQ + shape.hKv) * d;
  const z = new Float64Array(tokens * channels);
  const [weights, window] = [new Float64Array(d), new Float64Array(d)];
  for (let t = 0; t < tokens; ++t)
    for (let c = 0; c < channels; ++c) {
      let total = inputs.b2[c]!;
      for (let r = 0; r < k2; ++r) {
        for (let e = 0; e < d; ++e) {
          weights[e] = inputs.w2[(c * d + e) * k2 + r]!;
          window[e] = y[(t + r) * channels + c - (c % d) + e]!; // row t + r of y is token t - (k2 - 1) + r
        }
        total = arithmetic.sum(total + arithmetic.dot(weights, 0, window, 0, d));
      }
      z[t * channels + c] = total;
    }
  return z;
}

/** The head at `at` of a row: scaled to length sqrt(d) * factor. */
function normalise(row: Float64Array, at: number, d: number, factor: number, { sum, dot }: Arithmetic): void {
  const scale = sum(sum(factor * sum(sqrt(d))) / sum(sqrt(sum(dot(row, at, row, at, d) + kGuard))));
  for (let c = 0; c < d; ++c) row[at + c] = sum(row[at + c]! * scale);
}

/** `q2` and `k2` of one token: the mean of queries and keys from before any convolution, added after both. */
function meanAndNorm(latent: Float64Array, z: Float64Array, tau: Float64Array, shape: CcaShape, by: Arithmetic): void {
  const { hQ, hKv, d } = shape;
  const { sum } = by;
  const group = hQ / hKv;
  for (let g = 0; g < hKv; ++g)
    for (let c = 0; c < d; ++c) {
      const k0 = latent[(hQ + g) * d + c]!;
      let total = 0;
      for (let h = g * group; h < (g + 1) * group; ++h) {
        const q0 = latent[h * d + c]!;
        total = sum(total + q0);
        z[h * d + c] = sum(z[h * d + c]! + sum(sum(q0 + k0) / 2));
      }
      const at = (hQ + g) * d + c;
      z[at] = sum(z[at]! + sum(sum(sum(total / group) + k0) / 2));
    }
  for (let h = 0; h < hQ; ++h) normalise(z, h * d, d, 1, by);
  for (let g = 0; g < hKv; ++g) normalise(z, (hQ + g) * d, d, tau[g]!, by);
}

/** The flat row of hKv d values: its first half of the token itself, the rest of the token before. */
function shiftedValues(
  { value, delayed }: { value: Float64Array; delayed: Float64Array },
  bias: ArrayLike<number> | undefined,
  half: number,
  { first }: Sequence,
  t: number,
): Float64Array {
  const row = new Float64Array(2 * half);
  row.set(value.subarray((first + t) * half, (first + t + 1) * half));
  const before = t === 0 ? (bias ?? new Float64Array(half)) : delayed.subarray((first + t - 1) * half);
  for (let c = 0; c < half; ++c) row[half + c] = before[c]!;
  return row;
}

/** Position of every token; of padding, any. */
function positionsOf(shape: CcaShape, options: CcaOptions, sequences: readonly Sequence[]): number[] {
  const positions = Array<number>(tokensOf(shape, options)).fill(0);
  for (const { first, tokens } of sequences)
    for (let t = 0; t < tokens; ++t) positions[first + t] = options.positions?.[first + t] ?? t;
  return positions;
}

/** Everything up to the attention. Rows of padding are zero. */
export function ccaPrologueOracle(
  projections: CcaProjections,
  parameters: CcaParameters,
  shape: CcaShape,
  options: CcaOptions = {},
): CcaPrologue {
  const { hQ, hKv, d } = shape;
  const { rope = {}, roundTo, tempMode = 'exp' } = options;
  const by = roundTo === undefined ? exact : plain(roundTo);
  const channels = (hQ + hKv) * d;
  const half = (hKv * d) / 2;
  const zeros = new Float64Array(channels);
  const [latent, value, delayed] = [projections.latent, projections.value, projections.delayed].map(by.input) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const { w1, b1 = zeros, w2, b2 = zeros } = parameters;
  const inputs = { latent, w1: by.input(w1), b1: by.input(b1), w2: by.input(w2), b2: by.input(b2) };
  const bias = parameters.delayedBias && by.input(parameters.delayedBias);
  const tau = by.input(parameters.temperature).map((x) => by.sum(factorOf(x, tempMode)));

  const tokens = tokensOf(shape, options);
  const sequences = sequencesOf(shape, options);
  const result: CcaPrologue = {
    y: [],
    z: [],
    q: new Float64Array(tokens * hQ * d),
    k: new Float64Array(tokens * hKv * d),
    v: new Float64Array(tokens * hKv * d),
  };
  for (const sequence of sequences) {
    const y = firstConvolution(inputs, shape, sequence, by);
    const z = secondConvolution(inputs, shape, y, sequence.tokens, by);
    result.y.push(y);
    result.z.push(z.slice());
    for (let t = 0; t < sequence.tokens; ++t) {
      const token = sequence.first + t;
      const row = z.subarray(t * channels, (t + 1) * channels);
      meanAndNorm(latent.subarray(token * channels, (token + 1) * channels), row, tau, shape, by);
      result.q.set(row.subarray(0, hQ * d), token * hQ * d);
      result.k.set(row.subarray(hQ * d), token * hKv * d);
      result.v.set(shiftedValues({ value, delayed }, bias, half, sequence, t), token * hKv * d);
    }
  }
  if (rope !== false) {
    // Between the steps float32, whatever the storage; rounded when all are done.
    const turn = {
      ...rope,
      positions: positionsOf(shape, options, sequences),
      ...(roundTo && { roundTo: 'float32' as const }),
    };
    result.q = ropeOracle(result.q, hQ, d, turn);
    result.k = ropeOracle(result.k, hKv, d, turn);
  }
  return { ...result, q: result.q.map(by.output), k: result.k.map(by.output) };
}

export interface CcaResult extends CcaPrologue {
  /** [b, s, hQ, d] or packed [t, hQ, d]; zero for padding. */
  out: Float64Array;
  /** [b, hQ, s] or packed [hQ, t]. */
  lse: Float64Array;
}

/** Attention over what the prologue gives: each sequence over its own tokens. */
export function ccaOracle(
  projections: CcaProjections,
  parameters: CcaParameters,
  shape: CcaShape,
  options: CcaOptions = {},
): CcaResult {
  const { hQ, hKv, d } = shape;
  const { causal = true, window, roundTo } = options;
  const prologue = ccaPrologueOracle(projections, parameters, shape, options);
  const packed = options.cuSeqLens !== undefined;
  const tokens = tokensOf(shape, options);
  const [out, lse] = [new Float64Array(tokens * hQ * d), new Float64Array(tokens * hQ).fill(-Infinity)];
  sequencesOf(shape, options).forEach(({ first, tokens: s }, n) => {
    const part = (x: Float64Array, heads: number) => x.slice(first * heads * d, (first + s) * heads * d);
    const [q, k, v] = [part(prologue.q, hQ), part(prologue.k, hKv), part(prologue.v, hKv)];
    const sizes = { b: 1, sQ: s, sKv: s, hQ, hK: hKv, hV: hKv, d, dV: d };
    const own = attentionOracle(q, k, v, sizes, { causal, ...(window && { window }), ...(roundTo && { roundTo }) });
    out.set(own.out, first * hQ * d);
    for (let h = 0; h < hQ; ++h)
      for (let t = 0; t < s; ++t)
        lse[packed ? h * tokens + first + t : (n * hQ + h) * shape.s + t] = own.lse[h * s + t]!;
  });
  return { ...prologue, out, lse };
}
