/** Which rows keep each key, exactly, against sorting the keys of every row; and the scores they are chosen by. */

import { dynamicMaskIntervals, dynamicMaskScores, Stream, Tensor } from '../../lib/index.js';
import { keyScoresOracle, selectionOracle, type SelectionOptions } from '../oracle/dynamic-mask-attention.js';
import { round } from '../oracle/round.js';
import { sequencesOf, type AttentionShape } from '../oracle/visibility.js';
import { targets } from '../support/backends.js';
import { assertSameBits, assertWithin, roundingBudget } from '../support/compare.js';
import { expectFailure } from '../support/expect-error.js';
import { scoreKinds, scoresOf, type ScoreKind } from '../support/dynamic-mask-case.js';
import { normal } from '../support/random.js';

interface SelectionCase {
  b?: number;
  sQ: number;
  sKv: number;
  hB?: number;
  options: SelectionOptions;
}

/** [first row, row behind the last] of every key, by asking row after row. */
function runsOf(scores: Float64Array, { b = 1, sQ, sKv, hB = 2, options }: SelectionCase): number[] {
  const shape: AttentionShape = { b, sQ, sKv, hQ: 1, hK: 1, hV: 1, d: 1, dV: 1 };
  const packed = options.cuSeqLensQ !== undefined;
  const kept = selectionOracle(scores, { sKv, hB }, options);
  const result = new Array<number>((packed ? 1 : b) * hB * 2 * sKv).fill(0);
  for (const sequence of sequencesOf(shape, options))
    for (let h = 0; h < hB; ++h)
      for (let j = 0; j < sequence.sKv; ++j) {
        const rows = Array.from({ length: sequence.sQ }, (_, i) => i).filter((i) => kept(sequence, h, i, j));
        if (rows.length === 0) continue;
        const [first, end] = [rows[0]!, rows[rows.length - 1]! + 1];
        expect(rows.length).toBe(end - first); // one run, which is what makes two numbers enough
        const at = packed ? h * 2 * sKv + sequence.k0 + j : (sequence.n * hB + h) * 2 * sKv + j;
        result[at] = first;
        result[at + sKv] = end;
      }
  return result;
}

const modes: { says: string; options: SelectionOptions }[] = [
  { says: 'perQuery', options: {} },
  { says: 'shared', options: { selection: 'shared' } },
  { says: 'smoothed in blocks of 4', options: { blockSize: 4 } },
  { says: 'smoothed in blocks of 7, shared', options: { blockSize: 7, selection: 'shared' } },
];
const lengths = [
  { says: 'square', sQ: 60, sKv: 60 },
  { says: 'more keys than queries', sQ: 23, sKv: 60 },
  { says: 'more queries than keys', sQ: 60, sKv: 41 },
  { says: 'one query', sQ: 1, sKv: 50 },
];

for (const { name, device } of targets(['float32']))
  describe(`selection, ${name}`, () => {
    const indices = (data: readonly number[]) => Tensor.from(Int32Array.from(data), [data.length], { device });

    const check = async (row: SelectionCase, kind: ScoreKind) => {
      const { b = 1, sQ, sKv, hB = 2, options } = row;
      const { kvLengths, cuSeqLensQ, cuSeqLensK, ...plain } = options;
      const scores = scoresOf({ shape: { b, sQ, sKv, hQ: 1, d: 1, hB }, options, scores: kind });
      const intervals = dynamicMaskIntervals(
        Tensor.from(scores, cuSeqLensQ ? [hB, sKv] : [b, hB, sKv], { dtype: 'float32', device }),
        {
          ...plain,
          sQ,
          ...(kvLengths && { kvLengths: indices(kvLengths) }),
          ...(cuSeqLensQ && { cuSeqLensQ: indices(cuSeqLensQ) }),
          ...(cuSeqLensK && { cuSeqLensK: indices(cuSeqLensK) }),
        },
      );
      expect(intervals.shape).toEqual(cuSeqLensQ ? [hB, 2, sKv] : [b, hB, 2, sKv]);
      expect(Array.from(await intervals.toArray())).toEqual(runsOf(scores, row));
    };

    for (const { says, options } of modes)
      for (const causal of [true, false])
        for (const { says: size, sQ, sKv } of lengths)
          test.each([1, 9, 59, 500])(`${says}, ${causal ? 'causal' : 'all keys'}, ${size}, keep %i`, async (keep) => {
            for (const kind of Object.keys(scoreKinds) as ScoreKind[])
              await check({ sQ, sKv, options: { ...options, causal, keep } }, kind);
          });

    test.each([0, 4])('relu, blocks of %i', async (blockSize) => {
      for (const kind of Object.keys(scoreKinds) as ScoreKind[])
        for (const causal of [true, false])
          await check({ sQ: 20, sKv: 33, options: { selection: 'relu', causal, blockSize: blockSize || 33 } }, kind);
    });

    test('padded sequences', () =>
      check({ b: 3, sQ: 12, sKv: 40, options: { keep: 5, causal: true, kvLengths: [40, 0, 13] } }, 'random'));

    test('packed sequences; tokens of none are kept by none', () =>
      check(
        {
          b: 4,
          sQ: 30,
          sKv: 50,
          options: { keep: 5, causal: true, cuSeqLensQ: [0, 9, 9, 21, 29], cuSeqLensK: [0, 9, 15, 15, 47] },
        },
        'few values',
      ));

    test('the defaults: 2048 keys, as many queries as keys, all of them seen', async () => {
      const scores = Tensor.from(new Float32Array(3000), [1, 1, 3000], { device });
      const found = await dynamicMaskIntervals(scores).toArray();
      expect(Array.from(found.slice(0, 3000))).toEqual(new Array(3000).fill(0));
      expect(Array.from(found.slice(3000))).toEqual(Array.from({ length: 3000 }, (_, j) => (j < 2048 ? 3000 : 0)));
    });

    test('lengths out of range are found when the work runs', async () => {
      const scores = Tensor.zeros([2, 1, 8], { device });
      const kvLengths = Tensor.from(Int32Array.of(8, 9), [2], { device });
      await expect(dynamicMaskIntervals(scores, { kvLengths }).toArray()).rejects.toMatchObject({ code: 'ERR_INDEX' });
    });

    test.each([
      { mentions: 'cuSeqLensK[1] is 5', shape: [1, 0], sQ: 3, cuSeqLensQ: [0, 3], cuSeqLensK: [0, 5] },
      { mentions: 'kvLengths[0] is 5', shape: [1, 1, 0], sQ: 3, kvLengths: [5] },
    ])('even where there are no keys: $mentions', async ({ mentions, shape, sQ, ...lengths }) => {
      using stream = new Stream(device);
      const options = Object.entries(lengths).map(([name, of]) => [name, indices(of)] as const);
      dynamicMaskIntervals(Tensor.zeros(shape, { device }), { ...Object.fromEntries(options), sQ, stream });
      await expectFailure(() => stream.synchronize(), 'ERR_INDEX', mentions);
    });
  });

for (const { name, device, dtype } of targets())
  describe(`scores from values, ${name}`, () => {
    test.each([
      { says: 'one value head', hV: 1, dV: 2, hB: 1 },
      { says: 'several, of odd width', hV: 3, dV: 19, hB: 3 },
      { says: 'many, wide', hV: 4, dV: 64, hB: 16 },
    ])('$says', async ({ hV, dV, hB }) => {
      const [b, s, width] = [2, 13, hV * dV];
      const v = round(normal([b, s, width], 1), dtype);
      const wdt = round(normal([width, hB], 2), 'float32').map((x) => Math.fround(x / Math.sqrt(width)));
      const a = round(normal([hB], 3), 'float32');
      for (const form of ['exp', 'linear'] as const) {
        const scores = dynamicMaskScores(Tensor.from(v, [b, s, hV, dV], { dtype, device }), {
          wdt: Tensor.from(wdt, [width, hB], { dtype: 'float32', device }),
          a: Tensor.from(a, [hB], { dtype: 'float32', device }),
          ...(form === 'linear' && { form }),
        });
        expect(scores.shape).toEqual([b, hB, s]);
        const exact = keyScoresOracle(v, { b, s, width }, { wdt, a, form }).scores;
        // A naive sum in float32 errs by at most one rounding per term; softplus passes no more on than |a| of it.
        const naive = exact.map(
          (x, n) => x + 2 ** -24 * Math.sqrt(width) * Math.abs(a[Math.floor(n / s) % hB]!) * Math.max(1, Math.abs(x)),
        );
        assertWithin(await scores.toArray(), exact, roundingBudget('float32', exact, naive, s), 'scores');
      }
    });

    test('views of values and weights, and packed tokens, have the bits of copies', async () => {
      const [s, hV, dV, hB] = [21, 3, 10, 5];
      const random = (shape: number[], seed: number) => Tensor.from(normal(shape, seed), shape, { dtype, device });
      const copyOf = (from: Tensor) => Tensor.empty(from.shape, { dtype, device }).copyFrom(from);
      const a = Tensor.from(normal([hB], 3), [hB], { dtype: 'float32', device });
      const v = random([hV, 2, s, dV + 4], 1)
        .transpose([1, 2, 0, 3])
        .slice([null, null, null, [1, dV + 1]]);
      const wdt = random([hB, hV * dV], 2).transpose(0, 1);
      const out = Tensor.empty([s, 2, hB], { device }).transpose([1, 2, 0]);
      const found = await dynamicMaskScores(v, { wdt, a, out }).toArray();
      const [whole, weights] = [copyOf(v), { wdt: copyOf(wdt), a }];
      assertSameBits(found, await dynamicMaskScores(whole, weights).toArray());
      const second = whole.slice([[1, 2], null, null, null]).reshape([s, hV, dV]);
      assertSameBits(await dynamicMaskScores(second, weights).toArray(), found.slice(hB * s));
    });

    test('large and small products neither overflow nor vanish', async () => {
      const v = Tensor.from([30, -30, 1, 0], [4, 1, 1], { dtype, device });
      const one = Tensor.from([2], [1, 1], { device });
      const found = await dynamicMaskScores(v, {
        wdt: one,
        a: Tensor.from([1], [1], { device }),
        form: 'linear',
      }).toArray();
      expect(found[0]).toBe(60);
      expect(found[1]! / Math.exp(-60)).toBeCloseTo(1, 5);
      expect(found[2]).toBeCloseTo(Math.log1p(Math.exp(2)), 6);
      expect(found[3]).toBeCloseTo(Math.LN2, 6);
    });

    test('exp of more than 88.7 is Infinity, of less it is not', async () => {
      const v = Tensor.from([88.5, 89], [2, 1, 1], { dtype, device });
      const one = (shape: number[]) => Tensor.from([1], shape, { device });
      const found = await dynamicMaskScores(v, { wdt: one([1, 1]), a: one([1]) }).toArray();
      expect(Number.isFinite(found[0])).toBe(true);
      expect(found[1]).toBe(Infinity);
    });

    test('weights in the dtype of the values', async () => {
      const v = Tensor.from([1, 2, 3, 4], [2, 1, 2], { dtype, device });
      const wdt = Tensor.from([0.5, -0.25], [2, 1], { dtype, device });
      const a = Tensor.from([0.5], [1], { dtype, device });
      const found = await dynamicMaskScores(v, { wdt, a }).toArray();
      const expected = [0, 0.5].map((dt) => Math.exp(0.5 * Math.log1p(Math.exp(dt))));
      found.forEach((x, n) => expect(x).toBeCloseTo(expected[n]!, 6));
    });
  });
