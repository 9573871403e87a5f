/** Dynamic-mask attention against the oracle, which chooses the keys of every row by itself from the same scores. */

import {
  attention,
  configure,
  dynamicMaskAttention,
  dynamicMaskIntervals,
  dynamicMaskScores,
  Stream,
  Tensor,
} from '../../lib/index.js';
import { selectionOracle } from '../oracle/dynamic-mask-attention.js';
import { round } from '../oracle/round.js';
import { sequencesOf } from '../oracle/visibility.js';
import { targets } from '../support/backends.js';
import { assertSameBits } from '../support/compare.js';
import { expectFailure } from '../support/expect-error.js';
import { g } from '../support/generators.js';
import {
  checkDynamicMask,
  runDynamicMask,
  scoreShapeOf,
  scoresOf,
  type DynamicMaskCase,
} from '../support/dynamic-mask-case.js';
import { normal, Random } from '../support/random.js';

const causal = true;
const gqa = { sQ: 70, hQ: 4, hK: 2, d: 16 };

// Blocks of gathered keys are 128 long; a task has 192 rows, and a tile 6.
const rows: (DynamicMaskCase & { name: string })[] = [
  { name: 'a group per score head', shape: gqa, options: { causal, keep: 9 } },
  { name: 'one score head for all', shape: { ...gqa, hB: 1 }, options: { causal, keep: 9 } },
  {
    name: 'a score head per query head: heads of a group part',
    shape: { ...gqa, hB: 4 },
    options: { causal, keep: 9 },
  },
  {
    name: 'a score head for two of four groups',
    shape: { ...gqa, hQ: 8, hK: 4, hV: 2, hB: 2 },
    options: { causal, keep: 9 },
  },
  { name: 'not causal', shape: gqa, options: { keep: 9 } },
  { name: 'shared: early rows may keep nothing', shape: gqa, options: { causal, keep: 5, selection: 'shared' } },
  { name: 'relu', shape: gqa, options: { causal, selection: 'relu' } },
  { name: 'smoothed in blocks', shape: gqa, options: { causal, keep: 20, blockSize: 4 } },
  { name: 'keep = 1', shape: gqa, options: { causal, keep: 1 } },
  { name: 'keep = all, which is attention with a bias', shape: gqa, options: { causal, keep: 70 } },
  { name: 'keep beyond all', shape: gqa, options: { causal } },
  { name: 'all scores equal: the first keys stay', shape: gqa, options: { causal, keep: 9 }, scores: 'equal' },
  { name: 'rising scores: a sliding window', shape: gqa, options: { causal, keep: 9 }, scores: 'rising' },
  { name: 'scores that are NaN or infinite', shape: gqa, options: { causal, keep: 9 }, scores: 'NaN and infinities' },
  { name: 'several blocks and tasks', shape: { sQ: 460, hQ: 2, hK: 1, d: 8 }, options: { causal, keep: 150 } },
  { name: 'tiles of two heads', shape: { sQ: 31, hQ: 6, hK: 1, d: 8 }, options: { causal, keep: 7 } },
  { name: 'more keys than queries', shape: { ...gqa, sKv: 190 }, options: { causal, keep: 30 } },
  { name: 'rows that see no key', shape: { ...gqa, sKv: 40 }, options: { causal, keep: 12 } },
  {
    name: 'one query, as in decoding',
    shape: { b: 2, sQ: 1, sKv: 300, hQ: 8, hK: 2, d: 64 },
    options: { causal, keep: 40 },
  },
  { name: 'a scale of its own, negative', shape: gqa, options: { causal, keep: 9, scale: -0.3 } },
  { name: 'odd head dims', shape: { ...gqa, d: 19, dV: 37 }, options: { causal, keep: 9 } },
  { name: 'wide heads', shape: { sQ: 20, hQ: 2, hK: 1, d: 136, dV: 144 }, options: { causal, keep: 9 } },
  { name: 'reversed SQA', shape: { sQ: 20, hQ: 2, hK: 4, d: 16 }, options: { causal, keep: 9 } },
  { name: 'heads first', shape: { b: 2, ...gqa }, options: { causal, keep: 9 }, layout: 'heads-first' },
  { name: 'slices', shape: { b: 2, ...gqa }, options: { causal, keep: 9 }, layout: 'sliced' },
  {
    name: 'padded sequences, one of them empty',
    shape: { b: 3, ...gqa },
    options: { causal, keep: 9, kvLengths: [70, 0, 41] },
  },
  {
    name: 'packed sequences',
    shape: { b: 4, ...gqa, sKv: 90 },
    options: { causal, keep: 9, cuSeqLensQ: [0, 30, 30, 31, 68], cuSeqLensK: [0, 30, 47, 60, 88] },
  },
  { name: 'no keys', shape: { ...gqa, sQ: 5, sKv: 0 }, options: { causal, keep: 3 } },
  { name: 'no queries', shape: { ...gqa, sQ: 0, sKv: 5 }, options: { causal, keep: 3 } },
];

for (const { name: target, ...place } of targets()) {
  const { device, dtype } = place;
  const random = (shape: number[], seed: number) => Tensor.from(normal(shape, seed), shape, { dtype, device });
  describe(`dynamic-mask attention, ${target}`, () => {
    test.each(rows)('$name', (row) => checkDynamicMask(row, place));

    test('counting: with q = 0 and equal scores exp(lse) is the number of kept keys', async () => {
      for (const selection of ['perQuery', 'shared'] as const) {
        const options = { causal, keep: 33, selection };
        const row: DynamicMaskCase = {
          shape: { sQ: 200, sKv: 230, hQ: 2, hK: 2, d: 4 },
          options,
          scores: 'few values',
        };
        const shape = scoreShapeOf(row);
        const scores = scoresOf(row);
        const kept = selectionOracle(scores, shape, options);
        const [sequence] = sequencesOf(shape, {});
        const tensors = {
          q: Tensor.zeros([1, 200, 2, 4], { dtype, device }),
          k: random([1, 230, 2, 4], 1),
          v: random([1, 230, 2, 4], 2),
        };
        const given = Tensor.from(scores, [1, 2, 230], { dtype: 'float32', device });
        const intervals = dynamicMaskIntervals(given, { sQ: 200, ...options });
        const lse = Tensor.empty([1, 2, 200], { device });
        dynamicMaskAttention(tensors.q, tensors.k, tensors.v, {
          scores: Tensor.zeros([1, 2, 230], { device }),
          intervals,
          causal,
          lse,
        });
        const found = Array.from(await lse.toArray(), (x) => Math.round(Math.exp(x)));
        expect(found).toEqual(
          found.map((_, n) =>
            Array.from({ length: 230 }, (__, j) => Number(kept(sequence!, Math.floor(n / 200), n % 200, j))).reduce(
              (x, y) => x + y,
            ),
          ),
        );
      }
    });

    test('no leak: later tokens do not change what a row keeps and gives', async () => {
      const shape = { sQ: 90, hQ: 2, hK: 1, d: 16 };
      const run = async (change: boolean) => {
        const v = normal([90, 16], 3);
        const k = normal([90, 16], 2);
        if (change) for (let n = 50 * 16; n < 90 * 16; ++n) k[n] = v[n] = 3 - v[n]!;
        const out = dynamicMaskAttention(
          random([1, 90, 2, 16], 1),
          Tensor.from(k, [1, 90, 1, 16], { dtype, device }),
          Tensor.from(v, [1, 90, 1, 16], { dtype, device }),
          { wdt: random([16, 1], 4), a: random([1], 5), keep: 7, causal },
        );
        return (await out.toArray()).subarray(0, 50 * shape.hQ * shape.d);
      };
      assertSameBits(await run(true), await run(false), 'the first 50 rows');
    });

    test('example 7.5', async () => {
      const tensor = (data: Float64Array, shape: number[]) => Tensor.from(data, shape, { dtype, device });
      const [q, k, v] = [
        tensor(g(16, 0.1), [1, 4, 2, 2]),
        tensor(g(8, 0.2), [1, 4, 1, 2]),
        tensor(g(8, 0.3), [1, 4, 1, 2]),
      ];
      const [wdt, a] = [tensor(g(2, 0.5), [2, 1]), tensor(Float64Array.of(-0.8), [1])];
      const found = await dynamicMaskIntervals(dynamicMaskScores(v, { wdt, a }), { keep: 2, causal }).toArray();
      expect(Array.from(found)).toEqual([0, 1, 2, 3, 3, 2, 4, 4]);
      const out = await dynamicMaskAttention(q, k, v, { wdt, a, keep: 2, causal }).toArray();
      const expected = [0.29552, 0.841471, 0.29552, 0.841471, 0.662863, 0.753872, 0.553492, 0.779953];
      const digits = { float32: 6, float16: 2, bfloat16: 1 }[dtype];
      expected.forEach((x, n) => expect(out[n]).toBeCloseTo(x, digits));
    });

    test.each([Infinity, 3e38])(
      'a score of %d makes NaN of the rows that keep its key, and only of those',
      async (top) => {
        const x = random([1, 4, 1, 8], 1);
        const run = (score: number) =>
          dynamicMaskAttention(x, x, x, {
            scores: Tensor.from([1, score, 2, 3], [1, 1, 4], { device }),
            intervals: Tensor.from(Int32Array.of(0, 1, 2, 0, 4, 3, 4, 0), [1, 1, 2, 4], { device }),
            causal,
          }).toArray();
        const [found, usual] = [await run(top), await run(2e38)];
        for (let row = 0; row < 4; ++row) {
          const [bad, good] = [found, usual].map((out) => Array.from(out.slice(8 * row, 8 * row + 8)));
          expect(bad).toEqual(row === 1 || row === 2 ? new Array(8).fill(NaN) : good);
          expect(good).not.toContain(NaN);
        }
      },
    );

    test.each([Infinity, -Infinity, NaN])(
      'values of %d of a key that a score of NaN or -Infinity hides reach no row',
      async (bad) => {
        const x = random([1, 4, 1, 8], 1);
        const run = async (score: number, value: number) => {
          const v = Float64Array.from(await x.toArray()).fill(value, 8, 16);
          return dynamicMaskAttention(x, x, Tensor.from(v, [1, 4, 1, 8], { dtype, device }), {
            scores: Tensor.from([1, score, 2, 3], [1, 1, 4], { device }),
            intervals: Tensor.from(Int32Array.of(0, 0, 0, 0, 4, 4, 4, 4), [1, 1, 2, 4], { device }),
            causal,
          }).toArray();
        };
        const usual = await run(-Infinity, 0);
        for (const score of [NaN, -Infinity]) assertSameBits(await run(score, bad), usual);
        expect(Array.from(usual)).not.toContain(NaN);
      },
    );

    test('packed lengths out of range are found even where there are no queries', async () => {
      using stream = new Stream(device);
      const indices = (last: number) => Tensor.from(Int32Array.of(0, last), [2], { device });
      const [q, k] = [random([0, 4, 8], 1), random([5, 2, 8], 2)];
      const scores = Tensor.zeros([2, 5], { device });
      const intervals = Tensor.zeros([2, 2, 5], { dtype: 'int32', device });
      const cuSeqLensQ = indices(0);
      dynamicMaskAttention(q, k, k, { scores, intervals, cuSeqLensQ, cuSeqLensK: indices(6), stream });
      await expectFailure(() => stream.synchronize(), 'ERR_INDEX', 'cuSeqLensK[1] is 6, expected 0 to 5');
    });

    test('keep of all keys and equal scores is attention', async () => {
      const [q, k, v] = [random([1, 90, 4, 32], 1), random([1, 90, 2, 32], 2), random([1, 90, 2, 32], 3)];
      const options = { scores: Tensor.zeros([1, 1, 90], { device }), causal };
      const [found, expected] = [dynamicMaskAttention(q, k, v, options), attention(q, k, v, { causal })];
      const tolerance = { float32: 1e-6, float16: 2e-3, bfloat16: 2e-2 }[dtype];
      const dense = await expected.toArray();
      (await found.toArray()).forEach((x, n) => expect(Math.abs(x - dense[n]!)).toBeLessThanOrEqual(tolerance));
    });

    test('steps by hand give the bits of one call', async () => {
      const [q, k, v] = [random([1, 90, 4, 32], 1), random([1, 90, 2, 32], 2), random([1, 90, 2, 32], 3)];
      const [wdt, a] = [random([64, 2], 4), random([2], 5)];
      const scores = dynamicMaskScores(v, { wdt, a, form: 'linear' });
      const intervals = dynamicMaskIntervals(scores, { keep: 20, causal });
      const byHand = dynamicMaskAttention(q, k, v, { scores, intervals, causal });
      const atOnce = dynamicMaskAttention(q, k, v, { wdt, a, form: 'linear', keep: 20, causal });
      assertSameBits(await atOnce.toArray(), await byHand.toArray());
    });
  });
}

for (const { name: target, device, dtype } of targets())
  describe(`given intervals, ${target}`, () => {
    const [sQ, sKv, hQ, hK, hB, d] = [45, 70, 4, 2, 2, 16];
    const [q, k, v] = [normal([1, sQ, hQ, d], 1), normal([1, sKv, hK, d], 2), normal([1, sKv, hK, d], 3)];
    const random = new Random(5);
    const hostile = [-(2 ** 31), -7, 2 ** 31 - 1, sQ + 3];
    const bounds = Array.from({ length: hB * 2 * sKv }, (_, n) =>
      n % 3 === 0 ? random.pick(hostile) : random.integer(0, sQ),
    );
    const run = async (intervals: readonly number[], isCausal: boolean, poisoned: readonly number[] = []) => {
      const [keys, values] = [k.slice(), v.slice()];
      for (const key of poisoned) for (const rows of [keys, values]) rows.fill(NaN, key * hK * d, (key + 1) * hK * d);
      const tensor = (data: Float64Array, s: number, h: number) => Tensor.from(data, [1, s, h, d], { dtype, device });
      const lse = Tensor.empty([1, hQ, sQ], { device });
      const out = dynamicMaskAttention(tensor(q, sQ, hQ), tensor(keys, sKv, hK), tensor(values, sKv, hK), {
        scores: Tensor.from(round(normal([1, hB, sKv], 4), 'float32'), [1, hB, sKv], { dtype: 'float32', device }),
        intervals: Tensor.from(Int32Array.from(intervals), [1, hB, 2, sKv], { device }),
        causal: isCausal,
        lse,
      });
      return { out: await out.toArray(), lse: await lse.toArray() };
    };

    test.each([true, false])('numbers beyond the queries count as far as they reach inside, causal %p', async (is) => {
      const found = await run(bounds, is);
      const clamped = await run(
        bounds.map((x) => Math.min(sQ, Math.max(0, x))),
        is,
      );
      assertSameBits(found.out, clamped.out, 'out');
      assertSameBits(found.lse, clamped.lse, 'lse');
      const counts = Array.from(found.lse, Number.isFinite);
      expect(counts).toContain(true);
    });

    test('keys that no query keeps are not read', async () => {
      const at = (head: number, end: number, key: number) => bounds[(head * 2 + end) * sKv + key]!;
      const kept = (key: number) =>
        [0, 1].some((head) => Math.max(0, at(head, 0, key)) < Math.min(sQ, at(head, 1, key)));
      const unused = Array.from({ length: sKv }, (_, key) => key).filter((key) => !kept(key));
      expect(unused.length).toBeGreaterThan(5);
      const [found, usual] = [await run(bounds, false, unused), await run(bounds, false)];
      assertSameBits(found.out, usual.out, 'out');
    });
  });

for (const { name: target, ...place } of targets(['float32', 'bfloat16']))
  test(`the same bits for any number of threads, ${target}`, async () => {
    const row = { shape: { b: 2, sQ: 250, hQ: 4, hK: 2, d: 32 }, options: { causal, keep: 40 } };
    const results = [];
    for (const threads of [1, 2, 5]) {
      configure({ threads });
      results.push(await runDynamicMask(row, place));
    }
    for (const { out, lse } of results.slice(1)) {
      assertSameBits(out, results[0]!.out, 'out');
      assertSameBits(lse, results[0]!.lse, 'lse');
    }
  });
