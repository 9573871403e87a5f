/** One row of a table of matrix products: plain data, from which the inputs, the call and the exact answer follow. */

import { linear, Stream } from '../../lib/index.js';
import type { Rounding } from '../oracle/arithmetic.js';
import { linearOracle, type LinearShape } from '../oracle/linear.js';
import { round, type FloatDType } from '../oracle/round.js';
import type { Place } from './attention-case.js';
import { assertWithin, roundingBudget, sumOf } from './compare.js';
import { embed, type Layout } from './embed.js';
import { normal, sizeOf } from './random.js';

export interface LinearInputs {
  x: Float64Array;
  w: Float64Array;
  bias?: Float64Array;
}

export interface LinearCase {
  /** Of x but for its last axis. */
  lead: readonly number[];
  in: number;
  out: number;
  bias?: boolean;
  precision?: 'bfloat16';
  /** Of x and out. */
  layout?: Layout;
  /** Of w. */
  weights?: 'dense' | 'aligned' | 'sliced';
  ownStream?: boolean;
  /** Changes the random inputs before they are rounded. */
  edit?(values: LinearInputs, row: LinearCase): void;
}

const kSentinel = -7.75; // around outputs; exact in every dtype

export function inputsOf(row: LinearCase, dtype: FloatDType): LinearInputs {
  const values: LinearInputs = {
    x: normal([...row.lead, row.in], 1),
    w: normal([row.out, row.in], 2),
    ...(row.bias && { bias: normal([row.out], 3) }),
  };
  row.edit?.(values, row);
  return {
    x: round(values.x, dtype),
    w: round(values.w, dtype),
    ...(values.bias && { bias: round(values.bias, dtype) }),
  };
}

/** Calls the library: inputs surrounded by NaN, an output that starts as NaN between guard elements. */
export async function runLinear(row: LinearCase, { device, dtype }: Place, values: LinearInputs) {
  const { layout = 'dense', weights = 'dense' } = row;
  const input = (data: Float64Array, shape: readonly number[], lie: Layout) =>
    embed(data, shape, { dtype, device, layout: lie, margin: NaN });
  const x = input(values.x, [...row.lead, row.in], layout);
  const w = input(values.w, [row.out, row.in], weights);
  const bias = values.bias && input(values.bias, [row.out], 'dense');
  const out = embed(NaN, [...row.lead, row.out], { dtype, device, layout, margin: kSentinel });
  const stream = row.ownStream ? new Stream(device) : undefined;
  try {
    const result = linear(x.view, w.view, {
      ...(bias && { bias: bias.view }),
      ...(row.precision && { precision: row.precision }),
      ...(stream && { stream }),
      out: out.view,
    });
    expect(result).toBe(out.view);
    return await out.read();
  } finally {
    stream?.close();
    for (const each of [x, w, bias, out]) each?.dispose();
  }
}

/** Runs the row and judges its result: below the storage format, the precision asked for rounds x and w first. */
export async function checkLinear(row: LinearCase, place: Place): Promise<void> {
  const { dtype } = place;
  const shape: LinearShape = { rows: sizeOf(row.lead), in: row.in, out: row.out };
  const values = inputsOf(row, dtype);
  const found = await runLinear(row, place, values);
  const exact = linearOracle(values, shape);
  if (!row.precision) {
    const plain = linearOracle(values, shape, dtype);
    return assertWithin(found, exact, roundingBudget(dtype, exact, plain, row.out), 'out');
  }
  const low = row.precision;
  const roundTo: Rounding = { inputs: low, scores: dtype, weights: dtype, lse: dtype, output: dtype };
  const asked = linearOracle({ ...values, x: round(values.x, low), w: round(values.w, low) }, shape);
  const plain = linearOracle(values, shape, roundTo);
  const budget = sumOf(roundingBudget(dtype, asked, plain, row.out), roundingBudget(dtype, exact, asked, row.out));
  assertWithin(found, exact, budget, 'out');
}
