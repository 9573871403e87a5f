/** Tolerances, derived from what a naive implementation errs by. The only place where a result is judged. */

import { ulp, type FloatDType } from '../oracle/round.js';

export interface Budget {
  /** Largest error of one element. */
  max: number;
  /** Root mean square error of the tensor. */
  rms: number;
}

const { abs, max, sqrt } = Math; // globals are slow to reach inside Jest
const { isFinite: isJudged } = Number;
const { is } = Object;

function rootMeanSquare(values: readonly number[]): number {
  return values.length === 0 ? 0 : sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
}

function errors(actual: ArrayLike<number>, exact: ArrayLike<number>): number[] {
  const result: number[] = [];
  for (let n = 0; n < exact.length; ++n) if (isJudged(exact[n]!)) result.push(abs(actual[n]! - exact[n]!));
  return result;
}

/** Standard errors by which a mean over few rows may differ from the same mean over many. */
const kDeviations = 3;

/**
 * How far the root mean squares of two results with the same distribution of errors may lie apart. Elements of a row
 * share the errors of its weights, so n rows are n samples of a mean square; the ratio of two roots of such means has a
 * standard error of (deviation / mean) / sqrt(2 n), which is 1 / sqrt(n) for normal errors, more where a few rows err most,
 * and vanishes in a large tensor. It keeps a tensor of two rows from being judged by luck.
 */
function sampling(naive: readonly number[], width: number): number {
  const rows: number[] = [];
  for (let at = 0; at < naive.length; at += width) rows.push(rootMeanSquare(naive.slice(at, at + width)) ** 2);
  const mean = rows.reduce((sum, x) => sum + x, 0) / rows.length;
  const deviation = sqrt(rows.reduce((sum, x) => sum + (x - mean) ** 2, 0) / rows.length);
  const spread = mean > 0 ? max(deviation / mean, sqrt(2)) : sqrt(2);
  return 1 + (kDeviations * spread) / sqrt(2 * max(1, rows.length));
}

/**
 * What a result of storage `dtype`, in rows of `width` elements, may err by.
 *
 * At its worst element: twice as much as the naive implementation `plain` plus one unit in the last place at the largest
 * value. Over the tensor: no more than `plain` plus roundings that cannot be avoided, each an error spread evenly over one
 * unit, unit / sqrt(12) on average: the one to the storage format, and in float32, where sums have no spare digits, those
 * of the weighted sum, of the sum of weights and of their quotient. All of it as far as the sample tells; see `sampling`.
 */
export function roundingBudget(
  dtype: FloatDType,
  exact: ArrayLike<number>,
  plain: ArrayLike<number>,
  width = 1,
): Budget {
  const judged = Array.from(exact).filter(isJudged);
  const largest = judged.reduce((most, x) => max(most, abs(x)), 0);
  const naive = errors(plain, exact);
  const roundings = dtype === 'float32' ? 3 : 1;
  const luck = sampling(naive, width);
  const unavoidable = rootMeanSquare(judged.map((x) => ulp(x, dtype))) * sqrt(roundings / 12);
  return {
    max: 2 * luck * naive.reduce((most, x) => max(most, x), 0) + ulp(largest, dtype),
    rms: luck * (rootMeanSquare(naive) + unavoidable),
  };
}

/** The budget of errors made one after the other. */
export function sumOf(a: Budget, b: Budget): Budget {
  return { max: a.max + b.max, rms: a.rms + b.rms };
}

/** Fails unless NaN and infinity agree position by position and the errors stay within `budget`. */
export function assertWithin(actual: ArrayLike<number>, exact: ArrayLike<number>, budget: Budget, what = 'result') {
  if (actual.length !== exact.length)
    throw new Error(`${what} has ${actual.length} elements, expected ${exact.length}`);
  let worst = 0;
  for (let n = 0; n < exact.length; ++n) {
    if (!isJudged(exact[n]!) || !isJudged(actual[n]!)) {
      if (!is(exact[n], actual[n])) throw new Error(`${what}[${n}] is ${actual[n]}, expected ${exact[n]}`);
    } else if (abs(actual[n]! - exact[n]!) > abs(actual[worst]! - exact[worst]!) || !isJudged(exact[worst]!)) worst = n;
  }
  const found = errors(actual, exact);
  const largest = found.reduce((most, x) => max(most, x), 0);
  const rms = rootMeanSquare(found);
  const place = `${what}[${worst}] is ${actual[worst]}, expected ${exact[worst]}`;
  if (largest > budget.max) throw new Error(`${place}: off by ${largest}, allowed ${budget.max}`);
  if (rms > budget.rms)
    throw new Error(`${what}: root mean square error ${rms}, allowed ${budget.rms}; worst: ${place}`);
}

/** Fails unless the two hold the same bits. */
export function assertSameBits(actual: ArrayLike<number>, expected: ArrayLike<number>, what = 'result') {
  if (actual.length !== expected.length)
    throw new Error(`${what} has ${actual.length} elements, expected ${expected.length}`);
  for (let n = 0; n < expected.length; ++n)
    if (!is(actual[n], expected[n]))
      throw new Error(`${what} differs first at [${n}]: ${actual[n]}, expected the bits of ${expected[n]}`);
}
