/** The layer of compressed convolutional attention: worked example 7.6 in float32, the oracle in every dtype, and decode. */

import { CompressedConvAttention, Tensor, type CcaLayerOptions, type CcaWeights } from '../../lib/index.js';
import type { CcaOptions, CcaShape } from '../oracle/compressed-conv-attention.js';
import { ccaLayerOracle, type CcaWeights as OracleWeights } from '../oracle/compressed-conv-layer.js';
import { round, type FloatDType } from '../oracle/round.js';
import { targets } from '../support/backends.js';
import { assertWithin, roundingBudget } from '../support/compare.js';
import { g, printed } from '../support/generators.js';
import { normal } from '../support/random.js';

/** Of the oracle, [in, out], to those of the library, [out, in]. */
function transposed(values: ArrayLike<number>, rows: number, columns: number): Float64Array {
  return Float64Array.from(
    { length: rows * columns },
    (_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!,
  );
}

function tensorsOf(weights: OracleWeights, e: number, shape: CcaShape, dtype: FloatDType, device: string): CcaWeights {
  const { hQ, hKv, d, k1, k2 } = shape;
  const put = (values: ArrayLike<number>, ...sizes: number[]) =>
    Tensor.from(Float64Array.from(values), sizes, { dtype, device });
  const projection = (values: ArrayLike<number>, from: number, to: number) =>
    put(transposed(values, from, to), to, from);
  const channels = (hQ + hKv) * d;
  return {
    wq: projection(weights.wq, e, hQ * d),
    wk: projection(weights.wk, e, hKv * d),
    wv1: projection(weights.wv1, e, (hKv * d) / 2),
    wv2: projection(weights.wv2, e, (hKv * d) / 2),
    wo: projection(weights.wo, hQ * d, e),
    w1: put(weights.w1, channels, k1),
    b1: put(weights.b1!, channels),
    w2: put(weights.w2, channels, d, k2),
    b2: put(weights.b2!, channels),
    temperature: put(weights.temperature, hKv),
  };
}

const by = (factor: number, values: Float64Array) => values.map((x) => factor * x);
const example: { shape: CcaShape; weights: OracleWeights; x: Float64Array } = {
  shape: { b: 1, s: 3, hQ: 2, hKv: 1, d: 4, k1: 2, k2: 2 },
  x: g(12, 0.1),
  weights: {
    wq: g(32, 0.2),
    wk: g(16, 0.3),
    wv1: g(8, 0.4),
    wv2: g(8, 0.5),
    w1: by(0.5, g(24, 0.6)),
    b1: by(0.1, g(12, 0.7)),
    w2: by(0.5, g(96, 0.8)),
    b2: by(0.1, g(12, 0.9)),
    temperature: [0.2],
    wo: g(32, 1.0),
  },
};
const out = printed(`-0.092301 0.651283 1.088558 1.013867 / 0.292772 0.342418 0.231020 0.010970
  / 0.182883 0.534729 0.635083 0.436748`);

for (const { name, device } of targets(['float32']))
  describe(`worked example 7.6, ${name}`, () => {
    // Half a unit of the last printed digit, and what float32 loses on the way.
    const budget = { max: 1e-6, rms: 1e-6 };
    const options: CcaLayerOptions = { rope: { rotaryDim: 2 } };
    const layer = () =>
      new CompressedConvAttention(tensorsOf(example.weights, 4, example.shape, 'float32', device), options);
    const x = (from = 0, to = 3) => Tensor.from(example.x.slice(4 * from, 4 * to), [1, to - from, 4], { device });

    test('the whole layer', async () => assertWithin(await layer().forward(x()).toArray(), out, budget));
    test('token by token', async () => {
      const own = layer();
      using state = own.state({ capacity: 1 });
      for (let t = 0; t < 3; ++t)
        assertWithin(await own.append(state, x(t, t + 1)).toArray(), out.slice(4 * t, 4 * t + 4), budget);
    });
    test('packed', async () => {
      const cuSeqLens = Tensor.from(Int32Array.of(0, 3), [2], { device });
      assertWithin(
        await layer()
          .forward(x().reshape([3, 4]), { cuSeqLens })
          .toArray(),
        out,
        budget,
      );
    });
  });

/** Weights of unit variance at the output of each projection. */
function random(shape: CcaShape, e: number, dtype: FloatDType): { weights: OracleWeights; x: Float64Array } {
  const { b, s, hQ, hKv, d, k1, k2 } = shape;
  const channels = (hQ + hKv) * d;
  let seed = 0;
  const some = (sizes: number[], factor: number) =>
    round(
      normal(sizes, ++seed).map((x) => factor * x),
      dtype,
    );
  return {
    x: some([b, s, e], 1),
    weights: {
      wq: some([e, hQ * d], e ** -0.5),
      wk: some([e, hKv * d], e ** -0.5),
      wv1: some([e, (hKv * d) / 2], e ** -0.5),
      wv2: some([e, (hKv * d) / 2], e ** -0.5),
      w1: some([channels, k1], 0.7),
      b1: some([channels], 0.5),
      w2: some([channels, d, k2], (d * k2) ** -0.5),
      b2: some([channels], 0.5),
      temperature: some([hKv], 0.5),
      wo: some([hQ * d, e], (hQ * d) ** -0.5),
    },
  };
}

for (const { name, device, dtype } of targets())
  describe(`CompressedConvAttention, ${name}`, () => {
    const table: { name: string; shape: CcaShape; options: Pick<CcaOptions, 'causal' | 'tempMode' | 'rope'> }[] = [
      { name: 'CCA', shape: { b: 2, s: 21, hQ: 2, hKv: 2, d: 16, k1: 2, k2: 2 }, options: {} },
      {
        name: 'CCGQA as ZAYA has it',
        shape: { b: 1, s: 33, hQ: 4, hKv: 1, d: 16, k1: 2, k2: 2 },
        options: { tempMode: 'raw', rope: { rotaryDim: 8, theta: 5e6 } },
      },
      {
        name: 'not causal, more taps',
        shape: { b: 1, s: 20, hQ: 4, hKv: 2, d: 8, k1: 3, k2: 4 },
        options: { causal: false },
      },
    ];
    test.each(table)('$name', async ({ shape, options }) => {
      const e = 24;
      const { weights, x } = random(shape, e, dtype);
      const exact = ccaLayerOracle(x, e, weights, shape, options);
      const plain = ccaLayerOracle(x, e, weights, shape, { ...options, roundTo: dtype });
      using layer = new CompressedConvAttention(tensorsOf(weights, e, shape, dtype, device), options);
      const input = Tensor.from(x, [shape.b, shape.s, e], { dtype, device });
      const result = await layer.forward(input).toArray();
      assertWithin(result, exact.layer, roundingBudget(dtype, exact.layer, plain.layer, e));
    });
  });
