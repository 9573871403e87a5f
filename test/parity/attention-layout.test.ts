/** What must not matter: where the elements lie, how sequences are packed, how many threads work, which run it is. */

import { attention, configure, devices, Tensor, type AttentionOptions } from '../../lib/index.js';
import type { AttentionCase } from '../support/attention-case.js';
import { expectedOf, inputsOf } from '../support/attention-case.js';
import { targets, type Target } from '../support/backends.js';
import { assertSameBits } from '../support/compare.js';
import { parityTable } from '../support/parity-table.js';
import { normal } from '../support/random.js';

const prefill = { b: 2, sQ: 40, sKv: 150, hQ: 4, hK: 2, d: 40, dV: 24 };
const decode = { b: 2, sQ: 1, sKv: 600, hQ: 8, hK: 2, d: 40, dV: 24 };
const causal = { causal: true };

parityTable(
  'layouts',
  [prefill, decode].flatMap((shape) => [
    {
      name: `[b, h, s, d] data as a transposed view, ${shape.sQ} queries`,
      shape,
      options: causal,
      layout: 'heads-first' as const,
    },
    {
      name: `slices with odd strides on every axis, ${shape.sQ} queries`,
      shape,
      options: causal,
      layout: 'sliced' as const,
    },
    {
      name: `slices, head dim of one, ${shape.sQ} queries`,
      shape: { ...shape, d: 1, dV: 1 },
      layout: 'sliced' as const,
    },
  ]),
);

const cuSeqLensQ = [0, 33, 33, 34, 60, 61];
const cuSeqLensK = [0, 70, 90, 390, 390, 395];
const packed: AttentionCase = {
  shape: { b: 5, sQ: 61, sKv: 395, hQ: 4, hK: 2, d: 32 },
  options: { causal: true, cuSeqLensQ, cuSeqLensK },
};

parityTable('packed sequences', [
  { name: 'many, one, no queries; many, few, no keys', ...packed },
  { name: 'not causal', ...packed, options: { cuSeqLensQ, cuSeqLensK } },
  { name: 'sliced', ...packed, layout: 'sliced' },
  { name: 'heads first', ...packed, layout: 'heads-first' },
  {
    name: 'one query each: a batch of decode steps',
    shape: { b: 3, sQ: 3, sKv: 700, hQ: 4, hK: 1, d: 32 },
    options: { cuSeqLensQ: [0, 1, 2, 3], cuSeqLensK: [0, 5, 600, 700], causal: true },
  },
  {
    name: 'window, sink tokens, sinks',
    ...packed,
    options: { ...packed.options, window: { left: 9 }, sinkTokens: 2, sinks: [0, 1, -1, 2] },
  },
  { name: 'prefixes', ...packed, options: { ...packed.options, prefixLengths: [40, 3, 299, 0, 5] } },
  {
    name: 'segments',
    ...packed,
    options: {
      ...packed.options,
      segments: { q: Array.from({ length: 61 }, (_, t) => t % 2), k: Array.from({ length: 395 }, (_, t) => t % 3) },
    },
  },
  {
    name: 'slopes per sequence',
    ...packed,
    options: { ...packed.options, alibiSlopes: { shape: [5, 4], data: normal([5, 4], 3) } },
  },
  {
    name: 'temperature and gate',
    ...packed,
    options: {
      ...packed.options,
      temperature: { shape: [4, 61], data: normal([4, 61], 4) },
      gate: { shape: [61], data: normal([61], 5) },
    },
  },
  { name: 'reversed heads', ...packed, shape: { ...packed.shape, hQ: 2, hK: 4 } },
  {
    name: 'tokens behind the last sequence, which give zeros',
    shape: { b: 3, sQ: 61, sKv: 395, hQ: 4, hK: 2, d: 32 },
    options: { causal: true, cuSeqLensQ: [0, 33, 33, 50], cuSeqLensK: [0, 70, 90, 390] },
    edit: ({ q }) => void q.fill(NaN, 50 * 4 * 32),
  },
  {
    name: 'tokens behind the last sequence, with sinks',
    shape: { b: 2, sQ: 9, sKv: 395, hQ: 4, hK: 2, d: 32 },
    options: { cuSeqLensQ: [0, 1, 2], cuSeqLensK: [0, 70, 390], sinks: [1, 2, 3, 4] },
  },
  {
    name: 'no token in any sequence',
    shape: { b: 1, sQ: 3, sKv: 5, hQ: 2, d: 8 },
    options: { cuSeqLensQ: [0, 0], cuSeqLensK: [0, 0] },
  },
  {
    name: 'segments as one tensor',
    shape: { b: 2, sQ: 60, hQ: 4, hK: 2, d: 32 },
    options: {
      causal: true,
      cuSeqLensQ: [0, 25, 60],
      cuSeqLensK: [0, 25, 60],
      segments: ((ids) => ({ q: ids, k: ids }))(Array.from({ length: 60 }, (_, t) => (t >> 2) % 3)),
    },
    sharedSegments: true,
  },
  { name: 'on a stream of their own', ...packed, ownStream: true },
  {
    name: 'no tokens at all',
    shape: { b: 2, sQ: 0, sKv: 0, hQ: 2, d: 8 },
    options: { cuSeqLensQ: [0, 0, 0], cuSeqLensK: [0, 0, 0] },
  },
]);

// Enough work for every thread to take part: several blocks of queries, heads and chunks.
const busy = [
  { what: 'many queries', q: [1, 400, 4, 32], kv: [1, 400, 2, 32] },
  { what: 'few queries', q: [1, 2, 4, 64], kv: [1, 5000, 2, 64] },
];
const few = [
  { what: 'many queries', q: [1, 80, 4, 32], kv: [1, 80, 2, 32] },
  { what: 'few queries', q: [1, 2, 4, 64], kv: [1, 700, 2, 64] },
];

/** What the tests of equal bits do on a target. */
function callsOn({ device, dtype }: Target) {
  const random = (shape: number[], seed: number) => Tensor.from(normal(shape, seed), shape, { dtype, device });
  const bits = async (call: (lse: Tensor) => Tensor, lseShape: number[]) => {
    const lse = Tensor.empty(lseShape, { device });
    const out = call(lse);
    return [await out.toBits(), await lse.toBits()] as unknown as [ArrayLike<number>, ArrayLike<number>];
  };
  return { random, bits };
}

for (const target of targets())
  describe(`same bits, ${target.name}`, () => {
    const { device, dtype, emulated } = target;
    const { random, bits } = callsOn(target);

    test.each(emulated ? few : busy)('run after run, $what', async ({ q: qShape, kv }) => {
      const [q, k, v] = [random(qShape, 4), random(kv, 5), random(kv, 6)];
      const run = () => bits((lse) => attention(q, k, v, { causal: true, lse }), [1, 4, qShape[1]!]);
      const [out, lse] = await run();
      for (let again = 0; again < (emulated ? 2 : 5); ++again) {
        const [outAgain, lseAgain] = await run();
        assertSameBits(outAgain, out, 'out');
        assertSameBits(lseAgain, lse, 'lse');
      }
    });

    test.each([prefill, decode])(
      'with lse or without, into a given tensor or a new one, $sQ queries',
      async (shape) => {
        const { b, sQ, sKv, hQ, hK, d, dV } = shape;
        const [q, k, v] = [random([b, sQ, hQ, d], 1), random([b, sKv, hK, d], 2), random([b, sKv, hK, dV], 3)];
        const call = async (options: AttentionOptions) => attention(q, k, v, { causal: true, ...options }).toBits();
        const expected = await call({ lse: Tensor.empty([b, hQ, sQ], { device }) });
        assertSameBits(await call({}), expected);
        assertSameBits(await call({ out: Tensor.empty([b, sQ, hQ, dV], { dtype, device }) }), expected);
      },
    );

    test('keys repeated by expand as keys stored twice', async () => {
      const [q, k] = [random([2, 9, 2, 16], 1), random([1, 40, 1, 16], 2)];
      const twice = (t: Tensor) => Tensor.from(t.expand([2, 40, 1, 16]), [2, 40, 1, 16], { dtype, device });
      const expanded = k.expand([2, 40, 1, 16]);
      assertSameBits(await attention(q, expanded, expanded).toBits(), await attention(q, twice(k), twice(k)).toBits());
    });
  });

// Of the CPU: a GPU has no threads to count, and cuts keys by how much of it a call fills.
for (const target of targets().filter(({ device }) => device === 'cpu'))
  describe(`same bits however work is cut, ${target.name}`, () => {
    const { device } = target;
    const { random, bits } = callsOn(target);

    test('packed as each sequence alone', async () => {
      const [q, k, v] = [random([61, 4, 32], 1), random([395, 2, 32], 2), random([395, 2, 32], 3)];
      const indices = (data: number[]) => Tensor.from(data, [data.length], { dtype: 'int32', device });
      const options = { causal: true, cuSeqLensQ: indices(cuSeqLensQ), cuSeqLensK: indices(cuSeqLensK) };
      const lse = Tensor.empty([4, 61], { device });
      const together = attention(q, k, v, { ...options, lse });
      for (let n = 0; n < 5; ++n) {
        const alone = (t: Tensor, cu: number[]) => {
          const [from, to] = [cu[n]!, cu[n + 1]!];
          return t.slice([[from, to], null, null]).reshape([1, to - from, t.shape[1]!, 32]);
        };
        const part = Tensor.empty([1, 4, cuSeqLensQ[n + 1]! - cuSeqLensQ[n]!], { device });
        const out = attention(alone(q, cuSeqLensQ), alone(k, cuSeqLensK), alone(v, cuSeqLensK), {
          causal: true,
          lse: part,
        });
        const range: [number, number] = [cuSeqLensQ[n]!, cuSeqLensQ[n + 1]!];
        const whole = together.slice([range, null, null]);
        assertSameBits(await out.toBits(), await whole.toBits(), `out of sequence ${n}`);
        assertSameBits(await part.toBits(), await lse.slice([null, range]).toBits(), `lse of sequence ${n}`);
      }
    });

    test.each(busy)('any number of threads, $what', async ({ q: qShape, kv }) => {
      const { threads } = devices()[0]!;
      const [q, k, v] = [random(qShape, 7), random(kv, 8), random(kv, 9)];
      try {
        const results = [];
        for (const count of [1, 2, 3, 4]) {
          configure({ threads: count });
          results.push(await bits((lse) => attention(q, k, v, { causal: true, lse }), [1, 4, qShape[1]!]));
        }
        for (const [out, lse] of results.slice(1)) {
          assertSameBits(out, results[0]![0], 'out');
          assertSameBits(lse, results[0]![1], 'lse');
        }
      } finally {
        configure({ threads });
      }
    });
  });

// Only a sample of rows is judged, against the oracle asked for those rows.
const large: (AttentionCase & { name: string })[] = [
  {
    name: 'long prefill, causal',
    shape: { sQ: 1500, hQ: 4, hK: 1, d: 64 },
    options: causal,
    rows: [0, 1, 191, 192, 777, 1499],
  },
  {
    name: 'long prefill, window',
    shape: { sQ: 1500, hQ: 2, d: 64 },
    options: { window: { left: 300, right: 40 } },
    rows: [0, 5, 340, 1300, 1499],
  },
  {
    name: 'long decode over many chunks',
    shape: { b: 2, sQ: 4, sKv: 6000, hQ: 4, hK: 2, d: 64 },
    options: causal,
    rows: [0, 3],
  },
  {
    name: 'long decode with a window that skips chunks',
    shape: { sQ: 2, sKv: 6000, hQ: 4, hK: 2, d: 64 },
    options: { causal: true, window: { left: 700 }, sinkTokens: 5 },
    rows: [0, 1],
  },
];
parityTable('large shapes', large, undefined, ({ emulated }) => !emulated);

test('a sample of rows is the same rows of the whole', () => {
  const row: AttentionCase = { shape: { b: 2, sQ: 12, hQ: 2, d: 8 }, options: causal };
  const values = inputsOf(row, 'float32');
  const whole = expectedOf(row, 'float32', values).exact;
  const sample = expectedOf({ ...row, rows: [3, 11] }, 'float32', values).exact;
  expect(Array.from(sample.out.subarray(0, 16))).toEqual(Array.from(whole.out.subarray(3 * 16, 4 * 16)));
  expect(Array.from(sample.lse.subarray(0, 2))).toEqual([whole.lse[3], whole.lse[11]]);
});
