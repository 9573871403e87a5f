/** The matrix product against the oracle, at the sizes where kernels cut: rows, columns, depth. */

import { Tensor, linear } from '../../lib/index.js';
import type { FloatDType } from '../oracle/round.js';
import { targets } from '../support/backends.js';
import { checkLinear, type LinearCase, type LinearInputs } from '../support/linear-case.js';
import { Random } from '../support/random.js';

type Row = LinearCase & { name: string };

const table: Row[] = [
  { name: 'one element', lead: [1], in: 1, out: 1 },
  { name: 'a vector', lead: [], in: 40, out: 30 },
  ...[1, 2, 3, 4, 5, 7, 8, 12, 16].map((rows) => ({
    name: `few rows: ${rows}`,
    lead: [rows],
    in: 70,
    out: 75,
    bias: true,
  })),
  ...[13, 17, 18, 19, 64, 65].map((rows) => ({
    name: `many rows: ${rows}`,
    lead: [rows],
    in: 70,
    out: 75,
    bias: true,
  })),
  { name: 'more rows than a block takes', lead: [389], in: 40, out: 33 },
  ...[1, 15, 16, 17, 31, 33, 63, 64, 65, 128, 129, 257, 513].flatMap((out) => [
    { name: `few rows, ${out} columns`, lead: [3], in: 33, out },
    { name: `many rows, ${out} columns`, lead: [20], in: 33, out },
  ]),
  ...[1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 255, 256, 257, 383, 384, 385, 767, 768, 769, 1030].flatMap(
    (depth) => [
      { name: `few rows, depth ${depth}`, lead: [2], in: depth, out: 21, bias: true },
      { name: `many rows, depth ${depth}`, lead: [17], in: depth, out: 21, bias: true },
    ],
  ),
  { name: 'many axes', lead: [2, 1, 3, 2], in: 20, out: 24, bias: true },
  { name: 'a heads-first view of few rows', lead: [1, 2, 3], in: 20, out: 24, layout: 'heads-first' },
  { name: 'a heads-first view of many rows', lead: [2, 5, 7], in: 20, out: 24, layout: 'heads-first', bias: true },
  { name: 'a slice of few rows', lead: [2, 3], in: 21, out: 19, layout: 'sliced', bias: true },
  { name: 'a slice of many rows', lead: [3, 2, 5], in: 21, out: 19, layout: 'sliced', bias: true },
  { name: 'sliced weights, few rows', lead: [3], in: 70, out: 20, weights: 'sliced' },
  { name: 'sliced weights, many rows', lead: [30], in: 70, out: 20, weights: 'sliced' },
  { name: 'a stream of its own', lead: [30], in: 70, out: 20, ownStream: true },
  { name: 'no rows', lead: [0], in: 7, out: 5 },
  { name: 'no columns', lead: [4], in: 7, out: 0 },
  { name: 'no depth', lead: [4], in: 0, out: 5 },
  { name: 'no depth, few rows, a bias', lead: [4], in: 0, out: 5, bias: true },
  { name: 'no depth, many rows, a bias', lead: [40], in: 0, out: 5, bias: true },
  { name: 'nothing at all', lead: [0, 3], in: 0, out: 0, bias: true },
];

/** Rows of whole 16 bytes, as tensor cores take them: tiles of 128 rows by 256 columns, steps of 64 of depth. */
const aligned: Row[] = [
  { name: 'aligned, few rows', lead: [16], in: 64, out: 24 },
  { name: 'aligned, less than a step', lead: [17], in: 8, out: 16 },
  { name: 'aligned, two steps', lead: [20], in: 72, out: 40, bias: true },
  { name: 'aligned, several tiles', lead: [3, 50], in: 200, out: 264, bias: true },
  { name: 'aligned, no depth', lead: [20], in: 0, out: 8, bias: true },
  { name: 'aligned, an odd depth', lead: [20], in: 65, out: 40 },
  { name: 'aligned, an odd width', lead: [20], in: 64, out: 41 },
  {
    name: 'aligned, NaN and infinity',
    lead: [20],
    in: 136,
    out: 40,
    edit: ({ x, w }: LinearInputs) => ((x[135] = NaN), (w[39 * 136] = Infinity), (x[136 * 3] = 0)),
  },
].map((row) => ({ ...row, layout: 'aligned', weights: 'aligned' }));

const low: Row[] = [
  { name: 'few rows', lead: [4], in: 300, out: 40, bias: true },
  { name: 'many rows', lead: [50], in: 300, out: 40, bias: true },
  { name: 'odd depth: the dot product takes pairs', lead: [17], in: 37, out: 21 },
  { name: 'depth of one', lead: [17], in: 1, out: 21 },
  { name: 'more than a block of depth', lead: [17], in: 1030, out: 21 },
  { name: 'slices', lead: [4, 5], in: 37, out: 21, layout: 'sliced', weights: 'sliced' },
].map((row) => ({ ...row, precision: 'bfloat16' }) as Row);

/** What a plain loop does with them, wherever in the row they stand. */
const hostile: Row[] = [3, 19].flatMap((rows): Row[] => {
  const form = { lead: [rows], in: 75, out: 37 };
  return [
    { ...form, name: `${rows} rows: NaN in x stays in its row`, edit: ({ x }) => x.fill(NaN, 75, 77) },
    { ...form, name: `${rows} rows: NaN in w stays in its column`, edit: ({ w }) => w.fill(NaN, 36 * 75 + 74) },
    { ...form, name: `${rows} rows: infinity in the last column of x`, edit: ({ x }) => (x[74] = Infinity) },
    {
      ...form,
      name: `${rows} rows: infinity times zero`,
      edit: ({ x, w }) => ((x[2 * 75 + 74] = -Infinity), w.fill(0, 5 * 75, 6 * 75)),
    },
    {
      ...form,
      name: `${rows} rows: infinities that cancel`,
      edit: ({ x, w }) => ((x[3] = Infinity), (x[70] = Infinity), (w[3] = 1), (w[70] = -1)),
    },
    { ...form, name: `${rows} rows: infinity in the bias`, bias: true, edit: ({ bias }) => (bias![36] = -Infinity) },
  ];
});

for (const { name, ...place } of targets())
  describe(`linear, ${name}`, () => {
    test.each(table)('$name', (row) => checkLinear(row, place));
    test.each(aligned)('$name', (row) => checkLinear(row, place));
    test.each(hostile)('$name', (row) => checkLinear(row, place));
  });

for (const { name, ...place } of targets(['float32']))
  describe(`linear, precision 'bfloat16', ${name}`, () => {
    test.each(low)('$name', (row) => checkLinear(row, place));

    test.each([1, 16])('%i rows, which no machine is faster at, have the bits of float32', async (rows) => {
      const { device } = place;
      const [x, w] = [Tensor.randn([rows, 40], { seed: 1, device }), Tensor.randn([30, 40], { seed: 2, device })];
      const [low, high] = [linear(x, w, { precision: 'bfloat16' }), linear(x, w)];
      expect(await low.toBits()).toEqual(await high.toBits());
    });
  });

/** Zeros and ones, whose products add up to integers that are right or wrong. */
for (const { name, device, dtype } of targets())
  describe(`linear by counting, ${name}`, () => {
    const bits = (count: number, random: Random) =>
      Float64Array.from({ length: count }, () => Number(random.chance(0.5)));
    test.each([1, 2, 3, 5, 8, 13, 20])('%i rows of every width', async (rows) => {
      const random = new Random(rows);
      for (let turn = 0; turn < 40; ++turn) {
        const [depth, out] = [random.integer(0, 250), random.integer(1, 140)];
        const [x, w] = [bits(rows * depth, random), bits(out * depth, random)];
        const counts = Array.from({ length: rows * out }, (_, at) => {
          const [r, n] = [Math.floor(at / out), at % out];
          let count = 0;
          for (let c = 0; c < depth; ++c) count += x[r * depth + c]! * w[n * depth + c]!;
          return count;
        });
        const result = linear(
          Tensor.from(x, [rows, depth], { dtype, device }),
          Tensor.from(w, [out, depth], { dtype, device }),
        );
        expect({ turn, depth, out, counts: Array.from(await result.toArray()) }).toEqual({ turn, depth, out, counts });
      }
    });
  });

/** A result must not depend on where its rows lie. */
for (const { name, device, dtype } of targets())
  test(`linear of repeated rows and repeated weights, ${name}`, async () => {
    const from = (shape: number[]) => Tensor.randn(shape, { seed: 4, dtype: dtype satisfies FloatDType, device });
    const [x, w] = [from([1, 40]), from([1, 40])];
    const dense = linear(x.expand([20, 40]).to({ dtype }), w.expand([9, 40]).to({ dtype }));
    const repeated = linear(x.expand([20, 40]), w.expand([9, 40]));
    expect(await repeated.toBits()).toEqual(await dense.toBits());
    expect(new Set(await repeated.toArray()).size).toBe(1);
  });
