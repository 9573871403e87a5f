/** The two arithmetics of an oracle: exact, and that of a naive implementation in a storage format. */

import { round, roundOne, type FloatDType } from './round.js';

/** Where the naive implementation rounds. */
export interface Rounding {
  /** Inputs in the storage format. */
  inputs: FloatDType;
  /** The scores that weigh the values, after every step. */
  scores: FloatDType;
  /** The scores that `lse` is made of: float32 by contract, whatever the storage. */
  lse: FloatDType;
  output: FloatDType;
}

export interface Arithmetic {
  input(values: ArrayLike<number>): ArrayLike<number>;
  /** Every product, sum, exponential and quotient. */
  sum(x: number): number;
  score(x: number): number;
  lseScore(x: number): number;
  output(x: number): number;
  lse(x: number): number;
}

const same = <T>(x: T): T => x;

export const exact: Arithmetic = { input: same, sum: same, score: same, lseScore: same, output: same, lse: same };

/** Inputs, scores and output rounded as told; everything between them accumulated in float32, one after the other. */
export function plain(roundTo: FloatDType | Rounding): Arithmetic {
  const at: Rounding =
    typeof roundTo === 'string' ? { inputs: roundTo, scores: roundTo, lse: 'float32', output: roundTo } : roundTo;
  const score = (x: number) => roundOne(x, at.scores);
  return {
    input: (values) => round(values, at.inputs),
    sum: Math.fround,
    score,
    lseScore: at.lse === at.scores ? score : (x) => roundOne(x, at.lse),
    output: (x) => roundOne(x, at.output),
    lse: Math.fround,
  };
}
