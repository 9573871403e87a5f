/** What CcaState refuses. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CcaSnapshot, CcaState, Tensor, type CcaProjections, type CcaStateOptions } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const zeros = (...shape: number[]) => Tensor.zeros(shape);
const parameters = { w1: zeros(48, 2), w2: zeros(48, 8, 2), temperature: zeros(2) };
const make = (options: CcaStateOptions) => () => new CcaState(parameters, options);
const projections = (b = 1, n = 1): CcaProjections => ({
  latent: zeros(b, n, 48),
  value: zeros(b, n, 8),
  delayed: zeros(b, n, 8),
});
const pool = zeros(200);
const pooled = (from: number, ...shape: number[]) =>
  pool.slice([[from, from + shape.reduce((product, n) => product * n)]]).reshape(shape);
const sharing = new CcaState({ ...parameters, w1: pooled(0, 48, 2) });
const state = new CcaState(parameters);
const ended = new CcaState(parameters);
const orphan = ended.snapshot();
ended.dispose();
const gone = state.snapshot();
gone.dispose();

badCalls('CcaState refuses', [
  ['no parameters', () => new CcaState(wrong(undefined)), 'ERR_ARGUMENT_TYPE', 'parameters must be'],
  ['no w2', () => new CcaState(wrong({ ...parameters, w2: undefined })), 'ERR_NOT_A_TENSOR', 'parameters.w2'],
  [
    'head counts that do not divide',
    () => new CcaState({ ...parameters, temperature: zeros(4) }),
    'ERR_SHAPE',
    'parameters.temperature has 4 key heads',
  ],
  ['a misspelt option', make(wrong({ length: 4 })), 'ERR_OPTION', "CcaState: unknown option 'length'"],
  ['no sequences', make({ b: 0 }), 'ERR_ARGUMENT_VALUE', 'b must be an integer of at least 1'],
  ['no capacity', make({ capacity: 0 }), 'ERR_ARGUMENT_VALUE', 'capacity must be'],
  ['integers', make({ dtype: wrong('int32') }), 'ERR_DTYPE', 'dtype must be float32'],
  [
    'a scaling that depends on the length',
    make({ rope: { scaling: { type: 'dynamic-ntk', factor: 2, originalMax: 64 } } }),
    'ERR_OPTION',
    "rope.scaling 'dynamic-ntk' needs currentLength",
  ],
  ['an empty dtype', make({ dtype: wrong('') }), 'ERR_DTYPE', 'dtype must be'],
  ['an empty device', make({ device: wrong('') }), 'ERR_DEVICE', 'device'],
  ['a temperature mode that does not exist', make({ tempMode: wrong('x') }), 'ERR_ARGUMENT_VALUE', 'tempMode must be'],
  ['an empty one', make({ tempMode: wrong('') }), 'ERR_ARGUMENT_VALUE', 'tempMode must be'],
  ['a scale that is no number', make({ scale: NaN }), 'ERR_ARGUMENT_VALUE', 'scale must be'],
  ['a precision that does not exist', make({ precision: wrong('q') }), 'ERR_ARGUMENT_VALUE', 'precision must be'],
  ['an empty one of these', make({ precision: wrong('') }), 'ERR_ARGUMENT_VALUE', 'precision must be'],
  ['sinks below 0', make({ sinkTokens: -1, window: { left: 4 } }), 'ERR_ARGUMENT_VALUE', 'sinkTokens must be'],
  ['a window that is no object', make({ window: wrong('x') }), 'ERR_ARGUMENT_TYPE', 'window must be'],
  ['a window of 0', make({ window: wrong(0) }), 'ERR_ARGUMENT_TYPE', 'window must be'],
  ['a rope of 5', make({ rope: wrong(5) }), 'ERR_ARGUMENT_TYPE', 'rope must be false or'],
  ['a rope of null', make({ rope: wrong(null) }), 'ERR_ARGUMENT_TYPE', 'rope must be false or'],
  ['a misspelt option of rope', make({ rope: wrong({ bogus: 1 }) }), 'ERR_OPTION', "rope: unknown option 'bogus'"],
  ['positions', make({ rope: wrong({ positions: zeros(1) }) }), 'ERR_OPTION', "rope: unknown option 'positions'"],
  ['a rotary dim beyond the head', make({ rope: { rotaryDim: 10 } }), 'ERR_ARGUMENT_VALUE', 'rotaryDim must be'],
  ...(
    [
      ['stream', null, 'ERR_NOT_A_STREAM'],
      ['signal', 0, 'ERR_ARGUMENT_TYPE'],
      ['out', null, 'ERR_NOT_A_TENSOR'],
      ['lse', 0, 'ERR_NOT_A_TENSOR'],
    ] as const
  ).map(
    ([name, value, code]) =>
      [
        `a ${name} of ${String(value)}`,
        () => state.append(projections(), wrong({ [name]: value })),
        code,
        `${name} must be`,
      ] as const,
  ),
  [
    'projections of other sequences',
    () => state.append(projections(2)),
    'ERR_SHAPE',
    'projections.latent must have shape [1, 1, 48]',
  ],
  [
    'projections of another dtype',
    () => new CcaState(parameters, { dtype: 'float16' }).append(projections()),
    'ERR_DTYPE',
    'projections.latent must be float16 like the state',
  ],
  [
    'packed projections',
    () => state.append(wrong({ latent: zeros(1, 48), value: zeros(1, 8), delayed: zeros(1, 8) })),
    'ERR_SHAPE',
    'projections.latent',
  ],
  [
    'a misspelt option of append',
    () => state.append(projections(), wrong({ causal: true })),
    'ERR_OPTION',
    "append: unknown option 'causal'",
  ],
  [
    'an out in the storage of a parameter',
    () => sharing.append(projections(), { out: pooled(96, 1, 1, 4, 8) }),
    'ERR_OPTION',
    'out must not share its storage with parameters.w1',
  ],
  [
    'an lse in the storage of a parameter',
    () => sharing.append(projections(), { lse: pooled(96, 1, 4, 1) }),
    'ERR_OPTION',
    'lse must not share its storage with parameters.w1',
  ],
  ['a snapshot that is none', () => state.rollback(wrong({})), 'ERR_ARGUMENT_TYPE', 'snapshot must be a CcaSnapshot'],
  [
    'a snapshot of another state',
    () => state.rollback(new CcaState(parameters).snapshot()),
    'ERR_OPTION',
    'of another state',
  ],
  ['a snapshot that has been disposed of', () => state.rollback(gone), 'ERR_DISPOSED', 'snapshot has been disposed of'],
  ['a snapshot of a state that has', () => state.rollback(orphan), 'ERR_DISPOSED', 'snapshot has been disposed of'],
  [
    'making snapshots by hand',
    () => Reflect.construct(CcaSnapshot, []) as unknown,
    'ERR_ARGUMENT_TYPE',
    'state.snapshot()',
  ],
  ['being used after its end', () => ended.append(projections()), 'ERR_DISPOSED', 'the state has been disposed of'],
  ['telling its length then', () => ended.length, 'ERR_DISPOSED', 'the state'],
]);

test('CcaState keeps a copy of its options', async () => {
  const given = { window: { left: 1 }, rope: { theta: 100 } };
  using kept = new CcaState(parameters, given);
  using fixed = new CcaState(parameters, { window: { left: 1 }, rope: { theta: 100 } });
  given.window.left = 0;
  given.rope.theta = 7;
  const random = { latent: Tensor.randn([1, 5, 48]), value: Tensor.randn([1, 5, 8]), delayed: Tensor.randn([1, 5, 8]) };
  const alive = { w1: Tensor.randn([48, 2]), w2: Tensor.randn([48, 8, 2]) };
  parameters.w1.copyFrom(alive.w1);
  parameters.w2.copyFrom(alive.w2);
  expect(await kept.append(random).toArray()).toEqual(await fixed.append(random).toArray());
});

test('snapshots that are forgotten do not live as long as their state', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  using kept = new CcaState(parameters);
  await kept.append(projections()).toArray();
  const references = Array.from({ length: 20 }, () => new WeakRef(kept.snapshot()));
  for (let turn = 0; turn < 10 && references.some((each) => each.deref()); ++turn) {
    await new Promise((resolve) => setImmediate(resolve)); // what has been looked at lives until its job ends
    collect();
  }
  expect(references.filter((each) => each.deref())).toHaveLength(0);
  expect(kept.length).toBe(1);
  using again = kept.snapshot();
  kept.append(projections()).dispose();
  kept.rollback(again);
  expect(kept.length).toBe(1);
});
