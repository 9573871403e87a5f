/** Which key a query sees: attention-variants 1.3, and K2 of seed-systems for prefixes, sink tokens and segments. */

import { reader, type Grid } from './grid.js';

export interface AttentionShape {
  /** Sequences. */
  b: number;
  /** Queries per sequence; packed: query tokens of all sequences. */
  sQ: number;
  /** Keys per sequence; packed: key tokens of all sequences. */
  sKv: number;
  hQ: number;
  hK: number;
  hV: number;
  d: number;
  dV: number;
}

/** -1 or null: no limit. A list has one entry per output head. */
export type PerHead = number | readonly number[] | null;

export interface VisibilityOptions {
  causal?: boolean;
  window?: { left?: PerHead; right?: PerHead };
  sinkTokens?: number | readonly number[];
  /** Per sequence. */
  prefixLengths?: readonly number[];
  /** Segment of every query token and of every key token, all sequences in a row. */
  segments?: { q: readonly number[]; k: readonly number[] };
  /** Keys in use, per sequence. */
  kvLengths?: readonly number[];
  /** Packed: where each sequence starts, and the end. */
  cuSeqLensQ?: readonly number[];
  cuSeqLensK?: readonly number[];
  /** [b, hO, sQ, sKv], broadcast; not zero: keep. */
  mask?: Grid;
}

/** One sequence: `q0` and `k0` are its first tokens among all, `sQ` and `sKv` how many queries and keys in use it has. */
export interface Sequence {
  n: number;
  q0: number;
  k0: number;
  sQ: number;
  sKv: number;
}

export function sequencesOf(shape: AttentionShape, options: VisibilityOptions): Sequence[] {
  const { cuSeqLensQ: cuQ, cuSeqLensK: cuK, kvLengths } = options;
  if (!cuQ || !cuK)
    return Array.from({ length: shape.b }, (_, n) => ({
      n,
      q0: n * shape.sQ,
      k0: n * shape.sKv,
      sQ: shape.sQ,
      sKv: kvLengths?.[n] ?? shape.sKv,
    }));
  // Queries behind the last sequence belong to none, and see no key.
  const [ends, last] = [[...cuQ.slice(1), shape.sQ], shape.b];
  return ends.map((end, n) => ({
    n,
    q0: cuQ[n]!,
    k0: cuK[n]!,
    sQ: end - cuQ[n]!,
    sKv: n === last ? 0 : cuK[n + 1]! - cuK[n]!,
  }));
}

const unlimited = Infinity;

/** The limit of head `o`. */
function limitOf(value: PerHead | undefined): (o: number) => number {
  const at = (o: number) => (typeof value === 'object' && value !== null ? value[o]! : (value ?? -1));
  return (o) => {
    const x = at(o);
    return x === -1 ? unlimited : x;
  };
}

/** Whether query `i` of head `o` sees key `j`; both count from the start of their sequence. */
export type Visible = (sequence: Sequence, o: number, i: number, j: number) => boolean;

export function visibility(options: VisibilityOptions): Visible {
  const { window, sinkTokens = 0, prefixLengths, segments, mask } = options;
  const kept = mask && reader(mask);
  // A window that ends at the aligned key is causality itself, so sink tokens may not reach past it.
  const causal = options.causal || window?.right === 0;
  const [left, right] = [limitOf(window?.left), limitOf(window?.right)];

  return ({ n, q0, k0, sQ, sKv }, o, i, j) => {
    const a = i + sKv - sQ; // the key aligned with query i: the last query sees the last key
    if (j >= sKv) return false;
    if (causal) {
      const prefix = prefixLengths?.[n] ?? 0;
      if (!(j <= a || (j < prefix && a < prefix))) return false;
    }
    const inside = a - left(o) <= j && j <= a + right(o);
    const sink = j < (typeof sinkTokens === 'number' ? sinkTokens : sinkTokens[o]!);
    if (!inside && !sink) return false;
    if (segments && segments.q[q0 + i] !== segments.k[k0 + j]) return false;
    return !kept || kept(n, o, i, j) !== 0;
  };
}
