/** DynamicMaskAttention: what it refuses, and what it leaves as it was. */

import {
  attention,
  DynamicMaskAttention,
  memoryUsage,
  Stream,
  Tensor,
  type DmaLayerOptions,
  type DmaWeights,
} from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';
import { collectGarbage } from '../support/garbage.js';
import { normal } from '../support/random.js';

// E 12, hQ 4, hKv 2, hB 2, d 8, dV 6.
const shapes: Readonly<Record<keyof DmaWeights, readonly number[]>> = {
  wq: [32, 12],
  wk: [16, 12],
  wv: [12, 12],
  wo: [12, 24],
  bq: [32],
  bk: [16],
  bv: [12],
  bo: [12],
  wdt: [12, 2],
  a: [2],
  qNorm: [8],
  kNorm: [8],
};
const zeros = (...shape: number[]) => Tensor.zeros(shape);
const weights = Object.fromEntries(
  Object.entries(shapes).map(([name, shape]) => [name, zeros(...shape)]),
) as unknown as DmaWeights;
const { qNorm: _q, kNorm: _k, ...without } = weights;
const made = (options: object) => () => new DynamicMaskAttention(weights, wrong(options));
const having = (changed: object) => () => new DynamicMaskAttention(wrong({ ...weights, ...changed }));
const layer = new DynamicMaskAttention(weights);
const other = new DynamicMaskAttention(weights);

const pool = zeros(1000);
const pooled = (from: number, ...shape: number[]) =>
  pool.slice([[from, from + shape.reduce((product, n) => product * n)]]).reshape(shape);
const sharing = having({ wq: pooled(0, 32, 12) });
const x = zeros(1, 2, 12);
const starts = Tensor.from(Int32Array.of(0, 2));
const step = (options: object) => () => layer.append(layer.state(), zeros(1, 1, 12), wrong(options));
const forward = (options: object) => () => layer.forward(x, wrong(options));
const stateOf = (options: DmaLayerOptions) => () => new DynamicMaskAttention(weights, options).state();
const dynamicNtk = { type: 'dynamic-ntk', factor: 2, originalMax: 64 } as const;

const needed = ['wq', 'wk', 'wv', 'wo', 'wdt', 'a'];
badCalls('DynamicMaskAttention refuses', [
  ...needed.map(
    (name) => [`no ${name}`, having({ [name]: undefined }), 'ERR_NOT_A_TENSOR', `weights.${name}`] as const,
  ),
  ...Object.keys(shapes).map(
    (name) => [`${name} of another shape`, having({ [name]: zeros(5, 5) }), 'ERR_SHAPE', `weights.${name}`] as const,
  ),
  [
    'head counts that do not divide',
    having({ wq: zeros(24, 12), wo: zeros(12, 18) }),
    'ERR_SHAPE',
    'weights.wq has 3 query heads, which must be a multiple of the 2 of wk',
  ],
  [
    'heads that are not whole',
    having({ wq: zeros(36, 12) }),
    'ERR_SHAPE',
    'weights.wq must have shape [heads d, E], got [36, 12], where the head dim d is 8',
  ],
  [
    'score heads that belong to nothing',
    having({ a: zeros(3), wdt: zeros(12, 3) }),
    'ERR_SHAPE',
    'weights.a must have shape [hB], got [3], where hB is 1 or 2 or 4',
  ],
  [
    'scoring weights as PyTorch keeps them',
    having({ wdt: zeros(2, 12) }),
    'ERR_SHAPE',
    'weights.wdt must have shape [12, 2], got [2, 12]',
  ],
  [
    'weights of other dtypes',
    having({ wk: weights.wk.to({ dtype: 'float16' }) }),
    'ERR_DTYPE',
    'weights.wk must be float32 like weights.wq',
  ],
  [
    'norms of other dtypes',
    having({ kNorm: weights.kNorm!.to({ dtype: 'float16' }) }),
    'ERR_DTYPE',
    'weights.kNorm must be float32, got float16',
  ],
  ['integers', having({ wq: Tensor.zeros([32, 12], { dtype: 'int32' }) }), 'ERR_DTYPE', 'weights.wq must be float32'],
  ['a misspelt weight', having({ wv1: zeros(1) }), 'ERR_OPTION', "weights: unknown option 'wv1'"],
  ['no weights', () => new DynamicMaskAttention(wrong(undefined)), 'ERR_ARGUMENT_TYPE', 'weights must be'],
  [
    'weights that do not tell the head dim',
    () => new DynamicMaskAttention(without),
    'ERR_OPTION',
    'weights without qNorm and kNorm do not tell the head dim: give headDim',
  ],
  ['a head dim that is not that of the norms', made({ headDim: 4 }), 'ERR_SHAPE', 'weights.qNorm must have shape [4]'],
  ['a head dim of 0', made({ headDim: 0 }), 'ERR_ARGUMENT_VALUE', 'headDim must be an integer of at least 1'],
  ['a misspelt option', made({ heads: 4 }), 'ERR_OPTION', "unknown option 'heads'"],
  ['an unknown form', made({ form: 'tanh' }), 'ERR_ARGUMENT_VALUE', "form must be 'exp' or 'linear'"],
  ['an unknown selection', made({ selection: 'all' }), 'ERR_ARGUMENT_VALUE', "selection must be 'perQuery' or"],
  ['a keep of 0', made({ keep: 0 }), 'ERR_ARGUMENT_VALUE', 'keep must be an integer of at least 1'],
  ['a keep of relu', made({ selection: 'relu', keep: 4 }), 'ERR_OPTION', "selection 'relu' keeps all keys"],
  ['an epsilon of 0', made({ epsilon: 0 }), 'ERR_ARGUMENT_VALUE', 'epsilon must lie within'],
  ['a causal of 1', made({ causal: 1 }), 'ERR_ARGUMENT_TYPE', 'causal must be a boolean'],
  ['an infinite scale', made({ scale: Infinity }), 'ERR_ARGUMENT_VALUE', 'scale must be a finite number'],
  ['an unknown precision', made({ precision: 'float8' }), 'ERR_ARGUMENT_VALUE', "precision must be 'bfloat16'"],
  ['a rope of true', made({ rope: true }), 'ERR_ARGUMENT_TYPE', 'rope must be false or { theta, rotaryDim'],
  ['positions of a number', made({ rope: { positions: 5 } }), 'ERR_NOT_A_TENSOR', 'rope.positions must be a Tensor'],
  ['positions of floats', made({ rope: { positions: zeros(2) } }), 'ERR_DTYPE', 'rope.positions must be int32'],
  ['an odd rotary dim', made({ rope: { rotaryDim: 3 } }), 'ERR_ARGUMENT_VALUE', 'rotaryDim must be even'],
  ['x of another width', () => layer.forward(zeros(1, 2, 13)), 'ERR_SHAPE', 'x must have shape [b, s, 12]'],
  [
    'x of another dtype',
    () => layer.forward(Tensor.zeros([1, 2, 12], { dtype: 'float16' })),
    'ERR_DTYPE',
    'x must be float32',
  ],
  ['packed x without cuSeqLens', () => layer.forward(zeros(2, 12)), 'ERR_SHAPE', 'x must have shape [b, s, 12]'],
  [
    'cuSeqLens that are no integers',
    () => layer.forward(zeros(2, 12), { cuSeqLens: zeros(2) }),
    'ERR_DTYPE',
    'cuSeqLensQ must be int32',
  ],
  ['lengths of a causal layer', forward({ lengths: starts }), 'ERR_OPTION', 'seen by padding only; leave them out'],
  ...[{ selection: 'shared' } as const, { blockSize: 2 }].map(
    (options) =>
      [
        `lengths where padding is chosen from, ${Object.keys(options)[0]!}`,
        () => new DynamicMaskAttention(weights, options).forward(x, { lengths: starts.slice([[0, 1]]) }),
        'ERR_OPTION',
        'padding takes part in the choice of keys: pack the sequences',
      ] as const,
  ),
  [
    'lengths of sequences that turn by their length',
    () =>
      new DynamicMaskAttention(weights, { causal: false, rope: { scaling: dynamicNtk } }).forward(x, {
        lengths: starts.slice([[0, 1]]),
      }),
    'ERR_OPTION',
    'lengths with a rope.scaling that depends on the length need its currentLength, or rope.positions',
  ],
  [
    'lengths of packed sequences',
    () => layer.forward(zeros(2, 12), { lengths: starts, cuSeqLens: starts }),
    'ERR_OPTION',
    'lengths are of sequences that cuSeqLens does not pack',
  ],
  [
    'packed sequences that turn by their length',
    () =>
      new DynamicMaskAttention(weights, { rope: { scaling: dynamicNtk } }).forward(zeros(2, 12), { cuSeqLens: starts }),
    'ERR_OPTION',
    'need its currentLength, or rope.positions',
  ],
  ['an out of another shape', forward({ out: zeros(1, 2, 11) }), 'ERR_SHAPE', 'out must have shape'],
  ['an lse of another shape', forward({ lse: zeros(1, 4, 3) }), 'ERR_SHAPE', 'lse must have shape [1, 4, 2]'],
  ...[
    ['an out', { out: pooled(400, 1, 2, 12) }, 'out must not share its storage with weights.wq'] as const,
    ['an lse', { lse: pooled(400, 1, 4, 2) }, 'lse must not share its storage with weights.wq'] as const,
  ].flatMap(([what, options, mentions]) => [
    [`${what} in the storage of a weight`, () => sharing().forward(x, options), 'ERR_OPTION', mentions] as const,
    [
      `${what} in the storage of a weight, of append`,
      () => {
        const own = sharing();
        own.append(own.state(), x, options);
      },
      'ERR_OPTION',
      mentions,
    ] as const,
  ]),
  [
    'an lse in the storage of out',
    forward({ out: pooled(0, 1, 2, 12), lse: pooled(24, 1, 4, 2) }),
    'ERR_OPTION',
    'lse must not share its storage with out',
  ],
  ['a misspelt option of forward', forward({ causal: true }), 'ERR_OPTION', "forward: unknown option 'causal'"],
  ['a stream of null', step({ stream: null }), 'ERR_NOT_A_STREAM', 'stream must be'],
  ['a signal of 0', step({ signal: 0 }), 'ERR_ARGUMENT_TYPE', 'signal must be'],
  ['an out of null', step({ out: null }), 'ERR_NOT_A_TENSOR', 'out must be'],
  ['an lse of 0', step({ lse: 0 }), 'ERR_NOT_A_TENSOR', 'lse must be'],
  ['a misspelt option of append', step({ lengths: starts }), 'ERR_OPTION', "append: unknown option 'lengths'"],
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
  ['a state of no sequences', () => layer.state({ b: 0 }), 'ERR_ARGUMENT_VALUE', 'b must be an integer of at least 1'],
  ['a misspelt option of state', () => layer.state(wrong({ keep: 1 })), 'ERR_OPTION', "unknown option 'keep'"],
  ['a state where later keys count', stateOf({ causal: false }), 'ERR_OPTION', 'causal'],
  ['a state where keys return', stateOf({ selection: 'shared' }), 'ERR_OPTION', "selection 'perQuery'"],
  ['a state of blocks', stateOf({ blockSize: 4 }), 'ERR_OPTION', 'no blockSize'],
  ['a state at given positions', stateOf({ rope: { positions: starts } }), 'ERR_OPTION', 'rope.positions'],
  [
    'a state whose turn depends on its length',
    stateOf({ rope: { scaling: dynamicNtk } }),
    'ERR_OPTION',
    'currentLength',
  ],
  [
    'a state that has been disposed of',
    () => {
      const state = layer.state();
      state.dispose();
      layer.append(state, zeros(1, 1, 12));
    },
    'ERR_DISPOSED',
    'the state has been disposed of',
  ],
]);

test('an out that is refused leaves the state as it was', () => {
  using state = layer.state();
  expect(() => layer.append(state, zeros(1, 1, 12), { out: zeros(1, 1, 13) })).toThrow('out must have shape');
  expect(() => layer.append(state, zeros(1, 1, 12), { lse: zeros(1, 3, 1) })).toThrow('lse must have shape');
  expect(state.length).toBe(0);
});

test('a queue that is full leaves the state as it was', async () => {
  const own = new DynamicMaskAttention(
    Object.fromEntries(
      Object.entries(shapes).map(([name, shape], n) => [name, Tensor.from(normal(shape, n), shape)]),
    ) as unknown as DmaWeights,
    { keep: 2 },
  );
  const tokens = Tensor.from(normal([1, 6, 12], 30), [1, 6, 12]);
  const token = (at: number) => tokens.slice([null, [at, at + 1], null]);
  using undisturbed = own.state();
  for (let at = 0; at < 5; ++at) own.append(undisturbed, token(at)).dispose();
  const expected = await own.append(undisturbed, token(5)).toArray();

  let refused = 0;
  for (let queueDepth = 1, done = false; !done; ++queueDepth) {
    using state = own.state({ capacity: 1 });
    for (let at = 0; at < 5; ++at) own.append(state, token(at)).dispose();
    using holder = new Stream();
    using big = Tensor.randn([2, 2000, 4, 64]);
    attention(big, big, big, { stream: holder }).dispose(); // keeps the layer's stream waiting
    using stream = new Stream('cpu', { queueDepth });
    stream.wait(holder.record());
    try {
      own.append(state, token(5), { stream }).dispose();
      done = true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_QUEUE_FULL' });
      ++refused;
      expect(state.length).toBe(5);
    }
    await stream.synchronize();
    if (!done) expect(await own.append(state, token(5)).toArray()).toEqual(expected);
  }
  expect(refused).toBeGreaterThan(8); // the output projection too
});

test('a layer tells its sizes, and releases what lies between', async () => {
  expect(layer.sizes).toEqual({ hQ: 4, hKv: 2, hB: 2, d: 8, dV: 6, e: 12 });
  using state = layer.state();
  const lse = zeros(1, 4, 3);
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
