/** Rotary position embedding: the pairings and frequency rules of attention-variants 2.7. */

import { round, roundOne, type FloatDType } from './round.js';

export type RopeScaling =
  | { type: 'linear'; factor: number }
  | { type: 'dynamic-ntk'; factor: number; originalMax: number; currentLength?: number }
  | { type: 'llama3'; factor: number; originalMax: number; lowFreqFactor: number; highFreqFactor: number }
  | {
      type: 'yarn';
      originalMax: number;
      factor: number;
      betaFast?: number;
      betaSlow?: number;
      truncate?: boolean;
      attentionFactor?: number;
      mscale?: number;
      mscaleAllDim?: number;
    }
  | {
      type: 'longrope';
      originalMax: number;
      factor: number;
      shortFactors: readonly number[];
      longFactors: readonly number[];
      currentLength?: number;
      attentionFactor?: number;
    }
  | { type: 'proportional'; factor?: number };

export interface RopeOptions {
  /** Position of every token, [tokens]. */
  positions: readonly number[];
  theta?: number;
  /** Dims that turn, default all. */
  rotaryDim?: number;
  pairing?: 'half-split' | 'interleaved' | 'deinterleaved';
  inverse?: boolean;
  scaling?: RopeScaling;
  roundTo?: FloatDType;
}

const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);

interface Frequencies {
  /** Angle per position, one per pair. */
  f: number[];
  /** Factor on cosine and sine. */
  af: number;
}

/**
 * `r`: dims that turn, `d`: dims of a head, `length`: largest position + 1. One frequency per pair: r / 2 of them, and
 * d / 2 for 'proportional', where the pairs span the whole head and those past the r-th dim stand still.
 */
export function ropeFrequencies(
  r: number,
  d: number,
  length: number,
  theta: number,
  scaling?: RopeScaling,
): Frequencies {
  const base = (t: number, from = theta, over = r) => from ** ((-2 * t) / over);
  const f = Array.from({ length: r / 2 }, (_, t) => base(t));
  switch (scaling?.type) {
    case undefined:
      return { f, af: 1 };
    case 'linear':
      return { f: f.map((x) => x / scaling.factor), af: 1 };
    case 'dynamic-ntk': {
      const { factor, originalMax } = scaling;
      const s = scaling.currentLength ?? length;
      if (s <= originalMax) return { f, af: 1 };
      const stretched = theta * ((factor * s) / originalMax - (factor - 1)) ** (r / (r - 2));
      return { f: f.map((_, t) => base(t, stretched)), af: 1 };
    }
    case 'llama3':
      return { f: f.map((x) => llama3(x, scaling)), af: 1 };
    case 'yarn':
      return yarn(f, r, theta, scaling);
    case 'longrope': {
      const { originalMax, factor } = scaling;
      const ext = (scaling.currentLength ?? length) > originalMax ? scaling.longFactors : scaling.shortFactors;
      const rule = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMax));
      return { f: f.map((x, t) => x / ext[t]!), af: scaling.attentionFactor ?? rule };
    }
    case 'proportional': {
      const { factor = 1 } = scaling;
      return { f: Array.from({ length: d / 2 }, (_, t) => (t < r / 2 ? base(t, theta, d) / factor : 0)), af: 1 };
    }
  }
}

function llama3(f: number, scaling: RopeScaling & { type: 'llama3' }): number {
  const { factor, originalMax, lowFreqFactor, highFreqFactor } = scaling;
  const wavelength = (2 * Math.PI) / f;
  if (wavelength > originalMax / lowFreqFactor) return f / factor;
  if (wavelength < originalMax / highFreqFactor) return f;
  const g = (originalMax / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
  return ((1 - g) * f) / factor + g * f;
}

function yarn(f: number[], r: number, theta: number, scaling: RopeScaling & { type: 'yarn' }): Frequencies {
  const { originalMax, factor, betaFast = 32, betaSlow = 1, truncate = true, mscale, mscaleAllDim } = scaling;
  const dim = (n: number) => (r * Math.log(originalMax / (2 * Math.PI * n))) / (2 * Math.log(theta));
  const low = clamp(truncate ? Math.floor(dim(betaFast)) : dim(betaFast), 0, r - 1);
  let high = clamp(truncate ? Math.ceil(dim(betaSlow)) : dim(betaSlow), 0, r - 1);
  if (low === high) high += 0.001;
  const term = (m: number) => (factor > 1 ? 0.1 * m * Math.log(factor) + 1 : 1);
  const rule = mscale && mscaleAllDim ? term(mscale) / term(mscaleAllDim) : term(1);
  return {
    f: f.map((x, t) => {
      const ramp = clamp((t - low) / (high - low), 0, 1);
      return x * (1 - ramp) + (x / factor) * ramp;
    }),
    af: scaling.attentionFactor ?? rule,
  };
}

/** Rotates `x` [tokens, h, d]. */
export function ropeOracle(x: ArrayLike<number>, h: number, d: number, options: RopeOptions): Float64Array {
  const { positions, theta = 10000, rotaryDim: r = d, pairing = 'half-split', inverse = false, roundTo } = options;
  const length = positions.reduce((most, p) => Math.max(most, p + 1), 0);
  const { f, af } = ropeFrequencies(r, d, length, theta, options.scaling);
  // The naive implementation computes angles and products in float32 and rounds the result to the storage format.
  const sum = roundTo === undefined ? (y: number) => y : Math.fround;
  const input = roundTo === undefined ? Float64Array.from(x) : round(x, roundTo);
  const out = Float64Array.from(input); // dims past the rotary ones pass through

  positions.forEach((p, token) => {
    for (let head = 0; head < h; ++head) {
      const at = (token * h + head) * d;
      for (let t = 0; t < f.length; ++t) {
        const split = [at + t, at + t + f.length] as const;
        const adjacent = [at + 2 * t, at + 2 * t + 1] as const;
        const from = pairing === 'half-split' ? split : adjacent;
        const to = pairing === 'interleaved' ? adjacent : split;
        const angle = sum(p * sum(f[t]!));
        const cos = sum(af * sum(Math.cos(angle)));
        const sin = sum(af * sum(Math.sin(angle))) * (inverse ? -1 : 1);
        const [u, w] = [input[from[0]]!, input[from[1]]!];
        out[to[0]] = sum(sum(u * cos) - sum(w * sin));
        out[to[1]] = sum(sum(w * cos) + sum(u * sin));
      }
    }
  });
  return roundTo === undefined ? out : out.map((y) => roundOne(y, roundTo));
}
