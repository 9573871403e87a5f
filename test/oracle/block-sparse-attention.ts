/** Attention over listed blocks of keys: every pair is looked up in the lists (K3 of seed-systems), in float64. */

import { attentionOracle, type OracleOptions, type OracleResult } from './attention.js';
import { headsOf } from './heads.js';
import { sequencesOf, type AttentionShape } from './visibility.js';

/** Blocks of keys by sequence, list head and block of queries. */
export type Lists = readonly (readonly (readonly (readonly number[])[])[])[];

export interface BlockSparseCase {
  blockQ: number;
  blockK: number;
  partial?: Lists;
  full?: Lists;
  /** Within partial blocks. */
  causal?: boolean;
  kvLengths?: readonly number[];
  scale?: number;
}

/** [b, hO, sQ, sKv]: whether the pair counts. */
export function blockMask(shape: AttentionShape, given: BlockSparseCase): Uint8Array {
  const { blockQ, blockK, partial, full, causal, kvLengths } = given;
  const { b, sQ, sKv } = shape;
  const { hO } = headsOf(shape);
  const heads = (partial ?? full)![0]?.length ?? 1;
  const mask = new Uint8Array(b * hO * sQ * sKv);
  for (const { n, sKv: used } of sequencesOf(shape, kvLengths ? { kvLengths } : {}))
    for (let o = 0; o < hO; ++o)
      for (let i = 0; i < sQ; ++i)
        for (let j = 0; j < used; ++j) {
          const [h, query, key] = [Math.floor(o / (hO / heads)), Math.floor(i / blockQ), Math.floor(j / blockK)];
          const whole = full?.[n]![h]![query]!.includes(key) ?? false;
          const part = partial?.[n]![h]![query]!.includes(key) ?? false;
          mask[((n * hO + o) * sQ + i) * sKv + j] = Number(whole || (part && (!causal || j <= i + used - sQ)));
        }
  return mask;
}

export function blockSparseOracle(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  shape: AttentionShape,
  given: BlockSparseCase,
  roundTo?: OracleOptions['roundTo'],
): OracleResult {
  const { hO } = headsOf(shape);
  return attentionOracle(q, k, v, shape, {
    mask: { data: blockMask(shape, given), shape: [shape.b, hO, shape.sQ, shape.sKv] },
    ...(given.kvLengths && { kvLengths: given.kvLengths }),
    ...(given.scale !== undefined && { scale: given.scale }),
    ...(roundTo && { roundTo }),
  });
}
