/** What explain() says of dynamicMaskAttention() and blockSparseAttention(). */

import {
  devices,
  explain,
  supports,
  Tensor,
  type BlockSparseAttentionRequest,
  type DynamicMaskAttentionRequest,
} from '../../lib/index.js';
import { badCalls } from '../support/expect-error.js';

const sizes = { b: 2, sQ: 100, sKv: 100, hQ: 8, hKv: 2, d: 16 };
const masked: DynamicMaskAttentionRequest = { op: 'dynamicMaskAttention', ...sizes, keep: 10, causal: true };
const listed: BlockSparseAttentionRequest = {
  op: 'blockSparseAttention',
  ...{ ...sizes, sQ: 128, sKv: 128 },
  ...{ blockQ: 64, blockK: 32, full: 6 },
};
const ask = (more: object) => () => explain({ ...masked, ...more });
const askLists = (more: object) => () => explain({ ...listed, ...more });

test('counts what queries keep', async () => {
  const { supported, visiblePairs, flops, bytes, accuracy, kernel, path, prologue } = await explain(masked);
  const pairs = 2 * ((10 * 11) / 2 + 90 * 10);
  expect({ supported, visiblePairs, accuracy }).toEqual({ supported: true, visiblePairs: pairs, accuracy: 'exact' });
  expect(flops).toBe(2 * (16 + 16) * pairs * 8);
  // Queries and output, keys and values, and the scores of two heads.
  expect(bytes).toBe(4 * 200 * (2 * 8 * 16 + 2 * 2 * 16) + 4 * 200 * 2);
  expect({ kernel, path, prologue }).toEqual({ kernel: 'cpu/prefill', path: devices()[0]!.path, prologue: undefined });
});

test('counts what it takes to make scores from values', async () => {
  const given = await explain({ ...masked, hB: 8 });
  const made = await explain({ ...masked, hB: 8, wdt: true });
  const prologue = {
    kernel: 'cpu/key-scores',
    halfProducts: false,
    flops: 2 * 200 * 32 * 8,
    bytes: 4 * (200 * 32 + 32 * 8 + 8 + 200 * 8),
  };
  expect(made.prologue).toEqual({ ...prologue, bytesMoved: prologue.bytes });
  expect(made.flops).toBe(given.flops + prologue.flops);
  expect(made.bytes).toBe(given.bytes + prologue.bytes);
  expect(await explain({ ...masked, hB: 8, wdt: true, form: 'linear' })).toEqual(made);
});

test('counts intervals, which may keep any key', async () => {
  const { keep: _, ...named } = { ...masked, intervals: true };
  const all = await explain({ ...masked, keep: 100 });
  const { bytes, visiblePairs, accuracy } = await explain(named);
  expect({ visiblePairs, accuracy }).toEqual({ visiblePairs: all.visiblePairs, accuracy: 'upper bound' });
  expect(bytes).toBe(all.bytes + 4 * 2 * 2 * 200); // a run of each of two heads, for each key
});

test('a step of a state costs what it keeps, after any number of tokens', async () => {
  const step = { op: 'dynamicMaskAttention', b: 1, sQ: 1, hQ: 8, hKv: 2, d: 16, keep: 10, state: true } as const;
  const [short, long] = [await explain({ ...step, sKv: 1000 }), await explain({ ...step, sKv: 1_000_000 })];
  expect(long).toEqual(short);
  expect(long.visiblePairs).toBe(10);
});

test.each<[string, Partial<DynamicMaskAttentionRequest>, number, string]>([
  ['more kept than there is', { keep: 200 }, 2 * 5050, 'exact'],
  ['2048 by default', { keep: undefined, sQ: 4000, sKv: 4000 } as object, 2 * (1024 * 2049 + 1952 * 2048), 'exact'],
  ['not causal', { causal: false }, 2 * 1000, 'exact'],
  ['shared', { selection: 'shared' }, 2 * (55 + 900), 'upper bound'],
  ['relu', { keep: undefined, selection: 'relu' } as object, 2 * 5050, 'upper bound'],
  ['blocks', { blockSize: 8 }, 2 * (190 + 81 * 19), 'upper bound'],
  ['lengths', { kvLengths: true }, 2 * (55 + 900), 'upper bound'],
  ['packed sequences', { packed: true, sQ: 200, sKv: 200 }, 2 * (55 + 900), 'estimate'],
])('counts pairs: %s', async (_, more, visiblePairs, accuracy) => {
  expect(await explain({ ...masked, ...more })).toMatchObject({ visiblePairs, accuracy });
});

test('counts listed blocks, and the lists', async () => {
  const { visiblePairs, flops, bytes, accuracy, kernel } = await explain(listed);
  expect({ visiblePairs, accuracy, kernel }).toEqual({
    visiblePairs: 6 * 64 * 32,
    accuracy: 'exact',
    kernel: 'cpu/prefill',
  });
  expect(flops).toBe(2 * (16 + 16) * visiblePairs * 8);
  expect(bytes).toBe(4 * (256 * 2 * 8 * 16 + 6 * 32 * 2 * 2 * 16) + 4 * (2 * 3 + 6));
  expect(await explain({ ...listed, partial: 2, causal: true })).toMatchObject({
    visiblePairs: 8 * 64 * 32,
    accuracy: 'upper bound',
  });
  expect((await explain({ ...listed, hL: 2 })).visiblePairs).toBe(3 * 64 * 32);
  expect(supports(listed)).toBe(true);
});

badCalls('explain of dynamicMaskAttention refuses', [
  ['a misspelt name', ask({ top: 4 }), 'ERR_OPTION', "request: unknown option 'top'"],
  ['no lengths', ask({ sKv: undefined }), 'ERR_ARGUMENT_TYPE', 'sKv must be a number, got undefined'],
  ['a keep of 0', ask({ keep: 0 }), 'ERR_ARGUMENT_VALUE', 'keep must be an integer of at least 1'],
  ['a keep of relu', ask({ selection: 'relu' }), 'ERR_OPTION', "selection 'relu' keeps all keys"],
  ['score heads that belong to nothing', ask({ hB: 4 }), 'ERR_SHAPE', 'hB must have 1 or 2 or 8 score heads, got 4'],
  ['heads that do not divide', ask({ hKv: 3 }), 'ERR_SHAPE', 'hK must divide the 8 heads'],
  ['integers', ask({ dtype: 'int32' }), 'ERR_DTYPE', 'dtype must be float32'],
  ['a keep of intervals', ask({ intervals: true }), 'ERR_OPTION', 'intervals say which keys are kept: keep'],
  ['a form of given scores', ask({ form: 'linear' }), 'ERR_OPTION', 'form is of scores that are made from the values'],
  ['an unknown form', ask({ wdt: true, form: 'tanh' }), 'ERR_ARGUMENT_VALUE', "form must be 'exp' or 'linear'"],
  ['tensors', ask({ wdt: Tensor.zeros([1]) }), 'ERR_ARGUMENT_TYPE', 'wdt must be a boolean'],
  ['lengths of packed sequences', ask({ packed: true, kvLengths: true }), 'ERR_OPTION', 'kvLengths cannot be combined'],
  [
    'a state of many queries',
    ask({ causal: undefined, state: true }),
    'ERR_SHAPE',
    'sQ must be 1: a state serves one query',
  ],
  ['a state with causal', ask({ sQ: 1, state: true }), 'ERR_OPTION', 'causal cannot be combined with state'],
]);

badCalls('explain of blockSparseAttention refuses', [
  ['a misspelt name', askLists({ lists: 4 }), 'ERR_OPTION', "request: unknown option 'lists'"],
  ['blocks of nothing', askLists({ blockK: 0 }), 'ERR_ARGUMENT_VALUE', 'blockK must be an integer of at least 1'],
  ['no lists', askLists({ full: undefined }), 'ERR_OPTION', 'give partial or full'],
  ['heads that do not divide', askLists({ hL: 3 }), 'ERR_SHAPE', 'hL must be heads that divide the 8'],
  ['more blocks than there are', askLists({ full: 17 }), 'ERR_ARGUMENT_VALUE', 'full must be an integer of at least 0'],
  [
    'more in both kinds',
    askLists({ full: 10, partial: 7 }),
    'ERR_ARGUMENT_VALUE',
    'partial and full together must be an integer of at least 0 and at most 16, got 17',
  ],
]);
