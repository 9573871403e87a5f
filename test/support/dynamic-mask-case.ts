/** One row of the tables of dynamic masks: plain data, from which the inputs, the call and the exact answer follow. */

import { dynamicMaskAttention } from '../../lib/index.js';
import type { OracleResult } from '../oracle/attention.js';
import { dynamicMaskOracle, selectionOracle, type DynamicMaskOptions } from '../oracle/dynamic-mask-attention.js';
import { headsOf } from '../oracle/heads.js';
import { round, type FloatDType } from '../oracle/round.js';
import { sequencesOf, type AttentionShape } from '../oracle/visibility.js';
import type { Place, Values } from './attention-case.js';
import { judge } from './attention-case.js';
import { embed, type Embedded, type Layout } from './embed.js';
import { normal, Random } from './random.js';

export type ScoreShape = AttentionShape & { hB: number };

/** Scores by the rank among all keys, or whatever stresses a selection. */
export const scoreKinds = {
  random: (random: Random) => random.normal(),
  'few values': (random: Random) => random.integer(-1, 1),
  equal: () => 0.25,
  rising: (_: Random, j: number) => j / 64,
  falling: (_: Random, j: number) => -j / 64,
  'NaN and infinities': (random: Random) => random.pick([NaN, -Infinity, 0.5, -1, 2]),
} satisfies Record<string, (random: Random, j: number) => number>;
export type ScoreKind = keyof typeof scoreKinds;

export interface DynamicMaskCase {
  /** Left out: b = 1, sKv = sQ, hK = hQ, hV = hK, dV = d, hB = hV. */
  shape: Partial<ScoreShape> & Pick<ScoreShape, 'sQ' | 'hQ' | 'd'>;
  options?: Omit<DynamicMaskOptions, 'roundTo' | 'rows'>;
  scores?: ScoreKind;
  layout?: Layout;
  seed?: number;
  /** Changes the random inputs before they are rounded. */
  edit?(values: Values): void;
}

export function scoreShapeOf({ shape }: Pick<DynamicMaskCase, 'shape'>): ScoreShape {
  const { b = 1, sQ, sKv = sQ, hQ, hK = hQ, hV = hK, d, dV = d, hB = hV } = shape;
  return { b, sQ, sKv, hQ, hK, hV, d, dV, hB };
}

/** float32 values, [b, hB, sKv] or packed [hB, tK]. */
export function scoresOf(row: DynamicMaskCase): Float64Array {
  const { b, hB, sKv } = scoreShapeOf(row);
  const random = new Random(77 + (row.seed ?? 1));
  const kind = scoreKinds[row.scores ?? 'random'];
  const count = (row.options?.cuSeqLensQ ? 1 : b) * hB * sKv;
  return round(
    Float64Array.from({ length: count }, (_, n) => kind(random, n % sKv)),
    'float32',
  );
}

/** Random inputs in the dtype; rows of K and V that no query keeps hold NaN. */
function inputsOf(row: DynamicMaskCase, dtype: FloatDType, scores: Float64Array): Values {
  const shape = scoreShapeOf(row);
  const { b, sQ, sKv, hQ, hK, hV, d, dV, hB } = shape;
  const batch = row.options?.cuSeqLensQ ? 1 : b;
  const seed = 3 * (row.seed ?? 1);
  const values: Values = {
    q: normal([batch, sQ, hQ, d], seed),
    k: normal([batch, sKv, hK, d], seed + 1),
    v: normal([batch, sKv, hV, dV], seed + 2),
  };
  row.edit?.(values);
  const kept = selectionOracle(scores, shape, row.options ?? {});
  const heads = headsOf(shape);
  const [seenK, seenV] = [new Set<number>(), new Set<number>()];
  for (const sequence of sequencesOf(shape, row.options ?? {}))
    for (let o = 0; o < heads.hO; ++o)
      for (let i = 0; i < sequence.sQ; ++i)
        for (let j = 0; j < sequence.sKv; ++j)
          if (kept(sequence, Math.floor(o / (heads.hO / hB)), i, j)) {
            seenK.add((sequence.k0 + j) * hK + heads.k(o));
            seenV.add((sequence.k0 + j) * hV + heads.v(o));
          }
  for (let at = 0; at * d < values.k.length; ++at) if (!seenK.has(at)) values.k.fill(NaN, at * d, (at + 1) * d);
  for (let at = 0; at * dV < values.v.length; ++at) if (!seenV.has(at)) values.v.fill(NaN, at * dV, (at + 1) * dV);
  return { q: round(values.q, dtype), k: round(values.k, dtype), v: round(values.v, dtype) };
}

/** Calls the library: inputs surrounded by NaN, outputs that start as NaN between guard elements. */
export async function runDynamicMask(
  row: DynamicMaskCase,
  { device, dtype }: Place,
  scores = scoresOf(row),
  values = inputsOf(row, dtype, scores),
): Promise<OracleResult> {
  const shape = scoreShapeOf(row);
  const { b, sQ, sKv, hQ, hK, hV, d, dV, hB } = shape;
  const { hO } = headsOf(shape);
  const { layout = 'dense' } = row;
  const { kvLengths, cuSeqLensQ, cuSeqLensK, ...plain } = row.options ?? {};
  const batch = cuSeqLensQ ? [] : [b];
  const made: Embedded[] = [];
  const tensor = (data: ArrayLike<number> | number, sizes: number[], kind: FloatDType | 'int32', margin: number) => {
    const lie = sizes.length === batch.length + 3 ? layout : 'dense';
    const result = embed(data, sizes, { dtype: kind, device, layout: lie, margin });
    made.push(result);
    return result;
  };
  const indices = (data: readonly number[]) => tensor(data, [data.length], 'int32', 2 ** 31 - 1).view;
  try {
    const q = tensor(values.q, [...batch, sQ, hQ, d], dtype, NaN).view;
    const k = tensor(values.k, [...batch, sKv, hK, d], dtype, NaN).view;
    const v = tensor(values.v, [...batch, sKv, hV, dV], dtype, NaN).view;
    const out = tensor(NaN, [...batch, sQ, hO, dV], dtype, -7.75);
    const lse = tensor(NaN, [...batch, hO, sQ], 'float32', -7.75);
    const result = dynamicMaskAttention(q, k, v, {
      ...plain,
      scores: tensor(scores, [...batch, hB, sKv], 'float32', NaN).view,
      ...(kvLengths && { kvLengths: indices(kvLengths) }),
      ...(cuSeqLensQ && { cuSeqLensQ: indices(cuSeqLensQ) }),
      ...(cuSeqLensK && { cuSeqLensK: indices(cuSeqLensK) }),
      out: out.view,
      lse: lse.view,
    });
    expect(result).toBe(out.view);
    return { out: await out.read(), lse: await lse.read() };
  } finally {
    for (const each of made) each.dispose();
  }
}

/** Runs the row and judges its output and lse against the oracle. */
export async function checkDynamicMask(row: DynamicMaskCase, place: Place): Promise<void> {
  const shape = scoreShapeOf(row);
  const scores = scoresOf(row);
  const { q, k, v } = inputsOf(row, place.dtype, scores);
  const exact = dynamicMaskOracle(q, k, v, scores, shape, row.options);
  const plain = dynamicMaskOracle(q, k, v, scores, shape, { ...row.options, roundTo: place.dtype });
  const found = await runDynamicMask(row, place, scores, { q, k, v });
  judge(found, { exact, asked: exact, plain }, place.dtype, shape.dV);
}
