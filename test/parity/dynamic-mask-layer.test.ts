/** The layer of dynamic-mask attention: worked example 7.5 in float32, the oracle in every dtype, and decode. */

import { DynamicMaskAttention, Tensor, type DmaLayerOptions } from '../../lib/index.js';
import { dmaLayerOracle, type DmaLayerOracleOptions, type DmaLayerShape } from '../oracle/dynamic-mask-layer.js';
import type { FloatDType } from '../oracle/round.js';
import { targets } from '../support/backends.js';
import { assertSameBits, assertWithin, roundingBudget, type Budget } from '../support/compare.js';
import { dmaLayerCase, dmaTensors, type DmaLayerCase, type DmaLayerForm } from '../support/dma-layer-case.js';
import { g, printed } from '../support/generators.js';

type LayerOptions = Omit<DmaLayerOracleOptions, 'offset' | 'cuSeqLens' | 'kvLengths' | 'roundTo'>;

interface Row extends DmaLayerForm {
  name: string;
  shape: DmaLayerShape;
  options?: LayerOptions;
  /** Position of the first token. */
  offset?: number;
}

/** The options of the layer, for those of the oracle. */
function layerOptions({ shape, options = {}, offset }: Row): DmaLayerOptions {
  const { rope, ...rest } = options;
  return {
    ...rest,
    headDim: shape.d,
    ...((rope !== undefined || offset !== undefined) && {
      rope: rope === false ? false : { ...rope, ...(offset !== undefined && { offset }) },
    }),
  };
}

interface Judged extends DmaLayerCase {
  exact: Float64Array;
  budget: Budget;
}

/** What the layer should give. Fails where rounding could change which keys are kept. */
function judged(row: Row, dtype: FloatDType, more: Partial<DmaLayerOracleOptions> = {}): Judged {
  const { weights, x } = dmaLayerCase(row.shape, dtype, row);
  const options = { ...row.options, ...(row.offset !== undefined && { offset: row.offset }), ...more };
  const exact = dmaLayerOracle(x, weights, row.shape, options);
  const plain = dmaLayerOracle(x, weights, row.shape, { ...options, roundTo: dtype });
  const { s } = row.shape;
  const order = (scores: Float64Array) =>
    Array.from({ length: scores.length / s }, (_, head) => {
      const own = scores.subarray(head * s, (head + 1) * s);
      return Array.from(own.keys()).sort((i, j) => own[j]! - own[i]!);
    });
  expect(order(plain.scores)).toEqual(order(exact.scores));
  return { weights, x, exact: exact.layer, budget: roundingBudget(dtype, exact.layer, plain.layer, row.shape.e) };
}

const usual: DmaLayerShape = { b: 2, s: 21, e: 24, hQ: 4, hKv: 2, hB: 2, d: 16, dV: 16 };
const table: Row[] = [
  { name: 'as Hugging Face has it: norms, a score per key head', shape: usual, norms: true, options: { keep: 8 } },
  { name: 'as small-doge has it: no norms, a score per query head', shape: { ...usual, hB: 4 }, options: { keep: 8 } },
  { name: 'one score head', shape: { ...usual, hB: 1 }, norms: true, options: { keep: 8 } },
  { name: 'biases', shape: usual, biases: true, norms: true, options: { keep: 8 } },
  { name: 'another epsilon', shape: usual, norms: true, options: { keep: 8, epsilon: 0.5 } },
  { name: 'everything kept', shape: usual, norms: true },
  { name: 'the linear form', shape: usual, norms: true, options: { keep: 8, form: 'linear' } },
  { name: 'selection shared by all queries', shape: usual, options: { keep: 8, selection: 'shared' } },
  { name: 'whole blocks of keys', shape: usual, options: { keep: 8, blockSize: 3 } },
  { name: 'scores above zero', shape: usual, options: { selection: 'relu', form: 'linear' } },
  { name: 'not causal', shape: usual, norms: true, options: { keep: 8, causal: false } },
  { name: 'another scale', shape: usual, options: { keep: 8, scale: 0.5 } },
  { name: 'nothing turns', shape: usual, norms: true, options: { keep: 8, rope: false } },
  {
    name: 'part of a head turns, from position 50',
    shape: usual,
    offset: 50,
    options: { keep: 8, rope: { rotaryDim: 8, theta: 5e5, pairing: 'interleaved' } },
  },
  {
    name: 'a scaled turn',
    shape: usual,
    options: { keep: 8, rope: { scaling: { type: 'yarn', factor: 4, originalMax: 16 } } },
  },
  { name: 'values of another head dim', shape: { ...usual, dV: 8 }, norms: true, options: { keep: 8 } },
  { name: 'one head of each', shape: { ...usual, hQ: 1, hKv: 1, hB: 1 }, norms: true, options: { keep: 8 } },
  { name: 'several tiles', shape: { ...usual, b: 1, s: 100 }, norms: true, options: { keep: 16 } },
];

/** Q, K and V of the example stand side by side in x, and the weights pick them. */
const example = () => {
  const [q, k, v] = [g(16, 0.1), g(8, 0.2), g(8, 0.3)];
  const x = new Float64Array(32);
  for (let token = 0; token < 4; ++token)
    x.set(
      [
        ...q.slice(4 * token, 4 * token + 4),
        ...k.slice(2 * token, 2 * token + 2),
        ...v.slice(2 * token, 2 * token + 2),
      ],
      8 * token,
    );
  const pick = (rows: number, columns: number, first: number) =>
    Float64Array.from({ length: rows * columns }, (_, at) => Number(at % columns === Math.floor(at / columns) + first));
  return {
    x,
    shape: { b: 1, s: 4, e: 8, hQ: 2, hKv: 1, hB: 1, d: 2, dV: 2 },
    weights: { wq: pick(4, 8, 0), wk: pick(2, 8, 4), wv: pick(2, 8, 6), wo: pick(8, 4, 0), wdt: g(2, 0.5), a: [-0.8] },
  };
};
const rows = printed(`0.295520 0.841471 0.295520 0.841471 / 0.662863 0.753872 0.553492 0.779953
  / 0.153147 0.026650 0.207113 0.335505 / -0.331147 -0.711191 -0.648516 -0.795771`);

for (const { name, device } of targets(['float32']))
  describe(`worked example 7.5, ${name}`, () => {
    const { x, shape, weights } = example();
    const options: DmaLayerOptions = { headDim: 2, keep: 2, rope: false };
    const layer = () => new DynamicMaskAttention(dmaTensors(weights, shape, 'float32', device), options);
    // Half a unit of the last printed digit, and what float32 loses on the way.
    const budget = { max: 1e-6, rms: 1e-6 };
    const attended = (out: Float32Array) => out.filter((_, at) => at % 8 < 4);

    test('the whole layer', async () => {
      const out = await layer()
        .forward(Tensor.from(x, [1, 4, 8], { device }))
        .toArray();
      assertWithin(attended(out), rows, budget);
    });
    test('token by token', async () => {
      const own = layer();
      using state = own.state({ capacity: 1 });
      for (let t = 0; t < 4; ++t) {
        const token = Tensor.from(x.slice(8 * t, 8 * t + 8), [1, 1, 8], { device });
        assertWithin(attended(await own.append(state, token).toArray()), rows.slice(4 * t, 4 * t + 4), budget);
      }
    });
  });

for (const { name, device, dtype } of targets())
  describe(`DynamicMaskAttention, ${name}`, () => {
    const layerOf = (row: Row, weights: DmaLayerCase['weights']) =>
      new DynamicMaskAttention(dmaTensors(weights, row.shape, dtype, device), layerOptions(row));
    const tensor = (values: ArrayLike<number>, shape: readonly number[]) =>
      Tensor.from(Float64Array.from(values), shape, { dtype, device });
    const indices = (...values: number[]) => Tensor.from(Int32Array.from(values), [values.length], { device });

    test.each(table)('$name', async (row) => {
      const { b, s, e } = row.shape;
      const { weights, x, exact, budget } = judged(row, dtype);
      const out = layerOf(row, weights).forward(tensor(x, [b, s, e]));
      expect(out.shape).toEqual([b, s, e]);
      assertWithin(await out.toArray(), exact, budget);
    });

    const sparse: Row = { name: '', shape: usual, norms: true, biases: true, options: { keep: 8 } };

    test.each<[string, LayerOptions]>([
      ['each query chooses', { keep: 8 }],
      ['all queries of a sequence choose', { keep: 8, selection: 'shared' }],
      ['whole blocks of a sequence', { keep: 8, blockSize: 3 }],
    ])('packed sequences, one of no token, and tokens behind the last: %s', async (_, options) => {
      const row = { ...sparse, options, shape: { ...usual, b: 1, s: 30 } };
      const cuSeqLens = [0, 11, 11, 28];
      const { weights, x, exact, budget } = judged(row, dtype, { cuSeqLens });
      const out = layerOf(row, weights).forward(tensor(x, [30, 24]), { cuSeqLens: indices(...cuSeqLens) });
      expect(out.shape).toEqual([30, 24]);
      assertWithin(await out.toArray(), exact, budget);
    });

    test('scoring weights and norms in float32', async () => {
      const { weights, x, exact, budget } = judged(sparse, dtype);
      const made = dmaTensors(weights, usual, dtype, device);
      for (const name of ['wdt', 'a', 'qNorm', 'kNorm'] as const) made[name] = made[name]!.to({ dtype: 'float32' });
      const out = new DynamicMaskAttention(made, layerOptions(sparse)).forward(tensor(x, [2, 21, 24]));
      expect(out.dtype).toBe(dtype);
      assertWithin(await out.toArray(), exact, budget);
    });

    test('padding, where later tokens count', async () => {
      const row = { ...sparse, options: { keep: 8, causal: false } };
      const { weights, x, exact, budget } = judged(row, dtype, { kvLengths: [13, 21] });
      const out = layerOf(row, weights).forward(tensor(x, [2, 21, 24]), { lengths: indices(13, 21) });
      const used = (values: ArrayLike<number>) => Array.from(values).filter((_, at) => at < 13 * 24 || at >= 21 * 24);
      assertWithin(used(await out.toArray()), used(exact), budget);
    });

    test('padding behind a causal sequence changes nothing before it', async () => {
      const { weights, x } = judged(sparse, dtype);
      const layer = layerOf(sparse, weights);
      const input = tensor(x, [2, 21, 24]);
      const whole = await layer.forward(input).toArray();
      const padded = x.map((value, at) => (at % (21 * 24) < 13 * 24 ? value : 100));
      const out = await layer.forward(tensor(padded, [2, 21, 24])).toArray();
      const used = (values: Float32Array) => values.filter((_, at) => at % (21 * 24) < 13 * 24);
      const budget = roundingBudget(dtype, used(whole), used(whole), 24);
      assertWithin(used(out), used(whole), budget);
    });

    test('lse, out and the tensors of a call', async () => {
      const { weights, x } = judged(sparse, dtype);
      const exact = dmaLayerOracle(x, weights, usual, { keep: 8 });
      const plain = dmaLayerOracle(x, weights, usual, { keep: 8, roundTo: dtype });
      const [out, lse] = [Tensor.zeros([2, 21, 24], { dtype, device }), Tensor.zeros([2, 4, 21], { device })];
      expect(layerOf(sparse, weights).forward(tensor(x, [2, 21, 24]), { out, lse })).toBe(out);
      assertWithin(await out.toArray(), exact.layer, roundingBudget(dtype, exact.layer, plain.layer, 24));
      // Its scores come from q and k in the dtype of the layer, which rounded three times on the way.
      const spread = roundingBudget(dtype, exact.lse, plain.lse);
      assertWithin(await lse.toArray(), exact.lse, spread, 'lse');
    });

    // ---- Tokens appended to a state, in any portions: the same as all at once. ----

    const ones = (n: number) => Array<number>(n).fill(1);
    const portions: { name: string; row?: Partial<Row>; portions: readonly number[]; capacity?: number }[] = [
      { name: 'one shot', portions: [21] },
      { name: 'token by token', portions: ones(21) },
      { name: 'a prompt, then token by token', portions: [13, ...ones(8)] },
      { name: 'chunks, and none', portions: [2, 0, 9, 1, 9] },
      { name: 'buffers that grow', portions: [3, 1, 1, 7, ...ones(9)], capacity: 1 },
      {
        name: 'without norms, a score per query head',
        row: { shape: { ...usual, hB: 4 }, norms: false },
        portions: [9, ...ones(12)],
      },
      { name: 'from position 100', row: { offset: 100 }, portions: [9, ...ones(12)] },
      { name: 'everything kept', row: { options: {} }, portions: [9, ...ones(12)] },
      {
        name: 'the linear form, another scale',
        row: { options: { keep: 5, form: 'linear', scale: 0.4 } },
        portions: [9, ...ones(12)],
      },
      { name: 'values of another head dim', row: { shape: { ...usual, dV: 8 } }, portions: [9, ...ones(12)] },
    ];
    test.each(portions)('a state: $name', async ({ row: changed, portions, capacity = 64 }) => {
      const row: Row = { ...sparse, ...changed };
      const { b, s, e } = row.shape;
      const { weights, x, exact, budget } = judged(row, dtype);
      const layer = layerOf(row, weights);
      using state = layer.state({ b, capacity });
      const input = tensor(x, [b, s, e]);
      const found = new Float64Array(x.length);
      let first = 0;
      for (const n of portions) {
        const out = layer.append(state, input.slice([null, [first, first + n], null]));
        const values = await out.toArray();
        for (let sequence = 0; sequence < b; ++sequence)
          found.set(values.subarray(sequence * n * e, (sequence + 1) * n * e), (sequence * s + first) * e);
        first += n;
        expect(state.length).toBe(first);
      }
      assertWithin(found, exact, budget);
    });

    test('a state that goes back gives the same again, and ends what it took back', async () => {
      const { weights, x } = judged(sparse, dtype);
      const layer = layerOf(sparse, weights);
      const input = tensor(x, [2, 21, 24]);
      using state = layer.state({ b: 2, capacity: 12 });
      const append = (from: number, to: number) => layer.append(state, input.slice([null, [from, to], null])).toArray();
      await append(0, 10);
      using before = state.snapshot();
      const first = [await append(10, 11), await append(11, 12)];
      const later = state.snapshot();
      await append(12, 21); // grows
      state.rollback(before);
      expect(state.length).toBe(10);
      expect(() => state.rollback(later)).toThrow('snapshot has been disposed of');
      await append(15, 21); // other tokens
      state.rollback(before);
      const again = [await append(10, 11), await append(11, 12)];
      for (const n of [0, 1]) assertSameBits(again[n]!, first[n]!);
    });
  });
