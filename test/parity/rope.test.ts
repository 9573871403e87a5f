/** Rotary embedding against the oracle: pairings, scalings, positions, partial dims, in place, packed, inverse. */

import { rope, Tensor } from '../../lib/index.js';
import { ropeOracle, type RopeOptions, type RopeScaling } from '../oracle/rope.js';
import { round } from '../oracle/round.js';
import { targets } from '../support/backends.js';
import { assertSameBits, assertWithin, roundingBudget } from '../support/compare.js';
import { embed, type Layout } from '../support/embed.js';
import { normal, Random } from '../support/random.js';

interface RopeRow {
  name: string;
  /** [b, s, h, d], or packed [t, h, d]. */
  shape: readonly number[];
  options?: Omit<RopeOptions, 'positions' | 'roundTo'>;
  /** Given to the library as a tensor of this shape. Default: none, that is 0 to s - 1. */
  positions?: { data: readonly number[]; shape: readonly number[] };
  offset?: number;
  layout?: Layout;
  inPlace?: boolean;
}

const usual = [2, 9, 3, 32] as const;
const scaled = (scaling: RopeScaling, theta?: number) => ({ scaling, ...(theta && { theta }) });
const random = new Random(5);
const scattered = (n: number, most: number) => Array.from({ length: n }, () => random.integer(0, most));
const factors = (n: number, by: number) => Array.from({ length: n }, (_, t) => 1 + by * t);
const yarn = { type: 'yarn', factor: 8, originalMax: 64 } as const;
const longrope = {
  type: 'longrope',
  originalMax: 16,
  factor: 4,
  shortFactors: factors(16, 0.05),
  longFactors: factors(16, 0.5),
} as const;

const table: RopeRow[] = [
  { name: 'half-split is the default', shape: usual },
  { name: 'half-split', shape: usual, options: { pairing: 'half-split' } },
  { name: 'interleaved', shape: usual, options: { pairing: 'interleaved' } },
  { name: 'deinterleaved', shape: usual, options: { pairing: 'deinterleaved' } },
  { name: 'two dims', shape: [1, 5, 1, 2] },
  { name: 'dims that fill no vector', shape: [1, 5, 2, 14], options: { pairing: 'interleaved' } },
  { name: 'no tokens', shape: [1, 0, 2, 8] },
  { name: 'another theta', shape: usual, options: { theta: 500000 } },
  ...(['half-split', 'interleaved', 'deinterleaved'] as const).flatMap((pairing): RopeRow[] => [
    { name: `part of the dims, ${pairing}`, shape: usual, options: { pairing, rotaryDim: 12 } },
    { name: `inverse, ${pairing}`, shape: usual, options: { pairing, inverse: true } },
    { name: `in place, ${pairing}`, shape: usual, options: { pairing, rotaryDim: 20 }, inPlace: true },
    { name: `packed, ${pairing}`, shape: [21, 2, 16], options: { pairing } },
  ]),
  { name: 'positions per sequence', shape: usual, positions: { data: scattered(18, 300), shape: [2, 9] } },
  { name: 'positions for all sequences', shape: usual, positions: { data: scattered(9, 300), shape: [9] } },
  { name: 'positions of packed tokens', shape: [21, 2, 16], positions: { data: scattered(21, 300), shape: [21] } },
  { name: 'offset', shape: usual, offset: 1000 },
  { name: 'offset and positions add', shape: usual, offset: 77, positions: { data: scattered(9, 300), shape: [9] } },
  { name: 'positions of a long context: the angle keeps its digits', shape: usual, offset: 131000 },
  { name: 'transposed view', shape: usual, layout: 'heads-first' },
  { name: 'slices', shape: usual, layout: 'sliced', offset: 3 },
  { name: 'slices in place', shape: usual, layout: 'sliced', inPlace: true },
  { name: 'linear', shape: usual, offset: 50, options: scaled({ type: 'linear', factor: 4 }) },
  {
    name: 'dynamic NTK, within the trained length',
    shape: usual,
    options: scaled({ type: 'dynamic-ntk', factor: 2, originalMax: 64 }),
  },
  {
    name: 'dynamic NTK, beyond it',
    shape: usual,
    offset: 90,
    options: scaled({ type: 'dynamic-ntk', factor: 2, originalMax: 64 }),
  },
  {
    name: 'dynamic NTK, beyond it by positions',
    shape: usual,
    positions: { data: scattered(9, 300), shape: [9] },
    options: scaled({ type: 'dynamic-ntk', factor: 2, originalMax: 64 }),
  },
  {
    name: 'dynamic NTK, length given',
    shape: usual,
    options: scaled({ type: 'dynamic-ntk', factor: 2, originalMax: 64, currentLength: 200 }),
  },
  {
    name: 'llama3',
    shape: [1, 9, 2, 128],
    offset: 900,
    options: scaled({ type: 'llama3', factor: 8, originalMax: 8192, lowFreqFactor: 1, highFreqFactor: 4 }, 500000),
  },
  { name: 'YaRN', shape: usual, offset: 100, options: scaled(yarn) },
  { name: 'YaRN without truncation', shape: usual, offset: 100, options: scaled({ ...yarn, truncate: false }) },
  { name: 'YaRN, other betas', shape: usual, offset: 100, options: scaled({ ...yarn, betaFast: 16, betaSlow: 2 }) },
  {
    name: 'YaRN, given attention factor',
    shape: usual,
    offset: 100,
    options: scaled({ ...yarn, attentionFactor: 1.3 }),
  },
  { name: 'YaRN, mscale', shape: usual, offset: 100, options: scaled({ ...yarn, mscale: 0.7, mscaleAllDim: 1.2 }) },
  { name: 'YaRN, inverse keeps the factor', shape: usual, offset: 100, options: { ...scaled(yarn), inverse: true } },
  { name: 'LongRoPE, short factors', shape: usual, options: scaled(longrope) },
  { name: 'LongRoPE, long factors', shape: usual, offset: 20, options: scaled(longrope) },
  { name: 'LongRoPE, length given', shape: usual, options: scaled({ ...longrope, currentLength: 17 }) },
  { name: 'LongRoPE, given attention factor', shape: usual, options: scaled({ ...longrope, attentionFactor: 1.1 }) },
  ...(['half-split', 'interleaved'] as const).map((pairing): RopeRow => ({
    name: `proportional, ${pairing}`,
    shape: usual,
    offset: 40,
    options: { pairing, rotaryDim: 8, scaling: { type: 'proportional', factor: 2 } },
  })),
];

/** Position of every token. */
function positionsOf({ shape, positions, offset = 0 }: RopeRow): number[] {
  const [tokens, s] = shape.length === 4 ? [shape[0]! * shape[1]!, shape[1]!] : [shape[0]!, shape[0]!];
  return Array.from({ length: tokens }, (_, token) => {
    const given = positions && positions.data[positions.data.length === tokens ? token : token % s]!;
    return offset + (given ?? token % s);
  });
}

for (const { name, device, dtype } of targets())
  describe(`rope, ${name}`, () => {
    test.each(table)('$name', async (row) => {
      const { shape, options = {}, layout = 'dense' } = row;
      const [h, d] = [shape.at(-2)!, shape.at(-1)!];
      const values = round(normal(shape, 3), dtype);
      const asked: RopeOptions = { ...options, positions: positionsOf(row) };
      const exact = ropeOracle(values, h, d, asked);
      const plain = ropeOracle(values, h, d, { ...asked, roundTo: dtype });

      const input = embed(values, shape, { dtype, device, layout, margin: NaN });
      const output = row.inPlace ? input : embed(NaN, shape, { dtype, device, layout, margin: -7.75 });
      const positions =
        row.positions && Tensor.from([...row.positions.data], [...row.positions.shape], { dtype: 'int32', device });
      rope(input.view, {
        ...options,
        ...(positions && { positions }),
        ...(row.offset !== undefined && { offset: row.offset }),
        out: output.view,
      });
      assertWithin(await output.read(), exact, roundingBudget(dtype, exact, plain));
    });

    test.each(['half-split', 'interleaved'] as const)('the inverse restores, %s', async (pairing) => {
      const values = round(normal(usual, 8), dtype);
      const x = Tensor.from(values, [...usual], { dtype, device });
      const back = rope(rope(x, { pairing, offset: 5 }), { pairing, offset: 5, inverse: true });
      // Twice rounded: once by each rotation, which keeps lengths.
      const rounded = (options: Partial<RopeOptions>, from: Float64Array) =>
        ropeOracle(from, 3, 32, { pairing, positions: positionsOf({ name: '', shape: usual, offset: 5 }), ...options });
      const plain = rounded({ inverse: true, roundTo: dtype }, rounded({ roundTo: dtype }, values));
      assertWithin(await back.toArray(), values, roundingBudget(dtype, values, plain));
    });

    test('a new tensor and a given one hold the same bits', async () => {
      const x = Tensor.from(normal(usual, 9), [...usual], { dtype, device });
      const out = Tensor.empty([...usual], { dtype, device });
      rope(x, { out });
      assertSameBits(await rope(x).toBits(), await out.toBits());
    });
  });
