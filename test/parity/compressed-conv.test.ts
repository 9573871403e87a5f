/** Compressed convolutional attention against its oracle: first q, k and v as attention gets them, then the output. */

import { compressedConvAttention, compressedConvPrologue, Tensor } from '../../lib/index.js';
import { ccaOracle, ccaPrologueOracle } from '../oracle/compressed-conv-attention.js';
import type { RopeScaling } from '../oracle/rope.js';
import { targets } from '../support/backends.js';
import { filled, inputsOf, isPadding, oracleOptions, shapeOf, tensorsOf, type CcaCase } from '../support/cca-case.js';
import { assertSameBits, assertWithin, roundingBudget } from '../support/compare.js';
import { expectFailure } from '../support/expect-error.js';
import { g } from '../support/generators.js';

type Row = CcaCase & { name: string };

const small = { b: 2, s: 9, hQ: 4, hKv: 2, d: 16 };
const taps = [1, 2, 3, 4].flatMap((k1) => [1, 2, 3, 4].map((k2) => ({ k1, k2 })));
const scaled = (scaling: RopeScaling) => ({ scaling });
const longrope = { type: 'longrope', originalMax: 16, factor: 4 } as const;

// Tiles are 64 tokens long, products 6 channels by 4 to 64 tokens wide. Rows of many tokens have heads of 16 or more: of
// fewer channels some head is nearly zero, and its norm makes one rounding of a sum the error of the whole tensor.
const table: Row[] = [
  { name: 'CCA, as many key as query heads', shape: { ...small, hKv: 4 } },
  { name: 'CCGQA', shape: small },
  { name: 'one key head: its value is half current, half delayed', shape: { ...small, hKv: 1 } },
  { name: 'three key heads: the middle one is half current, half delayed', shape: { ...small, hQ: 3, hKv: 3 } },
  ...taps.map((k): Row => ({ name: `${k.k1} and ${k.k2} taps`, shape: { ...small, b: 1, ...k } })),
  { name: 'the most taps', shape: { b: 1, s: 70, hQ: 2, hKv: 1, d: 16, k1: 8, k2: 8 } },
  { name: 'no biases', shape: small, without: ['b1', 'b2'] },
  { name: 'no first bias', shape: small, without: ['b1'] },
  { name: 'no second bias', shape: small, without: ['b2'] },
  { name: 'a bias of the delayed projection', shape: small, delayedBias: true },
  { name: 'one token', shape: { ...small, s: 1 } },
  { name: 'two tokens', shape: { ...small, s: 2 } },
  { name: 'no tokens', shape: { ...small, s: 0 } },
  { name: 'no sequences', shape: { ...small, b: 0 } },
  { name: 'one whole tile', shape: { ...small, b: 1, s: 64 } },
  { name: 'one token in the second tile', shape: { ...small, b: 1, s: 65 } },
  { name: 'many tiles, halos across each', shape: { b: 1, s: 140, hQ: 2, hKv: 1, d: 16, k1: 3, k2: 4 } },
  ...[2, 6, 8, 14, 24, 40, 64, 80, 96, 128, 192, 256].map((d): Row => ({
    name: `head dim ${d}`,
    shape: { b: 1, s: d > 100 ? 3 : 19, hQ: 2, hKv: 1, d },
  })),
  // On a GPU, sequences of more than 16 tokens in 16-bit floats go to tensor cores, in tiles of 128 tokens.
  ...[16, 64, 72, 128, 256].map((d): Row => ({
    name: `head dim ${d}, more tokens`,
    shape: { b: 1, s: d === 64 ? 131 : 18, hQ: 4, hKv: 2, d },
  })),
  { name: 'more tokens, many taps', shape: { ...small, s: 40, k1: 4, k2: 3 } },
  { name: 'more tokens, parameters in float32', shape: { ...small, s: 40 }, parameterDtype: 'float32' },
  { name: 'more tokens, of which a quarter turns', shape: { ...small, s: 40 }, rope: { rotaryDim: 4 } },
  { name: 'more tokens, no rotation', shape: { ...small, s: 40 }, rope: false },
  {
    name: 'more tokens, positions of each',
    shape: { ...small, s: 20 },
    positions: Array.from({ length: 40 }, (_, t) => (t * 7) % 40),
  },
  { name: 'an odd head dim without rotation', shape: { b: 1, s: 9, hQ: 4, hKv: 2, d: 7 }, rope: false },
  { name: 'an odd head dim, of which six turn', shape: { b: 1, s: 9, hQ: 4, hKv: 2, d: 7 }, rope: { rotaryDim: 6 } },
  ...(['exp', 'raw', 'expClamped'] as const).map((tempMode): Row => ({
    name: `tempMode ${tempMode}`,
    shape: small,
    tempMode,
  })),
  { name: 'no rotation', shape: small, rope: false },
  ...(['half-split', 'interleaved', 'deinterleaved'] as const).flatMap((pairing): Row[] => [
    { name: pairing, shape: small, rope: { pairing } },
    { name: `${pairing}, half of a head`, shape: small, rope: { pairing, rotaryDim: 8, theta: 5e6 } },
  ]),
  { name: 'an offset', shape: small, offset: 4000 },
  { name: 'positions of each token', shape: small, positions: Array.from({ length: 18 }, (_, t) => (t * 7) % 18) },
  { name: 'positions of all sequences', shape: small, positions: [0, 0, 0, 1, 2, 3, 4, 9, 10], offset: 3 },
  { name: 'linear scaling', shape: small, rope: scaled({ type: 'linear', factor: 4 }) },
  {
    name: 'dynamic NTK by the longest sequence',
    shape: small,
    rope: scaled({ type: 'dynamic-ntk', factor: 2, originalMax: 5 }),
  },
  ...[
    { lengths: [3, 8] },
    { positions: [0, 1, 2, 3, 4, 5, 6, 20, 7], lengths: [7, 9] },
    { cuSeqLens: [0, 3, 9, 17], shape: { ...small, s: 18 } },
  ].map((row): Row => ({
    name: `dynamic NTK by the longest ${Object.keys(row).join(' and ')}`,
    shape: small,
    rope: scaled({ type: 'dynamic-ntk', factor: 2, originalMax: 5 }),
    ...row,
  })),
  {
    name: 'LongRoPE, only padding beyond its length',
    shape: small,
    offset: 10,
    lengths: [6, 2],
    rope: scaled({ ...longrope, shortFactors: Array<number>(8).fill(1), longFactors: [1, 1.5, 2, 2.5, 3, 3.5, 4, 5] }),
  },
  {
    name: 'LongRoPE beyond its length',
    shape: small,
    offset: 10,
    rope: scaled({ ...longrope, shortFactors: Array<number>(8).fill(1), longFactors: [1, 1.5, 2, 2.5, 3, 3.5, 4, 5] }),
  },
  { name: 'proportional', shape: small, rope: { rotaryDim: 4, scaling: { type: 'proportional' } } },
  { name: 'packed', shape: { ...small, s: 100 }, cuSeqLens: [0, 3, 3, 4, 70, 100] },
  { name: 'packed, padding behind', shape: { ...small, s: 90, k1: 4 }, cuSeqLens: [0, 66, 71] },
  { name: 'packed, nothing', shape: { ...small, s: 5 }, cuSeqLens: [0, 0] },
  {
    name: 'packed, positions of each token',
    shape: { ...small, s: 12 },
    cuSeqLens: [0, 5, 12],
    positions: Array.from({ length: 12 }, (_, t) => 3 * t),
  },
  { name: 'lengths', shape: { ...small, b: 4, s: 70 }, lengths: [70, 3, 0, 65] },
  { name: 'lengths, not causal', shape: { ...small, b: 4, s: 70 }, lengths: [70, 3, 0, 65], causal: false },
  { name: 'not causal', shape: { ...small, s: 40 }, causal: false },
  { name: 'a window', shape: { ...small, s: 40 }, window: { left: 5 } },
  { name: 'a window and lengths', shape: { ...small, s: 40 }, window: { left: 5 }, lengths: [33, 40] },
  { name: 'rows with gaps between them', shape: { ...small, s: 70 }, layout: 'sliced' },
  { name: 'packed rows with gaps between them', shape: { ...small, s: 70 }, layout: 'sliced', cuSeqLens: [0, 7, 70] },
  { name: 'parameters in float32', shape: small, parameterDtype: 'float32', delayedBias: true },
  {
    name: 'one large latent among small ones',
    shape: small,
    edit: ({ latent }) => (latent[30] = 1000),
  },
];

for (const { name, device, dtype } of targets())
  describe(`compressedConvAttention, ${name}`, () => {
    test.each(table)('$name', async (row) => {
      const shape = shapeOf(row);
      const { s, hQ, hKv, d } = shape;
      const inputs = inputsOf(row, dtype);
      const options = oracleOptions(row);
      const exact = ccaOracle(inputs.projections, inputs.parameters, shape, options);
      const plain = ccaOracle(inputs.projections, inputs.parameters, shape, { ...options, roundTo: dtype });
      const tensors = tensorsOf(row, inputs, device, dtype);
      const { causal, window } = row;
      const heads = compressedConvPrologue(tensors.projections, tensors.parameters, tensors.options);
      for (const [part, h] of [
        ['q', hQ],
        ['k', hKv],
        ['v', hKv],
      ] as const) {
        expect(heads[part].shape).toEqual(row.cuSeqLens ? [s, h, d] : [shape.b, s, h, d]);
        assertWithin(
          await heads[part].toArray(),
          exact[part],
          roundingBudget(dtype, exact[part], plain[part], d),
          part,
        );
      }
      const rows = row.cuSeqLens ? [hQ, s] : [shape.b, hQ, s];
      const lse = Tensor.empty(rows, { device });
      const out = compressedConvAttention(tensors.projections, tensors.parameters, {
        ...tensors.options,
        ...(causal !== undefined && { causal }),
        ...(window && { window }),
        lse,
      });
      assertWithin(await out.toArray(), exact.out, roundingBudget(dtype, exact.out, plain.out, d), 'out');
      const judged = (values: ArrayLike<number>) =>
        Array.from(values).filter((_, at) => {
          const token = row.cuSeqLens ? at % s : Math.floor(at / (hQ * s)) * s + (at % s);
          return !isPadding(row, token);
        });
      const [exactLse, plainLse] = [judged(exact.lse), judged(plain.lse)];
      assertWithin(judged(await lse.toArray()), exactLse, roundingBudget('float32', exactLse, plainLse), 'lse');
      for (const tensor of [...Object.values(heads), lse, out] as Tensor[]) tensor.dispose();
      tensors.dispose();
    });

    test('a zero vector stays zero', async () => {
      const row: CcaCase = { shape: small, without: ['b1', 'b2'], edit: ({ latent }) => latent.fill(0) };
      const tensors = tensorsOf(row, inputsOf(row, dtype), device, dtype);
      const { q, k } = compressedConvPrologue(tensors.projections, tensors.parameters);
      for (const tensor of [q, k]) expect((await tensor.toArray()).every((x) => x === 0)).toBe(true);
    });

    test.each<[string, CcaCase, string]>([
      ['lengths', { shape: small, lengths: [9, 10] }, 'lengths[1] is 10, expected 0 to 9'],
      ['cuSeqLens', { shape: small, cuSeqLens: [0, 5, 3] }, 'cuSeqLens[2] is 3, expected 5 to 9'],
    ])('the contents of %s are checked when the work runs', async (_, row, mentions) => {
      const tensors = tensorsOf(
        row,
        inputsOf({ shape: small, ...(row.cuSeqLens && { cuSeqLens: [0, 9] }) }, dtype),
        device,
        dtype,
      );
      const out = compressedConvAttention(tensors.projections, tensors.parameters, tensors.options);
      await expectFailure(() => out.toArray(), 'ERR_INDEX', mentions);
    });

    test('given tensors receive the result', async () => {
      const tensors = tensorsOf({ shape: small }, inputsOf({ shape: small }, dtype), device, dtype);
      const { q, k, v } = compressedConvPrologue(tensors.projections, tensors.parameters);
      const fresh = (h: number) =>
        Tensor.full([2, 9, h, 32], NaN, { dtype, device }).slice([null, null, null, [5, 21]]);
      const out = { q: fresh(4), k: fresh(2), v: fresh(2) };
      expect(compressedConvPrologue(tensors.projections, tensors.parameters, { out })).toEqual(out);
      assertSameBits(await out.q.toBits(), await q.toBits(), 'q');
      assertSameBits(await out.k.toBits(), await k.toBits(), 'k');
      assertSameBits(await out.v.toBits(), await v.toBits(), 'v');
      tensors.dispose();
    });

    test('packed sequences hold the bits of separate ones', async () => {
      const row: CcaCase = { shape: { ...small, s: 90 }, cuSeqLens: [0, 17, 90] };
      const inputs = inputsOf(row, dtype);
      const tensors = tensorsOf(row, inputs, device, dtype);
      const packed = compressedConvPrologue(tensors.projections, tensors.parameters, tensors.options);
      const { latent, value, delayed } = tensors.projections;
      for (const [from, to] of [
        [0, 17],
        [17, 90],
      ] as const) {
        const rows = (x: Tensor) => x.slice([[from, to], null]).reshape([1, to - from, -1]);
        const alone = compressedConvPrologue(
          { latent: rows(latent), value: rows(value), delayed: rows(delayed) },
          tensors.parameters,
        );
        for (const part of ['q', 'k', 'v'] as const)
          assertSameBits(await alone[part].toBits(), await packed[part].slice([[from, to], null, null]).toBits(), part);
      }
    });
  });

for (const { name, device } of targets(['float32']))
  test(`worked example 7.6, ${name}`, async () => {
    const f32 = (values: ArrayLike<number>, shape: number[]) => filled(values, shape, 'float32', device);
    const by = (factor: number, values: Float64Array) => values.map((x) => factor * x);
    const shape = { b: 1, s: 3, hQ: 2, hKv: 1, d: 4, k1: 2, k2: 2 };
    const product = (weights: Float64Array, columns: number) => {
      const x = g(12, 0.1);
      return Float64Array.from({ length: 3 * columns }, (_, at) => {
        const [t, c] = [Math.floor(at / columns), at % columns];
        return [0, 1, 2, 3].reduce((sum, e) => sum + x[t * 4 + e]! * weights[e * columns + c]!, 0);
      });
    };
    const [q0, k0] = [product(g(32, 0.2), 8), product(g(16, 0.3), 4)];
    const latent = [0, 1, 2].flatMap((t) => [...q0.slice(8 * t, 8 * t + 8), ...k0.slice(4 * t, 4 * t + 4)]);
    const values = { latent, value: product(g(8, 0.4), 2), delayed: product(g(8, 0.5), 2) };
    const weights = {
      w1: by(0.5, g(24, 0.6)),
      b1: by(0.1, g(12, 0.7)),
      w2: by(0.5, g(96, 0.8)),
      b2: by(0.1, g(12, 0.9)),
      temperature: Float64Array.of(0.2),
    };
    const projections = {
      latent: f32(values.latent, [1, 3, 12]),
      value: f32(values.value, [1, 3, 2]),
      delayed: f32(values.delayed, [1, 3, 2]),
    };
    const parameters = {
      w1: f32(weights.w1, [12, 2]),
      b1: f32(weights.b1, [12]),
      w2: f32(weights.w2, [12, 4, 2]),
      b2: f32(weights.b2, [12]),
      temperature: f32(weights.temperature, [1]),
    };
    const exact = ccaPrologueOracle(values, weights, shape, { rope: { rotaryDim: 2 } });
    const heads = compressedConvPrologue(projections, parameters, { rope: { rotaryDim: 2 } });
    const budget = { max: 1e-6, rms: 1e-6 };
    for (const part of ['q', 'k', 'v'] as const) assertWithin(await heads[part].toArray(), exact[part], budget, part);
    const lse = Tensor.empty([1, 2, 3], { device });
    compressedConvAttention(projections, parameters, { rope: { rotaryDim: 2 }, lse });
    const printed = [-1.61888, 1.406477, 1.939233, 1.800689, 2.300718, 1.062862];
    assertWithin(await lse.toArray(), printed, budget, 'lse');
  });
