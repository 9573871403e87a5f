/**
 * Dynamic-mask attention in float64 and plain loops, from attention-variants 5: scores of keys from their values (5.1),
 * the keys each row keeps, found row by row by sorting (5.2), and the core operator with both (5.3).
 */

import { attentionOracle, type OracleOptions, type OracleResult } from './attention.js';
import { headsOf } from './heads.js';
import { sequencesOf, visibility, type AttentionShape, type Sequence, type VisibilityOptions } from './visibility.js';

export interface KeyScoring {
  /** [hV * dV, hB]. */
  wdt: ArrayLike<number>;
  /** [hB]. */
  a: ArrayLike<number>;
  form?: 'exp' | 'linear';
}

/** `dt` and `bias` of attention-variants 5.1, both [b, hB, s], for values [b, s, hV, dV]. */
export function keyScoresOracle(
  v: ArrayLike<number>,
  { b, s, width }: { b: number; s: number; width: number },
  { wdt, a, form = 'exp' }: KeyScoring,
): { dt: Float64Array; scores: Float64Array } {
  const hB = a.length;
  const dt = new Float64Array(b * hB * s);
  const scores = new Float64Array(b * hB * s);
  for (let n = 0; n < b; ++n)
    for (let h = 0; h < hB; ++h)
      for (let j = 0; j < s; ++j) {
        let sum = 0;
        for (let f = 0; f < width; ++f) sum += v[(n * s + j) * width + f]! * wdt[f * hB + h]!;
        const e = a[h]! * (sum > 30 ? sum : Math.log1p(Math.exp(sum)));
        const at = (n * hB + h) * s + j;
        dt[at] = sum;
        scores[at] = form === 'exp' ? Math.exp(e) : e;
      }
  return { dt, scores };
}

export interface SelectionOptions extends Pick<
  VisibilityOptions,
  'causal' | 'kvLengths' | 'cuSeqLensQ' | 'cuSeqLensK'
> {
  keep?: number;
  selection?: 'perQuery' | 'shared' | 'relu';
  blockSize?: number;
}

/** Whether query `i` of a sequence keeps key `j` for score head `h`. */
export type Kept = (sequence: Sequence, h: number, i: number, j: number) => boolean;

/** `scores`: [b, hB, sKv], packed [hB, tK]. */
export function selectionOracle(
  scores: ArrayLike<number>,
  shape: Pick<AttentionShape, 'sKv'> & { hB: number },
  options: SelectionOptions,
): Kept {
  const { keep = 2048, selection = 'perQuery', blockSize = 0 } = options;
  const packed = options.cuSeqLensQ !== undefined;
  const visible = visibility(options);
  const rows = new Map<string, ReadonlySet<number>>();

  const scoreOf = ({ n, k0 }: Sequence, h: number, j: number): number => {
    const x = scores[packed ? h * shape.sKv + k0 + j : (n * shape.hB + h) * shape.sKv + j]!;
    return Number.isNaN(x) ? -Infinity : x;
  };
  const best = (sequence: Sequence, h: number, candidates: number[]): number[] => {
    if (selection === 'relu') return candidates.filter((j) => scoreOf(sequence, h, j) > 0);
    const order = (x: number, y: number) => {
      const [sx, sy] = [scoreOf(sequence, h, x), scoreOf(sequence, h, y)];
      return sx === sy ? x - y : sy > sx ? 1 : -1;
    };
    return [...candidates].sort(order).slice(0, keep);
  };
  const smooth = ({ sKv }: Sequence, kept: number[]): number[] => {
    if (blockSize === 0) return kept;
    const blocks = new Map<number, number>();
    for (const j of kept) blocks.set(Math.floor(j / blockSize), (blocks.get(Math.floor(j / blockSize)) ?? 0) + 1);
    const result: number[] = [];
    for (const [block, count] of blocks) {
      const [from, to] = [block * blockSize, Math.min(sKv, (block + 1) * blockSize)];
      if (2 * count > to - from) for (let j = from; j < to; ++j) result.push(j);
    }
    return result;
  };
  const rowOf = (sequence: Sequence, h: number, i: number): ReadonlySet<number> => {
    const key = `${sequence.n} ${h} ${i}`;
    const known = rows.get(key);
    if (known) return known;
    const all = Array.from({ length: sequence.sKv }, (_, j) => j);
    const seen = all.filter((j) => visible(sequence, 0, i, j));
    const chosen = best(sequence, h, selection === 'shared' ? all : seen);
    const row = new Set(smooth(sequence, chosen).filter((j) => visible(sequence, 0, i, j)));
    rows.set(key, row);
    return row;
  };
  return (sequence, h, i, j) => rowOf(sequence, h, i).has(j);
}

export type DynamicMaskOptions = SelectionOptions & Pick<OracleOptions, 'scale' | 'roundTo' | 'rows'>;

/** Attention over the kept keys, with the scores added to the logits; `scores` as above. */
export function dynamicMaskOracle(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  scores: ArrayLike<number>,
  shape: AttentionShape & { hB: number },
  options: DynamicMaskOptions = {},
): OracleResult {
  const { causal, kvLengths, cuSeqLensQ, cuSeqLensK, scale, roundTo, rows } = options;
  const core: OracleOptions = {
    ...(causal && { causal }),
    ...(kvLengths && { kvLengths }),
    ...(cuSeqLensQ && { cuSeqLensQ }),
    ...(cuSeqLensK && { cuSeqLensK }),
    ...(scale !== undefined && { scale }),
    ...(roundTo && { roundTo }),
    ...(rows && { rows }),
  };
  const { hO } = headsOf(shape);
  const { hB, sQ, sKv } = shape;
  const kept = selectionOracle(scores, shape, options);
  const packed = cuSeqLensQ !== undefined;
  const sequences = sequencesOf(shape, options);
  const bias = new Float64Array(sequences.length * hO * sKv);
  const mask = new Uint8Array(sequences.length * hO * sQ * sKv);
  for (const sequence of sequences)
    for (let o = 0; o < hO; ++o) {
      const h = Math.floor(o / (hO / hB));
      for (let j = 0; j < sequence.sKv; ++j) {
        const { n, k0 } = sequence;
        const score = scores[packed ? h * sKv + k0 + j : (n * hB + h) * sKv + j]!;
        bias[(n * hO + o) * sKv + j] = Number.isNaN(score) ? -Infinity : score;
        for (const i of rows ?? Array.from({ length: sequence.sQ }, (_, row) => row))
          mask[((n * hO + o) * sQ + i) * sKv + j] = Number(kept(sequence, h, i, j));
      }
    }
  return attentionOracle(q, k, v, shape, {
    ...core,
    bias: { data: bias, shape: [sequences.length, hO, 1, sKv] },
    mask: { data: mask, shape: [sequences.length, hO, sQ, sKv] },
  });
}
