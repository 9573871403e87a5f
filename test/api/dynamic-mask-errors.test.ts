/** What the dynamic-mask operations refuse. */

import {
  AttentionError,
  DmaSnapshot,
  DmaState,
  dynamicMaskAttention,
  dynamicMaskIntervals,
  dynamicMaskScores,
  memoryUsage,
  Stream,
  Tensor,
  type DynamicMaskAttentionOptions,
  type DynamicMaskIntervalsOptions,
} from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const float = (...sizes: number[]) => Tensor.zeros(sizes);
const int = (...sizes: number[]) => Tensor.zeros(sizes, { dtype: 'int32' });
const [q, k, v] = [float(2, 5, 4, 8), float(2, 5, 2, 8), float(2, 5, 2, 8)];
const [scores, wdt, a] = [float(2, 2, 5), float(16, 2), float(2)];
const closed = new Stream();
closed.close();
const aborted = AbortSignal.abort();

const call = (options: DynamicMaskAttentionOptions) => () => dynamicMaskAttention(q, k, v, options);
const select = (options: DynamicMaskIntervalsOptions) => () => dynamicMaskIntervals(scores, options);
const score = (options: object) => () => dynamicMaskScores(v, wrong({ wdt, a, ...options }));

badCalls('dynamicMaskAttention refuses', [
  [
    'no options',
    () => dynamicMaskAttention(q, k, v, wrong(undefined)),
    'ERR_ARGUMENT_TYPE',
    'options must be an object',
  ],
  ['no scores', call({}), 'ERR_ARGUMENT_TYPE', 'scores, or wdt and a, must be given'],
  ['wdt without a', call({ wdt }), 'ERR_ARGUMENT_TYPE', 'scores, or wdt and a, must be given'],
  ['scores and what makes them', call({ scores, wdt, a }), 'ERR_OPTION', 'scores are given: wdt, a and form'],
  ['scores and a form', call({ scores, form: 'exp' }), 'ERR_OPTION', 'scores are given'],
  ['a misspelt option', call(wrong({ scores, kept: 3 })), 'ERR_OPTION', "unknown option 'kept'"],
  ['a mask of its own', call(wrong({ scores, mask: float(1) })), 'ERR_OPTION', "unknown option 'mask'"],
  ['q of integers', () => dynamicMaskAttention(int(2, 5, 4, 8), k, v, { scores }), 'ERR_DTYPE', 'q must be'],
  [
    'scores of 16 bits',
    call({ scores: Tensor.zeros([2, 2, 5], { dtype: 'float16' }) }),
    'ERR_DTYPE',
    'scores must be float32',
  ],
  ['scores of other keys', call({ scores: float(2, 2, 6) }), 'ERR_SHAPE', 'scores must have shape [2, 2, 5]'],
  ['scores of one axis', call({ scores: float(5) }), 'ERR_SHAPE', 'scores must have shape [2, hB, 5]'],
  [
    'three score heads',
    call({ scores: float(2, 3, 5) }),
    'ERR_SHAPE',
    'scores must have 1 or 2 or 4 score heads, got 3',
  ],
  ['three score heads to make', call({ wdt: float(16, 3), a: float(3) }), 'ERR_SHAPE', 'a must have 1 or 2 or 4'],
  ['wdt of another width', call({ wdt: float(8, 2), a }), 'ERR_SHAPE', 'wdt must have shape [16, 2]'],
  ['a keep of 0', call({ scores, keep: 0 }), 'ERR_ARGUMENT_VALUE', 'keep must be an integer of at least 1'],
  ['a keep of a half', call({ scores, keep: 0.5 }), 'ERR_ARGUMENT_VALUE', 'keep must be an integer'],
  [
    'an unknown selection',
    call({ scores, selection: wrong('all') }),
    'ERR_ARGUMENT_VALUE',
    "selection must be 'perQuery'",
  ],
  ['relu with keep', call({ scores, selection: 'relu', keep: 4 }), 'ERR_OPTION', "selection 'relu' keeps all keys"],
  ['blocks of 0', call({ scores, blockSize: 0 }), 'ERR_ARGUMENT_VALUE', 'blockSize must be an integer of at least 1'],
  [
    'intervals and keep',
    call({ scores, intervals: int(2, 2, 2, 5), keep: 4 }),
    'ERR_OPTION',
    'intervals say which keys',
  ],
  ['intervals of floats', call({ scores, intervals: float(2, 2, 2, 5) }), 'ERR_DTYPE', 'intervals must be int32'],
  [
    'intervals of other heads',
    call({ scores, intervals: int(2, 1, 2, 5) }),
    'ERR_SHAPE',
    'intervals must have shape [2, 2, 2, 5]',
  ],
  [
    'intervals with a broken last axis',
    call({ scores, intervals: int(2, 2, 5, 2).transpose(2, 3) }),
    'ERR_LAYOUT',
    'intervals must have stride 1',
  ],
  [
    'an out that holds the scores',
    call({
      scores: float(80)
        .reshape([2, 4, 10])
        .slice([
          [0, 2],
          [0, 2],
          [0, 5],
        ]),
      out: wrong(q),
    }),
    'ERR_OPTION',
    'out must not share its storage with q',
  ],
  [
    'an lse that is the scores',
    () => dynamicMaskAttention(q, k, v, { scores: shared, lse: shared }),
    'ERR_OPTION',
    'lse must not share its storage with scores',
  ],
  ['a scale that is not finite', call({ scores, scale: NaN }), 'ERR_ARGUMENT_VALUE', 'scale must be a finite number'],
  ['cuSeqLensQ alone', call({ scores, cuSeqLensQ: int(2) }), 'ERR_OPTION', 'cuSeqLensQ needs cuSeqLensK'],
  ['a closed stream', call({ scores, stream: closed }), 'ERR_STREAM_CLOSED', 'stream'],
]);
const shared = float(2, 4, 5);

badCalls('dynamicMaskIntervals refuses', [
  ['no tensor', () => dynamicMaskIntervals(wrong([1, 2])), 'ERR_NOT_A_TENSOR', 'scores must be a Tensor'],
  ['scores of integers', () => dynamicMaskIntervals(int(1, 1, 5)), 'ERR_DTYPE', 'scores must be float32'],
  [
    'scores of four axes',
    () => dynamicMaskIntervals(float(1, 1, 1, 5)),
    'ERR_SHAPE',
    'scores must have shape [b, hB, sKv]',
  ],
  [
    'packed scores of three',
    select({ cuSeqLensQ: int(2), cuSeqLensK: int(2) }),
    'ERR_SHAPE',
    'scores must have shape [hB, tK]',
  ],
  ['a negative sQ', select({ sQ: -1 }), 'ERR_ARGUMENT_VALUE', 'sQ must be an integer'],
  ['cuSeqLensK alone', select({ cuSeqLensK: int(2) }), 'ERR_OPTION', 'cuSeqLensK needs cuSeqLensQ'],
  [
    'kvLengths of a packed call',
    select({ cuSeqLensQ: int(2), cuSeqLensK: int(2), kvLengths: int(1) }),
    'ERR_OPTION',
    'kvLengths cannot',
  ],
  ['kvLengths of other sequences', select({ kvLengths: int(3) }), 'ERR_SHAPE', 'kvLengths must have shape [2]'],
  ['an out of another shape', select({ out: int(2, 2, 5, 2) }), 'ERR_SHAPE', 'out must have shape [2, 2, 2, 5]'],
  ['a misspelt option', select(wrong({ top: 3 })), 'ERR_OPTION', "unknown option 'top'"],
]);

badCalls('dynamicMaskScores refuses', [
  ['no wdt', score({ wdt: undefined }), 'ERR_NOT_A_TENSOR', 'wdt must be a Tensor'],
  [
    'values of two axes',
    () => dynamicMaskScores(float(5, 16), { wdt, a }),
    'ERR_SHAPE',
    'v must have shape [b, s, hV, dV]',
  ],
  ['an a of two axes', score({ a: float(1, 2) }), 'ERR_SHAPE', 'a must have shape [hB]'],
  ['weights of integers', score({ wdt: int(16, 2) }), 'ERR_DTYPE', 'wdt must be float32'],
  ['an unknown form', score({ form: 'sigmoid' }), 'ERR_ARGUMENT_VALUE', "form must be 'exp' or 'linear'"],
  [
    'an out that is a weight',
    score({ a: float(2), out: float(2, 2, 4) }),
    'ERR_SHAPE',
    'out must have shape [2, 2, 5]',
  ],
]);

const state = new DmaState({ b: 2, hB: 2, keep: 3 });
const gone = new DmaState({ b: 2, hB: 2, keep: 3 });
gone.dispose();
const spent = state.snapshot();
spent.dispose();
const one = float(2, 1, 4, 8);
const step = (options: DynamicMaskAttentionOptions) => () => dynamicMaskAttention(one, k, v, options);

badCalls('DmaState refuses', [
  ['no heads', () => new DmaState(wrong({})), 'ERR_ARGUMENT_TYPE', 'hB must be a number'],
  ['a keep of 0', () => new DmaState({ hB: 1, keep: 0 }), 'ERR_ARGUMENT_VALUE', 'keep must be an integer'],
  ['a misspelt option', () => new DmaState(wrong({ hB: 1, kept: 3 })), 'ERR_OPTION', "unknown option 'kept'"],
  ['scores of other heads', () => state.append(float(2, 3, 1)), 'ERR_SHAPE', 'scores must have shape [2, 2, 1]'],
  ['scores of two axes', () => state.append(float(2, 2)), 'ERR_SHAPE', 'scores must have shape [2, 2, n]'],
  [
    'a snapshot of another state',
    () => state.rollback(new DmaState({ hB: 1 }).snapshot()),
    'ERR_OPTION',
    'another state',
  ],
  [
    'a snapshot made by hand',
    () => new (wrong(DmaSnapshot) as new (...args: unknown[]) => DmaSnapshot)(state, 0, {}),
    'ERR_ARGUMENT_TYPE',
    'snapshots are made by state.snapshot()',
  ],
  [
    'what only looks like a snapshot',
    () => state.rollback(Object.create(DmaSnapshot.prototype) as DmaSnapshot),
    'ERR_ARGUMENT_TYPE',
    'snapshot must be one that snapshot() made',
  ],
  ['a snapshot after its end', () => state.rollback(spent), 'ERR_DISPOSED', 'snapshot has been disposed of'],
  ['a question for its length after its end', () => gone.length, 'ERR_DISPOSED', 'the state has been disposed of'],
  ['no snapshot', () => state.rollback(wrong({})), 'ERR_ARGUMENT_TYPE', 'snapshot must be one'],
  ['a token after its end', () => gone.append(float(2, 2, 1)), 'ERR_DISPOSED', 'the state has been disposed of'],
  ['a call after its end', step({ state: gone }), 'ERR_DISPOSED', 'state has been disposed of'],
  ['something else', step({ state: wrong({}) }), 'ERR_ARGUMENT_TYPE', 'state must be a DmaState'],
  ['a call with scores', step({ state, scores }), 'ERR_OPTION', 'scores cannot be combined with state'],
  ['a call with causal', step({ state, causal: true }), 'ERR_OPTION', 'causal cannot be combined with state'],
  ['more than one query', call({ state }), 'ERR_SHAPE', 'q must have shape [2, 1, hQ, d]'],
  ['other sequences', step({ state: new DmaState({ hB: 2 }) }), 'ERR_SHAPE', 'state must have 2 sequences'],
  [
    'other heads',
    step({ state: new DmaState({ b: 2, hB: 3 }) }),
    'ERR_SHAPE',
    'state must have 1 or 2 or 4 score heads',
  ],
  [
    'more tokens than keys',
    step({ state: new DmaState({ b: 2, hB: 2 }).append(float(2, 2, 6)) }),
    'ERR_SHAPE',
    'k must hold the 6 tokens of the state, got 5',
  ],
]);

test('an aborted signal queues nothing', () => {
  expect(call({ scores, signal: aborted })).toThrow(aborted.reason as Error);
  expect(select({ signal: aborted })).toThrow(aborted.reason as Error);
  expect(score({ signal: aborted })).toThrow(aborted.reason as Error);
});

test('made scores and intervals are given up with the call', async () => {
  const tensors = () => memoryUsage().find(({ device }) => device === 'cpu')!.tensors;
  const out = Tensor.empty([2, 5, 4, 8]);
  const before = tensors();
  for (let n = 0; n < 200; ++n) dynamicMaskAttention(q, k, v, { wdt, a, keep: 2, causal: true, out });
  await out.toArray();
  expect(tensors()).toBeLessThan(before + 10); // the garbage collector has had no time for 400
});

describe('a DmaState whose second tensor finds no room', () => {
  const full = () => {
    throw new AttentionError('ERR_QUEUE_FULL', 'full');
  };
  const values = (state: DmaState) =>
    dynamicMaskAttention(float(1, 1, 1, 8), float(1, 9, 1, 8), Tensor.randn([1, 9, 1, 8], { seed: 1 }), { state });
  const { copyFrom } = Tensor.prototype;
  /** Tensors that are copied to; the second copy throws. */
  function failSecondCopy(): Tensor[] {
    const targets: Tensor[] = [];
    jest.spyOn(Tensor.prototype, 'copyFrom').mockImplementation(function (this: Tensor, ...args) {
      return targets.push(this) === 2 ? full() : copyFrom.apply(this, args);
    });
    return targets;
  }
  afterEach(() => jest.restoreAllMocks());

  test('is as before where a rollback fails', async () => {
    using tested = new DmaState({ hB: 1, keep: 2 }).append(Tensor.from([3, 2, 1], [1, 1, 3]));
    using snapshot = tested.snapshot();
    tested.append(Tensor.from([9, 8], [1, 1, 2]));
    const before = await values(tested).toArray();
    const targets = failSecondCopy();
    expect(() => tested.rollback(snapshot)).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }));
    jest.restoreAllMocks();
    expect(targets.map(({ disposed }) => disposed)).toEqual([true, true]);
    expect(tested.length).toBe(5);
    expect(await values(tested).toArray()).toEqual(before);
    expect(await values(tested.rollback(snapshot)).toArray()).not.toEqual(before);
  });

  test('leaves nothing of a snapshot', () => {
    using tested = new DmaState({ hB: 1, keep: 2 });
    const targets = failSecondCopy();
    expect(() => tested.snapshot()).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }));
    expect(targets.map(({ disposed }) => disposed)).toEqual([true, true]);
  });

  test('is not made', () => {
    const first = float(1, 1, 3) as Tensor<never>;
    jest.spyOn(Tensor, 'zeros').mockReturnValueOnce(first).mockImplementationOnce(full);
    expect(() => new DmaState({ hB: 1, keep: 2 })).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }));
    expect(first.disposed).toBe(true);
  });
});

test('a rollback gives up what it replaces, and reads its options once', () => {
  using tested = new DmaState({ hB: 1, keep: 2 });
  using snapshot = tested.snapshot();
  const tensors = () => memoryUsage().find(({ device }) => device === 'cpu')!.tensors;
  const before = tensors();
  let reads = 0;
  const options = {
    get signal() {
      reads += 1;
      return new AbortController().signal;
    },
  };
  for (let n = 0; n < 200; ++n) tested.rollback(snapshot, options);
  expect(reads).toBe(200);
  tested.snapshot(options).dispose();
  expect(reads).toBe(201);
  expect(tensors()).toBeLessThan(before + 10);
});
