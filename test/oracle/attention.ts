/**
 * Attention in float64 and plain loops: the formulas of attention-variants 1.1 with the options of section 2, in the
 * order score, softcap, bias, mask, softmax with sink. No tiles, no online softmax, no work saved.
 */

import { exact, plain, type Arithmetic, type Rounding } from './arithmetic.js';
import { reader, type Grid } from './grid.js';
import { headsOf, type HeadMap } from './heads.js';
import type { FloatDType } from './round.js';
import { sequencesOf, visibility, type AttentionShape, type Sequence, type VisibilityOptions } from './visibility.js';

export type { AttentionShape } from './visibility.js';

const { abs, max, tanh } = Math; // globals are slow to reach inside Jest

export interface OracleOptions extends VisibilityOptions {
  /** Factor on the scores. Default 1 / sqrt(d). */
  scale?: number;
  softcap?: number;
  /** Logit per output head that joins the denominator only. */
  sinks?: readonly number[];
  /** [hO] or [b, hO]. */
  alibiSlopes?: Grid;
  /** [b, hO, sQ, sKv], broadcast. */
  bias?: Grid;
  /** Factor on the scaled scores, broadcast to the shape of lse. */
  temperature?: Grid;
  /** Factor on the output row, broadcast to the shape of lse. */
  gate?: Grid;
  headMap?: HeadMap;
  /** Compute as a naive implementation would. Default: float64 throughout. */
  roundTo?: FloatDType | Rounding;
  /** Only these queries of every sequence (not with packed sequences). Default: all. */
  rows?: readonly number[];
}

export interface OracleResult {
  /** [b, sQ, hO, dV] or packed [tQ, hO, dV]. */
  out: Float64Array;
  /** [b, hO, sQ] or packed [hO, tQ], natural log. */
  lse: Float64Array;
}

interface Inputs {
  q: Float64Array;
  k: Float64Array;
  v: Float64Array;
}

/** `s_ij` for one query row and the keys it sees. */
type Scorer = (sequence: Sequence, o: number, i: number, seen: readonly number[]) => ScoredRow;

interface ScoredRow {
  /** Scores that weigh the values. */
  weighing: number[];
  /** Scores that `lse` is made of. */
  summed: number[];
}

function scorer({ q, k }: Inputs, shape: AttentionShape, options: OracleOptions, arithmetic: Arithmetic): Scorer {
  const { hQ, hK, d } = shape;
  const { scale = 1 / Math.sqrt(d), softcap = 0 } = options;
  const { sum, score, lseScore } = arithmetic;
  const heads = headsOf(shape, options.headMap);
  const slope = options.alibiSlopes && reader(options.alibiSlopes);
  const bias = options.bias && reader({ ...options.bias, data: arithmetic.input(options.bias.data) });
  const temperature = options.temperature && rowReader(options.temperature, options);

  return (sequence, o, i, seen) => {
    const { n, q0, k0, sQ, sKv } = sequence;
    const factor = temperature ? sum(temperature(sequence, o, i) * sum(scale)) : sum(scale);
    const aligned = i + sKv - sQ;
    const qAt = ((q0 + i) * hQ + heads.q(o)) * d;

    const finish = (dot: number, added: number, rounded: (x: number) => number): number => {
      const x = rounded(factor * dot);
      const c = softcap > 0 ? rounded(softcap * sum(tanh(sum(x / softcap)))) : x;
      return bias || slope ? rounded(c + added) : c;
    };
    const row: ScoredRow = { weighing: [], summed: [] };
    for (const j of seen) {
      const kAt = ((k0 + j) * hK + heads.k(o)) * d;
      const dot = arithmetic.dot(q, qAt, k, kAt, d);
      const distance = abs(aligned - j);
      const added = sum((bias ? bias(n, o, i, j) : 0) - (slope ? sum(slope(0, 0, n, o) * distance) : 0));
      row.weighing.push(finish(dot, added, score));
      if (score !== lseScore) row.summed.push(finish(dot, added, lseScore));
    }
    if (score === lseScore) row.summed = row.weighing;
    return row;
  };
}

/** temperature and gate have the shape of lse: [b, hO, sQ], or [hO, tQ] when packed. */
function rowReader(grid: Grid, options: OracleOptions): (sequence: Sequence, o: number, i: number) => number {
  const at = reader(grid);
  return options.cuSeqLensQ ? ({ q0 }, o, i) => at(0, 0, o, q0 + i) : ({ n }, o, i) => at(0, n, o, i);
}

interface Softmax {
  /** exp(s - m). */
  weights: number[];
  /** Sum of the weights and of the sink's. */
  l: number;
  lse: number;
}

function softmax(scores: readonly number[], sink: number | undefined, arithmetic: Arithmetic): Softmax {
  const { sum, exponent, power, weight } = arithmetic;
  const s = scores.map(exponent);
  const sinkExponent = exponent(sink ?? -Infinity);
  let m = sinkExponent;
  for (const x of s) m = max(m, x);
  if (m === -Infinity) return { weights: s.map(() => 0), l: 0, lse: -Infinity };
  const p = s.map((x) => power(sum(x - m)));
  let l = sink === undefined ? 0 : power(sum(sinkExponent - m));
  for (const x of p) l = sum(l + x);
  return { weights: p.map(weight), l, lse: arithmetic.lse(m, l) };
}

export function attentionOracle(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  shape: AttentionShape,
  options: OracleOptions = {},
): OracleResult {
  const arithmetic = options.roundTo === undefined ? exact : plain(options.roundTo);
  const { sum, output } = arithmetic;
  const inputs = { q: arithmetic.input(q), k: arithmetic.input(k), v: arithmetic.input(v) };
  const heads = headsOf(shape, options.headMap);
  const { hO } = heads;
  const scoresOf = scorer(inputs, shape, options, arithmetic);
  const visible = visibility(options);
  const gate = options.gate && rowReader(options.gate, options);

  const packed = options.cuSeqLensQ !== undefined;
  const rowsEach = options.rows?.length ?? shape.sQ; // per sequence; packed: of all sequences
  const rowsAll = packed ? rowsEach : shape.b * rowsEach;
  const out = new Float64Array(rowsAll * hO * shape.dV);
  const lse = new Float64Array(rowsAll * hO);

  for (const sequence of sequencesOf(shape, options)) {
    const rows = options.rows ?? Array.from({ length: sequence.sQ }, (_, i) => i);
    const all = Array.from({ length: sequence.sKv }, (_, j) => j);
    for (let o = 0; o < hO; ++o)
      rows.forEach((i, place) => {
        const seen = all.filter((j) => visible(sequence, o, i, j));
        const scores = scoresOf(sequence, o, i, seen);
        const { weights, l } = softmax(scores.weighing, options.sinks?.[o], arithmetic);

        const row = packed ? sequence.q0 + i : sequence.n * rowsEach + place;
        const values = new Float64Array(shape.dV); // zeros where nothing is seen
        weights.forEach((weight, n) => {
          const vAt = ((sequence.k0 + seen[n]!) * shape.hV + heads.v(o)) * shape.dV;
          arithmetic.accumulate(values, weight, inputs.v, vAt);
        });
        const factor = gate ? gate(sequence, o, i) : 1;
        const normalised = (x: number) => (l === 0 ? 0 : sum(x / l));
        out.set(
          values.map((x) => output(factor * normalised(x))),
          (row * hO + o) * shape.dV,
        );

        const lseAt = packed ? o * rowsEach + row : (sequence.n * hO + o) * rowsEach + place;
        lse[lseAt] = softmax(scores.summed, options.sinks?.[o], arithmetic).lse;
      });
  }
  return { out, lse };
}
