/** Layers of dynamic-mask attention of safetensors files, under the names of Doge checkpoints. */

import { DynamicMaskAttention, memoryUsage, Tensor, type DmaWeights } from '../../lib/index.js';
import { expectFailure, wrong } from '../support/expect-error.js';
import { normal } from '../support/random.js';
import { safetensorsFolder, type FileTensor } from '../support/safetensors-file.js';

// E 12, hQ 4, hKv 2, hB 2, d 8, dV 6.
const shapes: Readonly<Partial<Record<keyof DmaWeights, readonly number[]>>> = {
  wq: [32, 12],
  wk: [16, 12],
  wv: [12, 12],
  wo: [12, 24],
  wdt: [12, 2],
  a: [2],
  qNorm: [8],
  kNorm: [8],
};
const shapeOf = (name: string) => shapes[name as keyof DmaWeights]!;
const { fileOf } = safetensorsFolder();
const names: Readonly<Record<string, string>> = {
  wq: 'q_proj.weight',
  wk: 'k_proj.weight',
  wv: 'v_proj.weight',
  wo: 'o_proj.weight',
  wdt: 'dt_proj.weight',
  a: 'A',
  qNorm: 'q_norm.weight',
  kNorm: 'k_norm.weight',
};
const values = Object.fromEntries(
  Object.keys(names).map((name, n) => [name, Float32Array.from(normal(shapeOf(name), 50 + n), (value) => value / 4)]),
);
/** PyTorch keeps `dt_proj` as [hB, hKv dV]. */
const swapped = (data: Float32Array) => Float32Array.from(data, (_, at) => data[(at % 12) * 2 + Math.floor(at / 12)]!);
const file = (name: string, prefix: string, left: readonly string[], more: Readonly<Record<string, FileTensor>> = {}) =>
  fileOf(name, {
    ...Object.fromEntries(
      Object.entries(names)
        .filter(([weight]) => !left.includes(weight))
        .map(([weight, rest]) => [
          prefix + rest,
          weight === 'wdt'
            ? { shape: [2, 12], data: swapped(values[weight]!) }
            : { shape: shapeOf(weight), data: values[weight]! },
        ]),
    ),
    ...more,
  });

test.each([
  ['Hugging Face', [], {}],
  ['small-doge', ['qNorm', 'kNorm'], { headDim: 8 }],
] as const)('a layer of a file as %s makes it', async (dialect, left, options) => {
  const read = await DynamicMaskAttention.fromSafetensors(
    file(`${dialect}.safetensors`, 'model.layers.4.self_attn.', left),
    { layer: 4, keep: 3, ...options },
  );
  const plain = Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => !(left as readonly string[]).includes(name))
      .map(([name, data]) => [name, Tensor.from(data, shapeOf(name))]),
  ) as unknown as DmaWeights;
  const input = Tensor.from(normal([1, 9, 12], 3), [1, 9, 12]);
  const expected = await new DynamicMaskAttention(plain, { keep: 3, ...options }).forward(input).toArray();
  expect(expected.some((value) => value !== 0)).toBe(true);
  expect(await read.forward(input).toArray()).toEqual(expected);
  const before = memoryUsage()[0]!.tensors;
  read.dispose();
  expect(memoryUsage()[0]!.tensors).toBeLessThan(before);
});

const from = (path: string, options: object) => () => DynamicMaskAttention.fromSafetensors(path, wrong(options));
const bias = { 'a.dt_proj.bias': { shape: [2], data: new Float32Array(2) } };

describe('files that are refused', () => {
  const good = file('good.safetensors', 'a.', []);
  test.each([
    [
      'without a weight',
      from(file('lacks.safetensors', 'a.', ['wdt']), { prefix: 'a.' }),
      'ERR_OPTION',
      "has no wdt: expected 'a.dt_proj.weight'",
    ],
    ['of another layer', from(good, { layer: 3 }), 'ERR_OPTION', "'model.layers.3.self_attn.q_proj.weight'"],
    ['without a place', from(good, {}), 'ERR_OPTION', 'give layer, its number, or prefix'],
    ['with a misspelt option', from('none', { layer: 0, heads: 4 }), 'ERR_OPTION', "unknown option 'heads'"],
    [
      'without norms, and no head dim given',
      from(file('plain.safetensors', 'a.', ['qNorm', 'kNorm']), { prefix: 'a.' }),
      'ERR_OPTION',
      'give headDim',
    ],
    [
      'with a bias of the scores',
      from(file('biased.safetensors', 'a.', [], bias), { prefix: 'a.' }),
      'ERR_UNSUPPORTED',
      "has 'a.dt_proj.bias', a bias of the scores",
    ],
  ] as const)('%s', async (_, call, code, mentions) => expectFailure(call, code, mentions));
});
