/** What explain() says of compressedConvAttention(). */

import { devices, explain, supports, type CompressedConvAttentionRequest } from '../../lib/index.js';
import { badCalls } from '../support/expect-error.js';

const request: CompressedConvAttentionRequest = { op: 'compressedConvAttention', b: 2, s: 100, hQ: 8, hKv: 2, d: 16 };
const ask = (more: object) => () => explain({ ...request, ...more });

test('counts the prologue and the attention', async () => {
  const { prologue, flops, bytes, kernel, path, supported } = await explain(request);
  const attended = await explain({ op: 'attention', b: 2, sQ: 100, sKv: 100, hQ: 8, hKv: 2, d: 16, causal: true });
  const [tokens, channels] = [200, 160];
  expect(prologue).toMatchObject({
    kernel: 'cpu/compressed-conv',
    halfProducts: false,
    flops: 2 * tokens * channels * (2 + 16 * 2),
    // Latents and values in, queries, keys and values out, parameters.
    bytes: 4 * (2 * tokens * (channels + 32) + channels * (2 + 32 + 2)),
  });
  expect(flops).toBe(attended.flops + prologue!.flops);
  expect(bytes).toBe(attended.bytes + prologue!.bytes);
  expect({ kernel, path, supported }).toEqual({ kernel: attended.kernel, path: devices()[0]!.path, supported: true });
});

test.each<[string, Partial<CompressedConvAttentionRequest>]>([
  ['a prompt', { s: 4096, hQ: 4, hKv: 4, d: 128 }],
  ['16 bits', { s: 4096, d: 128, dtype: 'bfloat16' }],
  ['one token', { b: 1, s: 1 }],
  ['packed sequences', { s: 4096, packed: true }],
])('moves at most 1.3 times of what is compulsory: %s', async (_, more) => {
  const { bytes, bytesMoved } = (await explain({ ...request, ...more })).prologue!;
  expect(bytesMoved).toBeGreaterThanOrEqual(bytes);
  expect(bytesMoved).toBeLessThanOrEqual(1.3 * bytes);
});

test('takes the options of the attention', async () => {
  const windowed = await explain({ ...request, window: { left: 3 } });
  expect(windowed.visiblePairs).toBe(2 * (1 + 2 + 3 + 97 * 4));
  expect((await explain({ ...request, causal: false })).visiblePairs).toBe(2 * 100 * 100);
  expect(supports({ ...request, packed: true, lse: true })).toBe(true);
  const plain = await explain(request);
  const padded = await explain({ ...request, lengths: true });
  // Queries and keys of padding are attended to, and a factor for each row: [b, 1, s].
  expect(padded).toMatchObject({ visiblePairs: plain.visiblePairs, accuracy: 'exact', bytes: plain.bytes + 4 * 200 });
  expect((await explain({ ...request, causal: false, lengths: true })).accuracy).toBe('upper bound');
  const turned = { tempMode: 'raw', rope: { rotaryDim: 8, scaling: { type: 'linear', factor: 2 } } } as const;
  for (const more of [turned, { rope: false } as const]) expect(await explain({ ...request, ...more })).toEqual(plain);
});

badCalls('explain of compressedConvAttention refuses', [
  ['a misspelt name', ask({ sQ: 4 }), 'ERR_OPTION', "request: unknown option 'sQ'"],
  ['no tokens given', ask({ s: undefined }), 'ERR_ARGUMENT_TYPE', 's must be a number, got undefined'],
  ['heads that do not divide', ask({ hQ: 3 }), 'ERR_SHAPE', 'hQ must be a multiple of hKv, got 3 and 2'],
  ['an odd number of values', ask({ hKv: 1, d: 7 }), 'ERR_SHAPE', 'hKv * d must be even'],
  ['an unknown tempMode', ask({ tempMode: 'log' }), 'ERR_ARGUMENT_VALUE', "tempMode must be 'exp'"],
  ['more than a head to turn', ask({ rope: { rotaryDim: 32 } }), 'ERR_ARGUMENT_VALUE', 'rotaryDim must be'],
  ['positions', ask({ rope: { positions: true } }), 'ERR_OPTION', "rope: unknown option 'positions'"],
  ['a number of lengths', ask({ lengths: 2 }), 'ERR_ARGUMENT_TYPE', 'lengths must be a boolean'],
  ['lengths of packed sequences', ask({ lengths: true, packed: true }), 'ERR_OPTION', 'lengths are of sequences'],
  [
    'lengths with a window of later keys',
    ask({ lengths: true, causal: false, window: { left: 3 } }),
    'ERR_OPTION',
    'lengths cannot be combined with a window',
  ],
  ['too many taps', ask({ k2: 9 }), 'ERR_UNSUPPORTED', 'k1 and k2 are at most 8'],
  ['integers', ask({ dtype: 'int32' }), 'ERR_DTYPE', 'dtype must be float32'],
]);
