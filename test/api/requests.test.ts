/** Requests that describe the tensors of a call: what they add to its cost, and which are refused. */

import { explain, supports, Tensor, type AttentionRequest, type Explanation } from '../../lib/index.js';
import { badCalls, type BadCall } from '../support/expect-error.js';

const request: AttentionRequest = { op: 'attention', b: 1, sQ: 4, sKv: 6, hQ: 4, hKv: 2, d: 8 };
const ask = (more: object) => () => explain({ ...request, ...more });

const tensors: [name: string, more: Partial<AttentionRequest>, bytes: number, accuracy: Explanation['accuracy']][] = [
  ['lse', { lse: true }, 4 * 4 * 4, 'exact'],
  ['bias', { bias: true }, 4 * 4 * 4 * 6, 'exact'],
  ['bias that repeats', { bias: [4, 1, 6] }, 4 * 4 * 6, 'exact'],
  ['bias of 16 bits', { dtype: 'float16', bias: { dtype: 'float16' } }, 2 * 4 * 4 * 6, 'exact'],
  ['bias of 16 bits that repeats', { dtype: 'bfloat16', bias: { shape: [6], dtype: 'bfloat16' } }, 2 * 6, 'exact'],
  ['mask', { mask: true }, 4 * 4 * 6, 'upper bound'],
  ['mask that repeats', { mask: { shape: [1, 1, 4, 6], dtype: 'uint8' } }, 4 * 6, 'upper bound'],
  ['sinks', { sinks: true }, 4 * 4, 'exact'],
  ['gate', { gate: true }, 4 * 4 * 4, 'exact'],
  ['gate that repeats', { gate: [4, 1] }, 4 * 4, 'exact'],
  ['temperature', { temperature: [1, 1, 4] }, 4 * 4, 'exact'],
  ['alibiSlopes', { alibiSlopes: true }, 4 * 4, 'exact'],
  ['alibiSlopes of each sequence', { b: 2, alibiSlopes: [2, 4] }, 4 * 2 * 4, 'exact'],
  ['segments, of the same tokens', { sKv: 4, segments: true }, 4 * 4, 'upper bound'],
  ['segments', { segments: { q: true, k: [1, 6] } }, 4 * (4 + 6), 'upper bound'],
  ['kvLengths', { b: 3, kvLengths: true }, 4 * 3, 'upper bound'],
  ['prefixLengths', { causal: true, prefixLengths: true }, 4, 'upper bound'],
  ['a window of each head', { window: { left: true, right: [4] } }, 2 * 4 * 4, 'upper bound'],
  ['sink tokens of each head', { window: { left: 1 }, sinkTokens: true }, 4 * 4, 'upper bound'],
  ['head maps', { hV: 3, headMap: { k: true, v: [4] } }, 2 * 4 * 4, 'exact'],
  ['a head map and a rule', { headMap: { k: true, v: 'tile' } }, 4 * 4, 'exact'],
  ['packed sequences', { b: 3, packed: true }, 2 * 4 * (3 + 1), 'estimate'],
  ['segments of packed sequences', { b: 3, packed: true, segments: { q: [4], k: true } }, 32 + 4 * 10, 'estimate'],
  ['what is not there', { bias: false, lse: false, window: { left: false } }, 0, 'exact'],
];

/** Bytes of q, k, v and out. */
const bare = ({ b, sQ, sKv, hQ, hKv, hV = hKv, d, dtype, packed }: AttentionRequest) =>
  (dtype === undefined ? 4 : 2) * d * (packed ? 1 : b) * (2 * sQ * hQ + sKv * (hKv! + hV!));

test.each(tensors)('counts the bytes of tensors: %s', async (_, more, bytes, accuracy) => {
  const described: AttentionRequest = { ...request, ...more };
  const found = await explain(described);
  expect(found).toMatchObject({ supported: true, bytes: bare(described) + bytes, accuracy });
  expect(supports(described)).toBe(true);
});

test.each<[string, Partial<AttentionRequest>, number]>([
  ['a window', { causal: true, window: { left: true } }, 18],
  ['sink tokens', { causal: true, window: { left: 0 }, sinkTokens: true }, 18],
  ['a prefix', { causal: true, prefixLengths: true }, 24],
  ['lengths', { kvLengths: true }, 24],
  ['a mask', { mask: true, causal: true }, 18],
])('counts what contents may show: %s', async (_, more, pairs) => {
  expect((await explain({ ...request, ...more })).visiblePairs).toBe(pairs);
});

test('heads of the output are those of the queries where a map says which keys they read', async () => {
  const { flops } = await explain({ ...request, hQ: 2, hKv: 6, headMap: { k: true, v: true } });
  expect(flops).toBe(2 * (8 + 8) * 24 * 2);
});

badCalls('refuses, like a call', [
  [
    'bias of another shape',
    ask({ bias: [3, 6] }),
    'ERR_SHAPE',
    'bias must broadcast to shape [1, 4, 4, 6], got [3, 6]',
  ],
  ['bias of another dtype', ask({ bias: { dtype: 'float16' } }), 'ERR_DTYPE', 'bias must be float32, got float16'],
  ['bias of no dtype', ask({ bias: { dtype: 'float' } }), 'ERR_DTYPE', 'bias.dtype must be one of float32'],
  ['bias of no shape', ask({ bias: { shape: 4 } }), 'ERR_ARGUMENT_TYPE', 'bias.shape must be an array of sizes, got 4'],
  ['bias with strides', ask({ bias: { strides: [1] } }), 'ERR_OPTION', "bias: unknown option 'strides'"],
  ['mask of floats', ask({ mask: { dtype: 'float32' } }), 'ERR_DTYPE', 'mask must be bool or uint8'],
  ['mask of a negative size', ask({ mask: [-1] }), 'ERR_SHAPE', 'mask[0] must be an integer of at least 0'],
  ['sinks of other heads', ask({ sinks: [2] }), 'ERR_SHAPE', 'sinks must have shape [4], got [2]'],
  [
    'gate of packed queries',
    ask({ packed: true, gate: [1, 4, 4] }),
    'ERR_SHAPE',
    'gate must broadcast to shape [4, 4]',
  ],
  ['temperature of integers', ask({ temperature: { dtype: 'int32' } }), 'ERR_DTYPE', 'temperature must be float32'],
  ['alibiSlopes of other heads', ask({ alibiSlopes: [1, 2] }), 'ERR_SHAPE', 'alibiSlopes must have shape [1, 4]'],
  ['lse of another shape', ask({ lse: [4, 4] }), 'ERR_SHAPE', 'lse must have shape [1, 4, 4]'],
  ['kvLengths of another batch', ask({ kvLengths: [2] }), 'ERR_SHAPE', 'kvLengths must have shape [1]'],
  ['prefixLengths of floats', ask({ causal: true, prefixLengths: { dtype: 'float32' } }), 'ERR_DTYPE', 'prefixLengths'],
  ['window.left of query heads', ask({ window: { left: [2] } }), 'ERR_SHAPE', 'window.left must have shape [4]'],
  [
    'sinkTokens as null',
    ask({ window: {}, sinkTokens: null }),
    'ERR_ARGUMENT_TYPE',
    'sinkTokens must be a number, true',
  ],
  ['headMap as true', ask({ headMap: true }), 'ERR_ARGUMENT_TYPE', 'headMap must be a string or { k, v }, got true'],
  ['headMap.k of output heads', ask({ headMap: { k: [6], v: true } }), 'ERR_SHAPE', 'headMap.k must have shape [4]'],
  [
    'headMap.k as a number',
    ask({ headMap: { k: 1 } }),
    'ERR_ARGUMENT_TYPE',
    'headMap.k must be a string, true, a shape',
  ],
  ['segments of two lengths', ask({ segments: true }), 'ERR_SHAPE', 'with 4 queries and 6 keys give { q, k }'],
  ['segments without k', ask({ segments: { q: true } }), 'ERR_ARGUMENT_TYPE', 'segments.k must be given'],
  ['segments of null', ask({ segments: null }), 'ERR_ARGUMENT_TYPE', 'segments must be { q, k }, true, a shape'],
  ['segments of text', ask({ segments: 'q' }), 'ERR_ARGUMENT_TYPE', "or { shape, dtype }, got 'q'"],
  [
    'a tensor',
    ask({ bias: Tensor.zeros([6]) }),
    'ERR_ARGUMENT_TYPE',
    'bias must be true, a shape or { shape, dtype } in',
  ],
  ['where the work is queued', ask({ stream: null }), 'ERR_OPTION', "request: unknown option 'stream'"],
  ['prefixLengths without causal', ask({ prefixLengths: true }), 'ERR_OPTION', 'prefixLengths needs causal'],
  [
    'prefixLengths with a window behind',
    ask({ causal: true, prefixLengths: true, window: { right: true } }),
    'ERR_OPTION',
    'window.right, which hides the prefix',
  ],
  ...(['mask', 'bias', 'kvLengths'] as const).map((name): BadCall => [
    `${name} of packed sequences`,
    ask({ packed: true, [name]: true }),
    'ERR_OPTION',
    `${name} cannot be combined with cuSeqLensQ`,
  ]),
]);
