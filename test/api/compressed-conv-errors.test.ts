/** What compressedConvAttention() refuses, and how it names the tensor. */

import {
  compressedConvAttention,
  compressedConvPrologue,
  Tensor,
  type CcaParameters,
  type CcaProjections,
  type CompressedConvAttentionOptions,
} from '../../lib/index.js';
import { badCalls, expectFailure, wrong } from '../support/expect-error.js';

// b 2, s 3, hQ 4, hKv 2, d 8, k1 3, k2 2: 48 channels.
const zeros = (...shape: number[]) => Tensor.zeros(shape);
const int = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'int32' });
const half = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'float16' });
const projections: CcaProjections = { latent: zeros(2, 3, 48), value: zeros(2, 3, 8), delayed: zeros(2, 3, 8) };
const parameters: CcaParameters = { w1: zeros(48, 3), w2: zeros(48, 8, 2), temperature: zeros(2) };
const call = (options: CompressedConvAttentionOptions) => () =>
  compressedConvAttention(projections, parameters, options);
const having = (changed: Partial<CcaProjections>) => () =>
  compressedConvAttention({ ...projections, ...changed }, parameters);
const weights = (changed: object) => () => compressedConvAttention(projections, wrong({ ...parameters, ...changed }));
const without = (name: keyof CcaParameters) => weights({ [name]: undefined });
const pool = zeros(400);
const pooled = (from: number, ...shape: number[]) =>
  pool.slice([[from, from + shape.reduce((product, n) => product * n)]]).reshape(shape);
const sharing = (options: CompressedConvAttentionOptions) => () =>
  compressedConvAttention(projections, { ...parameters, w1: pooled(0, 48, 3) }, options);
const packed = { latent: zeros(6, 48), value: zeros(6, 8), delayed: zeros(6, 8) };

badCalls('compressedConvAttention refuses', [
  [
    'no projections',
    () => compressedConvAttention(wrong(undefined), parameters),
    'ERR_ARGUMENT_TYPE',
    'projections must be',
  ],
  [
    'a misspelt projection',
    () => compressedConvAttention(wrong({ ...projections, latents: 1 }), parameters),
    'ERR_OPTION',
    "projections: unknown option 'latents'",
  ],
  ['no latent', having({ latent: wrong(undefined) }), 'ERR_NOT_A_TENSOR', 'projections.latent must be a Tensor'],
  ['no value', having({ value: wrong(undefined) }), 'ERR_NOT_A_TENSOR', 'projections.value must be a Tensor'],
  ['no delayed', having({ delayed: wrong(undefined) }), 'ERR_NOT_A_TENSOR', 'projections.delayed must be a Tensor'],
  ['latents of integers', having({ latent: int(2, 3, 48) }), 'ERR_DTYPE', 'projections.latent must be float32'],
  ['values of another dtype', having({ value: half(2, 3, 8) }), 'ERR_DTYPE', 'projections.value must be float32 like'],
  [
    'values of another width',
    having({ value: zeros(2, 3, 16) }),
    'ERR_SHAPE',
    'projections.value must have shape [2, 3, 8]',
  ],
  [
    'delayed values of another length',
    having({ delayed: zeros(2, 4, 8) }),
    'ERR_SHAPE',
    'projections.delayed must have shape [2, 3, 8]',
  ],
  [
    'latents with a broken last axis',
    having({ latent: zeros(2, 48, 3).transpose(1, 2) }),
    'ERR_LAYOUT',
    'projections.latent',
  ],
  ['packed projections without cuSeqLens', having(packed), 'ERR_SHAPE', 'packed projections need cuSeqLens'],
  [
    'cuSeqLens with projections that are not packed',
    call({ cuSeqLens: int(3) }),
    'ERR_SHAPE',
    'a call with cuSeqLens takes packed',
  ],

  ['no w1', without('w1'), 'ERR_NOT_A_TENSOR', 'parameters.w1 must be a Tensor, got undefined'],
  ['no w2', without('w2'), 'ERR_NOT_A_TENSOR', 'parameters.w2 must be a Tensor, got undefined'],
  ['no temperature', without('temperature'), 'ERR_NOT_A_TENSOR', 'parameters.temperature must be a Tensor'],
  ['a weight that does not exist', weights({ w3: zeros(1) }), 'ERR_OPTION', "parameters: unknown option 'w3'"],
  ['w1 for other channels', weights({ w1: zeros(40, 3) }), 'ERR_SHAPE', 'parameters.w1 must have shape [48, k1]'],
  ['w1 without taps', weights({ w1: zeros(48, 0) }), 'ERR_SHAPE', 'parameters.w1 must have at least one tap'],
  ['w1 with too many taps', weights({ w1: zeros(48, 9) }), 'ERR_UNSUPPORTED', 'parameters.w1 has 9 taps'],
  ['w2 with too many taps', weights({ w2: zeros(48, 8, 9) }), 'ERR_UNSUPPORTED', 'parameters.w2 has 9 taps'],
  ['w2 for other channels', weights({ w2: zeros(40, 8, 2) }), 'ERR_SHAPE', 'parameters.w2 must have shape [48, d, k2]'],
  ['w2 of heads that do not divide the channels', weights({ w2: zeros(48, 7, 2) }), 'ERR_SHAPE', 'parameters.w2 must'],
  ['w2 in the layout of a linear layer', weights({ w2: zeros(48, 16) }), 'ERR_SHAPE', 'parameters.w2 must have shape'],
  ['b1 of another size', weights({ b1: zeros(47) }), 'ERR_SHAPE', 'parameters.b1 must have shape [48]'],
  ['b2 of another size', weights({ b2: zeros(48, 1) }), 'ERR_SHAPE', 'parameters.b2 must have shape [48]'],
  [
    'delayedBias of another size',
    weights({ delayedBias: zeros(16) }),
    'ERR_SHAPE',
    'parameters.delayedBias must have shape [8]',
  ],
  [
    'w2 of another 16-bit dtype',
    weights({ w2: half(48, 8, 2) }),
    'ERR_DTYPE',
    'parameters.w2 must be float32, got float16',
  ],
  [
    'w2 that is not contiguous',
    weights({ w2: zeros(48, 2, 8).transpose(1, 2) }),
    'ERR_LAYOUT',
    'parameters.w2 must be contiguous',
  ],
  [
    'head counts that do not divide',
    weights({ temperature: zeros(4) }),
    'ERR_SHAPE',
    'parameters.temperature has 4 key heads; of the 6 heads',
  ],
  ['key heads only', weights({ temperature: zeros(6) }), 'ERR_SHAPE', 'leaves 0 query heads'],
  ['no key heads', weights({ temperature: zeros(0) }), 'ERR_SHAPE', 'parameters.temperature has 0 key heads'],
  [
    'a temperature per channel',
    weights({ temperature: zeros(2, 8) }),
    'ERR_SHAPE',
    'parameters.temperature must have shape [hKv]',
  ],
  [
    'an odd number of values',
    () =>
      compressedConvAttention(
        { latent: zeros(1, 1, 14), value: zeros(1, 1, 3), delayed: zeros(1, 1, 3) },
        { w1: zeros(14, 2), w2: zeros(14, 7, 2), temperature: zeros(1) },
        { rope: false },
      ),
    'ERR_SHAPE',
    'must be even to be split',
  ],

  [
    'a misspelt option',
    call(wrong({ casual: true })),
    'ERR_OPTION',
    "compressedConvAttention: unknown option 'casual'",
  ],
  ['an unknown tempMode', call({ tempMode: wrong('log') }), 'ERR_ARGUMENT_VALUE', "tempMode must be 'exp' or 'raw'"],
  ['causal: a number', call({ causal: wrong(1) }), 'ERR_ARGUMENT_TYPE', 'causal must be a boolean'],
  ['rope: true', call({ rope: wrong(true) }), 'ERR_ARGUMENT_TYPE', 'rope must be false or'],
  ['rope: a misspelt option', call({ rope: wrong({ base: 1e4 }) }), 'ERR_OPTION', "rope: unknown option 'base'"],
  ['rope: an odd rotaryDim', call({ rope: { rotaryDim: 3 } }), 'ERR_ARGUMENT_VALUE', 'rotaryDim must be even'],
  [
    'rope: positions of another length',
    call({ rope: { positions: int(4) } }),
    'ERR_SHAPE',
    'rope.positions must broadcast to shape [2, 3]',
  ],
  ['lengths of floats', call({ lengths: zeros(2) }), 'ERR_DTYPE', 'lengths must be int32'],
  ['lengths of other sequences', call({ lengths: int(3) }), 'ERR_SHAPE', 'lengths must have shape [2]'],
  [
    'lengths of packed sequences',
    () => compressedConvAttention(packed, parameters, { cuSeqLens: int(3), lengths: int(2) }),
    'ERR_OPTION',
    'lengths are of sequences that cuSeqLens does not pack',
  ],
  [
    'lengths with a window that is not causal',
    call({ causal: false, lengths: int(2), window: { left: 1 } }),
    'ERR_OPTION',
    'pack the sequences',
  ],
  [
    'an out in the storage of a parameter',
    sharing({ out: pooled(144, 2, 3, 4, 8) }),
    'ERR_OPTION',
    'out must not share its storage with parameters.w1',
  ],
  [
    'an lse in the storage of a parameter',
    sharing({ lse: pooled(144, 2, 4, 3) }),
    'ERR_OPTION',
    'lse must not share its storage with parameters.w1',
  ],
  ['an out of another shape', call({ out: zeros(2, 3, 2, 8) }), 'ERR_SHAPE', 'out must have shape [2, 3, 4, 8]'],
  ['a window that is none', call({ window: wrong(4) }), 'ERR_ARGUMENT_TYPE', 'window must be'],
]);

const into = (out: object) => () => compressedConvPrologue(projections, parameters, { out: wrong(out) });
const heads = { q: zeros(2, 3, 4, 8), k: zeros(2, 3, 2, 8), v: zeros(2, 3, 2, 8) };

badCalls('compressedConvPrologue refuses', [
  ['an out that is a list', into([zeros(2, 3, 4, 8)]), 'ERR_ARGUMENT_TYPE', 'out must be { q, k, v }'],
  ['an out without keys', into({ ...heads, k: undefined }), 'ERR_NOT_A_TENSOR', 'out.k must be a Tensor'],
  ['an out of more', into({ ...heads, lse: heads.q }), 'ERR_OPTION', "out: unknown option 'lse'"],
  [
    'queries of another shape',
    into({ ...heads, q: zeros(2, 3, 2, 8) }),
    'ERR_SHAPE',
    'out.q must have shape [2, 3, 4, 8]',
  ],
  ['values of another dtype', into({ ...heads, v: half(2, 3, 2, 8) }), 'ERR_DTYPE', 'out.v must be float32'],
  [
    'queries in columns',
    into({ ...heads, q: zeros(2, 3, 8, 4).transpose(2, 3) }),
    'ERR_LAYOUT',
    'out.q must have stride 1 on its last axis',
  ],
  [
    'keys in the storage of the values that are read',
    into({
      ...heads,
      k: projections.latent
        .reshape([-1])
        .slice([[0, 96]])
        .reshape([2, 3, 2, 8]),
    }),
    'ERR_OPTION',
    'out.k must not share its storage with projections.latent',
  ],
  ['keys and values in one place', into({ ...heads, v: heads.k }), 'ERR_OPTION', 'out.k and out.v overlap'],
]);

describe('the contents of index tensors are looked at when the work runs', () => {
  test('cuSeqLens that run backwards', async () => {
    const cuSeqLens = Tensor.from(Int32Array.of(0, 4, 3));
    await expectFailure(
      () => compressedConvPrologue(packed, parameters, { cuSeqLens }).q.toArray(),
      'ERR_INDEX',
      'cuSeqLens[2] is 3, expected 4 to 6',
    );
  });
  test('lengths beyond the sequence', async () => {
    const lengths = Tensor.from(Int32Array.of(1, 4));
    await expectFailure(
      () => compressedConvAttention(projections, parameters, { lengths }).toArray(),
      'ERR_INDEX',
      'lengths[1] is 4, expected 0 to 3',
    );
  });
});

test('a signal that has gone off queues nothing', () => {
  const reason = new Error('enough');
  expect(() => compressedConvAttention(projections, parameters, { signal: AbortSignal.abort(reason) })).toThrow(reason);
});
