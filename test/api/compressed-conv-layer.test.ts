/** CompressedConvAttention: what it refuses, and layers of safetensors files. */

import fs from 'node:fs';
import path from 'node:path';
import { attention, CompressedConvAttention, memoryUsage, Stream, Tensor, type CcaWeights } from '../../lib/index.js';
import { badCalls, expectFailure, wrong } from '../support/expect-error.js';
import { collectGarbage } from '../support/garbage.js';
import { normal } from '../support/random.js';
import { safetensorsFolder } from '../support/safetensors-file.js';

// E 12, hQ 4, hKv 2, d 8, k1 3, k2 2: 48 channels.
const shapes: Readonly<Record<string, readonly number[]>> = {
  wq: [32, 12],
  wk: [16, 12],
  wv1: [8, 12],
  wv2: [8, 12],
  wo: [12, 32],
  w1: [48, 3],
  b1: [48],
  w2: [48, 8, 2],
  b2: [48],
  temperature: [2],
};
const zeros = (...shape: number[]) => Tensor.zeros(shape);
const weights = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, zeros(...shape)]),
) as unknown as CcaWeights;
const having = (changed: object) => () => new CompressedConvAttention(wrong({ ...weights, ...changed }));
const layer = new CompressedConvAttention(weights);
const other = new CompressedConvAttention(weights);
const gone = layer.state();
gone.dispose();

const pool = zeros(1000);
const pooled = (from: number, ...shape: number[]) =>
  pool.slice([[from, from + shape.reduce((product, n) => product * n)]]).reshape(shape);
const sharing = having({ wq: pooled(0, 32, 12) });
const step = (options: object) => () => layer.append(layer.state(), zeros(1, 1, 12), wrong(options));

const needed = ['wq', 'wk', 'wv1', 'wv2', 'wo', 'w1', 'w2', 'temperature'];
badCalls('CompressedConvAttention refuses', [
  ...needed.map(
    (name) => [`no ${name}`, having({ [name]: undefined }), 'ERR_NOT_A_TENSOR', `weights.${name}`] as const,
  ),
  ...needed
    .filter((name) => name !== 'temperature')
    .map(
      (name) => [`${name} of another shape`, having({ [name]: zeros(5, 5) }), 'ERR_SHAPE', `weights.${name}`] as const,
    ),
  ...['bq', 'bk', 'bv1', 'bv2', 'bo', 'b1', 'b2'].map(
    (name) => [`${name} of another shape`, having({ [name]: zeros(5) }), 'ERR_SHAPE', `weights.${name}`] as const,
  ),
  [
    'head counts that do not divide',
    having({ temperature: zeros(4) }),
    'ERR_SHAPE',
    'weights.temperature has 4 key heads',
  ],
  [
    'weights of other dtypes',
    having({ wk: weights.wk.to({ dtype: 'float16' }) }),
    'ERR_DTYPE',
    'weights.wk must be float32',
  ],
  ['a misspelt weight', having({ wv3: zeros(1) }), 'ERR_OPTION', "weights: unknown option 'wv3'"],
  [
    'a misspelt option',
    () => new CompressedConvAttention(weights, wrong({ heads: 4 })),
    'ERR_OPTION',
    "unknown option 'heads'",
  ],
  ['x of another width', () => layer.forward(zeros(1, 2, 13)), 'ERR_SHAPE', 'x must have shape [b, s, 12]'],
  [
    'x of another dtype',
    () => layer.forward(Tensor.zeros([1, 2, 12], { dtype: 'float16' })),
    'ERR_DTYPE',
    'x must be float32',
  ],
  ['packed x without cuSeqLens', () => layer.forward(zeros(2, 12)), 'ERR_SHAPE', 'x must have shape [b, s, 12]'],
  [
    'an out of another shape',
    () => layer.forward(zeros(1, 2, 12), { out: zeros(1, 2, 11) }),
    'ERR_SHAPE',
    'out must have shape',
  ],
  ...[
    ['an out', { out: pooled(400, 1, 2, 12) }, 'out must not share its storage with weights.wq'] as const,
    ['an lse', { lse: pooled(400, 1, 4, 2) }, 'lse must not share its storage with weights.wq'] as const,
  ].flatMap(([what, options, mentions]) => [
    [
      `${what} in the storage of a weight`,
      () => sharing().forward(zeros(1, 2, 12), options),
      'ERR_OPTION',
      mentions,
    ] as const,
    [
      `${what} in the storage of a weight, of append`,
      () => {
        const made = sharing();
        made.append(made.state(), zeros(1, 2, 12), options);
      },
      'ERR_OPTION',
      mentions,
    ] as const,
  ]),
  [
    'an lse in the storage of out',
    () => layer.forward(zeros(1, 2, 12), { out: pooled(0, 1, 2, 12), lse: pooled(24, 1, 4, 2) }),
    'ERR_OPTION',
    'lse must not share its storage with out',
  ],
  ['a stream of null', step({ stream: null }), 'ERR_NOT_A_STREAM', 'stream must be'],
  ['a signal of 0', step({ signal: 0 }), 'ERR_ARGUMENT_TYPE', 'signal must be'],
  ['an out of null', step({ out: null }), 'ERR_NOT_A_TENSOR', 'out must be'],
  ['an lse of 0', step({ lse: 0 }), 'ERR_NOT_A_TENSOR', 'lse must be'],
  [
    'a misspelt option of forward',
    () => layer.forward(zeros(1, 2, 12), wrong({ causal: true })),
    'ERR_OPTION',
    "forward: unknown option 'causal'",
  ],
  [
    'the state of another layer',
    () => layer.append(other.state(), zeros(1, 1, 12)),
    'ERR_OPTION',
    'state must be one that this layer',
  ],
  [
    'another number of sequences',
    () => layer.append(layer.state({ b: 2 }), zeros(1, 1, 12)),
    'ERR_SHAPE',
    'x must have shape [2, n, 12], got [1, 1, 12], the sequences',
  ],
  ['a state that is gone', () => layer.append(gone, zeros(1, 1, 12)), 'ERR_DISPOSED', 'the state has been disposed of'],
  [
    'values that have no half',
    having({ w1: zeros(21, 3), b1: zeros(21), w2: zeros(21, 7, 2), b2: zeros(21), temperature: zeros(1) }),
    'ERR_SHAPE',
    'hKv of weights.temperature times d of weights.w2 must be even',
  ],
  [
    'a state where later keys count',
    () => new CompressedConvAttention(weights, { causal: false }).state(),
    'ERR_OPTION',
    'causal',
  ],
]);

test('an out that is refused leaves the state as it was', () => {
  using state = layer.state();
  expect(() => layer.append(state, zeros(1, 1, 12), { out: zeros(1, 1, 13) })).toThrow('out must have shape');
  expect(state.length).toBe(0);
});

test('a queue that is full leaves the state as it was', async () => {
  let refused = 0;
  for (let queueDepth = 1, done = false; !done; ++queueDepth) {
    using holder = new Stream();
    using big = Tensor.randn([2, 2000, 4, 64]);
    attention(big, big, big, { stream: holder }).dispose(); // keeps the layer's stream waiting
    using stream = new Stream('cpu', { queueDepth });
    stream.wait(holder.record());
    using state = layer.state();
    try {
      layer.append(state, zeros(1, 2, 12), { stream }).dispose();
      done = true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_QUEUE_FULL' });
      ++refused;
    }
    expect(state.length).toBe(done ? 2 : 0);
    await stream.synchronize();
  }
  expect(refused).toBeGreaterThan(4); // the output projection too
});

test('a layer tells its sizes, and releases what lies between', async () => {
  expect(layer.sizes).toEqual({ hQ: 4, hKv: 2, d: 8, e: 12 });
  const [x, lse] = [zeros(1, 2, 12), zeros(1, 4, 3)];
  using state = layer.state();
  layer.append(state, x).dispose(); // from now on the state has a past
  await collectGarbage(); // of other tests: a leak could hide behind what is collected meanwhile
  const before = memoryUsage()[0]!.tensors;
  for (let n = 0; n < 20; ++n) {
    using out = layer.forward(x);
    using next = layer.append(state, x);
    for (const each of [out, next]) await each.toArray();
    // Refused once queries, keys and values have been made.
    expect(() => layer.forward(x, { lse })).toThrow('lse must have shape');
    expect(() => layer.append(state, x, { lse })).toThrow('lse must have shape');
  }
  expect(memoryUsage()[0]!.tensors).toBe(before);
});

// ---- Files ----

const { folder, write, fileOf } = safetensorsFolder();

const values = Object.fromEntries(
  Object.entries(shapes).map(([name, shape], n) => [
    name,
    { shape: name === 'w1' ? [48, 1, 3] : shape, data: Float32Array.from(normal(shape, 50 + n)) },
  ]),
);
type Names = Readonly<Record<string, string>>;
const dialects: Readonly<Record<string, Names>> = {
  'Hugging Face': {
    wq: 'qkv_proj.q_proj.weight',
    wk: 'qkv_proj.k_proj.weight',
    wv1: 'qkv_proj.v_proj_current.weight',
    wv2: 'qkv_proj.v_proj_delayed.weight',
    wo: 'o_proj.weight',
    w1: 'qkv_proj.conv_qk_depthwise.weight',
    b1: 'qkv_proj.conv_qk_depthwise.bias',
    w2: 'qkv_proj.conv_qk_grouped.weight',
    b2: 'qkv_proj.conv_qk_grouped.bias',
    temperature: 'qk_norm.temp',
  },
  Zyphra: {
    wq: 'qkv.linear_q.weight',
    wk: 'qkv.linear_k.weight',
    wv1: 'qkv.val_proj1.weight',
    wv2: 'qkv.val_proj2.weight',
    wo: 'o_proj.weight',
    w1: 'qkv.conv_qk.0.weight',
    b1: 'qkv.conv_qk.0.bias',
    w2: 'qkv.conv_qk.1.weight',
    b2: 'qkv.conv_qk.1.bias',
    temperature: 'qkv.temp',
  },
};
const named = (names: Names, prefix: string, left?: string) =>
  Object.fromEntries(
    Object.entries(names)
      .filter(([name]) => name !== left)
      .map(([name, rest]) => [prefix + rest, values[name]!]),
  );

test.each(Object.entries(dialects))('a layer of a file with the names of %s', async (dialect, names) => {
  const file = fileOf(`${dialect}.safetensors`, named(names, 'model.layers.4.self_attn.'));
  const plain = Object.fromEntries(
    Object.entries(values).map(([name, { data }]) => [name, Tensor.from(data, shapes[name])]),
  ) as unknown as CcaWeights;
  const x = Tensor.from(normal([1, 9, 12], 3), [1, 9, 12]);
  const options = { tempMode: 'raw', rope: { rotaryDim: 4 } } as const;
  const expected = await new CompressedConvAttention(plain, options).forward(x).toArray();
  const before = memoryUsage()[0]!.tensors;
  const read = await CompressedConvAttention.fromSafetensors(file, { layer: 4, ...options });
  const found = read.forward(x);
  expect(await found.toArray()).toEqual(expected);
  expect(expected.some((value) => value !== 0)).toBe(true);
  found.dispose();
  read.dispose();
  expect(memoryUsage()[0]!.tensors).toBeLessThanOrEqual(before);
});

const names = dialects['Hugging Face']!;
const from = (file: string, options: object) => () => CompressedConvAttention.fromSafetensors(file, wrong(options));
const good = fileOf('good.safetensors', named(names, 'a.'));
const text = path.join(folder, 'text.safetensors');
fs.writeFileSync(text, 'not what it says it is');
const short = path.join(folder, 'short.safetensors');
fs.writeFileSync(short, fs.readFileSync(good).subarray(0, -8));

const end = 2 ** 52;
const far = write('far.safetensors', {
  'a.qkv_proj.q_proj.weight': { dtype: 'F32', shape: [end / 4], data_offsets: [0, end] },
});

describe('files that are refused', () => {
  test.each([
    [
      'without a weight',
      from(fileOf('lacks.safetensors', named(names, 'a.', 'w2')), { prefix: 'a.' }),
      'ERR_OPTION',
      "has no w2: expected 'a.qkv_proj.conv_qk_grouped.weight' or",
    ],
    ['of another layer', from(good, { layer: 3 }), 'ERR_OPTION', "'model.layers.3.self_attn.qkv_proj.q_proj.weight'"],
    ['without a place', from(good, {}), 'ERR_OPTION', 'give layer, its number, or prefix'],
    ['with two places', from(good, { layer: 3, prefix: 'a.' }), 'ERR_OPTION', 'one of the two'],
    ['without options', from(good, wrong(undefined)), 'ERR_ARGUMENT_TYPE', 'fromSafetensors: options must be'],
    ['with options of null', from(good, wrong(null)), 'ERR_ARGUMENT_TYPE', 'fromSafetensors: options must be'],
    ['with a prefix of 5', from(good, { prefix: 5 }), 'ERR_ARGUMENT_TYPE', 'prefix must be a string, got 5'],
    ['with a misspelt option', from('none', { layer: 0, heads: 4 }), 'ERR_OPTION', "unknown option 'heads'"],
    ['that are no path', from(wrong(5), { layer: 0 }), 'ERR_ARGUMENT_TYPE', 'file must be a string'],
    ['whose tensors end far behind it', from(far, { prefix: 'a.' }), 'ERR_OPTION', 'is no safetensors file'],
    ['of text', from(text, { prefix: 'a.' }), 'ERR_OPTION', 'is no safetensors file'],
    ['cut short', from(short, { prefix: 'a.' }), 'ERR_OPTION', 'is no safetensors file'],
  ] as const)('%s', async (_, call, code, mentions) => expectFailure(call, code, mentions));

  test('that do not exist', async () => {
    await expect(from(path.join(folder, 'none'), { layer: 0 })()).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
