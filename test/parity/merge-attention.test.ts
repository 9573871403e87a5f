/** Merging of partial attention states: attention-variants 1.4, weights of the caller, sinks, gates, empty parts. */

import { attention, mergeAttention, Tensor } from '../../lib/index.js';
import { attentionOracle } from '../oracle/attention.js';
import type { Grid } from '../oracle/grid.js';
import { mergeOracle, type MergeOptions, type PartialState } from '../oracle/merge-attention.js';
import { round } from '../oracle/round.js';
import { targets } from '../support/backends.js';
import { assertWithin, roundingBudget } from '../support/compare.js';
import { embed, type Layout } from '../support/embed.js';
import { normal } from '../support/random.js';

interface MergeRow {
  name: string;
  parts: number;
  shape: { b: number; s: number; h: number; d: number };
  options?: Omit<MergeOptions, 'roundTo'>;
  weight?(part: number): Grid | undefined;
  lse?(part: number, at: number, usual: number): number;
  layout?: Layout;
}

const usual = { b: 2, s: 7, h: 3, d: 16 };
const grid = (shape: number[], seed: number): Grid => ({ data: round(normal(shape, seed), 'float32'), shape });

const table: MergeRow[] = [
  { name: 'one part', parts: 1, shape: usual },
  { name: 'two parts', parts: 2, shape: usual },
  { name: 'many parts', parts: 17, shape: usual },
  { name: 'odd head dim', parts: 3, shape: { b: 1, s: 5, h: 2, d: 13 } },
  { name: 'head dim of one', parts: 3, shape: { b: 1, s: 5, h: 2, d: 1 } },
  { name: 'no queries', parts: 2, shape: { ...usual, s: 0 } },
  { name: 'some parts without keys', parts: 3, shape: usual, lse: (p, at, x) => ((at + p) % 3 === 0 ? -Infinity : x) },
  { name: 'all parts without keys', parts: 3, shape: usual, lse: () => -Infinity },
  {
    name: 'parts that call themselves empty by +infinity',
    parts: 2,
    shape: usual,
    lse: (p, at, x) => (p === at % 2 ? Infinity : x),
  },
  { name: 'all parts empty, a sink', parts: 2, shape: usual, lse: () => -Infinity, options: { sinks: [1, -2, 0] } },
  { name: 'weights far apart', parts: 3, shape: usual, lse: (p, _, x) => x + 400 * p },
  { name: 'large weights', parts: 3, shape: usual, lse: (_p, _, x) => x + 3e4 },
  { name: 'sinks', parts: 2, shape: usual, options: { sinks: [0.5, -1, 3] } },
  { name: 'sinks that are no finite number', parts: 2, shape: usual, options: { sinks: [Infinity, -Infinity, NaN] } },
  {
    name: 'all parts empty, an infinite sink',
    parts: 2,
    shape: usual,
    lse: () => -Infinity,
    options: { sinks: [Infinity, -Infinity, NaN] },
  },
  { name: 'gate', parts: 2, shape: usual, options: { gate: grid([2, 3, 7], 50) } },
  {
    name: 'gate shared by the heads',
    parts: 2,
    shape: usual,
    options: { gate: grid([2, 1, 7], 51), sinks: [1, 1, 1] },
  },
  { name: 'weights of the caller', parts: 3, shape: usual, weight: (p) => grid([2, 3, 7], 60 + p) },
  { name: 'weights of the caller, one per head', parts: 3, shape: usual, weight: (p) => grid([3, 1], 70 + p) },
  {
    name: 'weights of the caller for one part only',
    parts: 3,
    shape: usual,
    weight: (p) => (p === 1 ? grid([7], 80) : undefined),
  },
  { name: 'transposed parts', parts: 2, shape: usual, layout: 'heads-first' },
  { name: 'sliced parts', parts: 2, shape: usual, layout: 'sliced' },
];

for (const { name, device, dtype } of targets())
  describe(`mergeAttention, ${name}`, () => {
    test.each(table)('$name', async (row) => {
      const { b, s, h, d } = row.shape;
      const { layout = 'dense', options = {} } = row;
      const parts: PartialState[] = Array.from({ length: row.parts }, (_, p) => ({
        out: round(normal([b, s, h, d], 10 + p), dtype),
        lse: round(
          normal([b, h, s], 30 + p).map((x, at) => row.lse?.(p, at, 3 * x) ?? 3 * x),
          'float32',
        ),
        ...(row.weight?.(p) && { weight: row.weight(p)! }),
      }));
      const exact = mergeOracle(parts, row.shape, options);
      const plain = mergeOracle(parts, row.shape, { ...options, roundTo: dtype });

      const float = (each: Grid) => embed(each.data, each.shape, { dtype: 'float32', device, margin: NaN }).view;
      const states = parts.map((part) => ({
        out: embed(part.out, [b, s, h, d], { dtype, device, layout, margin: NaN }).view,
        ...(part.weight ? { weight: float(part.weight) } : { lse: float({ data: part.lse!, shape: [b, h, s] }) }),
      }));
      const out = embed(NaN, [b, s, h, d], { dtype, device, layout, margin: -7.75 });
      const lse = embed(NaN, [b, h, s], { dtype: 'float32', device, margin: -7.75 });
      mergeAttention(states, {
        ...(options.sinks && { sinks: float({ data: options.sinks, shape: [h] }) }),
        ...(options.gate && { gate: float(options.gate) }),
        out: out.view,
        lse: lse.view,
      });
      assertWithin(await lse.read(), exact.lse, roundingBudget('float32', exact.lse, plain.lse), 'lse');
      assertWithin(await out.read(), exact.out, roundingBudget(dtype, exact.out, plain.out, d), 'out');
    });
  });

for (const { name, device } of targets(['float32']))
  describe(`parts of the keys, merged, ${name}`, () => {
    const shape = { b: 2, sQ: 9, sKv: 90, hQ: 4, hK: 2, hV: 2, d: 16, dV: 16 };
    const [q, k, v] = [
      round(normal([2, 9, 4, 16], 1), 'float32'),
      round(normal([2, 90, 2, 16], 2), 'float32'),
      round(normal([2, 90, 2, 16], 3), 'float32'),
    ] as const;
    const tensors = () =>
      [
        Tensor.from(q, [2, 9, 4, 16], { device }),
        Tensor.from(k, [2, 90, 2, 16], { device }),
        Tensor.from(v, [2, 90, 2, 16], { device }),
      ] as const;
    const merge = async (cuts: number[], sinkInPart?: number) => {
      const [tq, tk, tv] = tensors();
      const sinks = Tensor.from([0.5, 2, -1, 0], [4], { device });
      const states = cuts.slice(1).map((to, p) => {
        const keys = (t: Tensor) => t.slice([null, [cuts[p]!, to], null, null]);
        const lse = Tensor.empty([2, 4, 9], { device });
        return { out: attention(tq, keys(tk), keys(tv), { lse, ...(p === sinkInPart && { sinks }) }), lse };
      });
      const lse = Tensor.empty([2, 4, 9], { device });
      const out = mergeAttention(states, { lse, ...(sinkInPart === -1 && { sinks }) });
      return { out: await out.toArray(), lse: await lse.toArray() };
    };

    const cuts = [0, 1, 40, 40, 77, 90]; // one key, many, none
    test.each([
      ['without sinks', undefined, undefined],
      ['the sink counted in the first part', 0, [0.5, 2, -1, 0]],
      ['the sink counted in a part without keys', 2, [0.5, 2, -1, 0]],
      ['the sink counted by the merge', -1, [0.5, 2, -1, 0]],
    ] as const)('equal the whole, %s', async (_, sinkInPart, sinks) => {
      const options = sinks ? { sinks } : {};
      const exact = attentionOracle(q, k, v, shape, options);
      const plain = attentionOracle(q, k, v, shape, { ...options, roundTo: 'float32' });
      const { out, lse } = await merge(cuts, sinkInPart);
      assertWithin(lse, exact.lse, roundingBudget('float32', exact.lse, plain.lse), 'lse');
      assertWithin(out, exact.out, roundingBudget('float32', exact.out, plain.out, shape.dV), 'out');
    });
  });
