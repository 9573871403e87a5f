/** Decoding with a state: at every step the bits of the call over all tokens, and the same again after a rollback. */

import { DmaState, dynamicMaskAttention, Tensor } from '../../lib/index.js';
import { dynamicMaskOracle } from '../oracle/dynamic-mask-attention.js';
import { round } from '../oracle/round.js';
import { judge } from '../support/attention-case.js';
import { targets } from '../support/backends.js';
import { assertSameBits } from '../support/compare.js';
import { scoreKinds, scoresOf, type ScoreKind } from '../support/dynamic-mask-case.js';
import { normal } from '../support/random.js';

const [hQ, hK, d, tokens, keep] = [6, 2, 16, 60, 9];

for (const { name: target, device, dtype } of targets())
  describe(`dynamic-mask state, ${target}`, () => {
    const float32 = (values: ArrayLike<number>, shape: number[]) =>
      Tensor.from(Float32Array.from(values), shape, { device });
    const rows = (values: Float64Array, shape: number[]) => Tensor.from(values, shape, { dtype, device });

    const inputs = (b: number, hB: number, kind: ScoreKind) => {
      const scores = scoresOf({ shape: { b, sQ: 1, sKv: tokens, hQ: 1, d: 1, hB }, scores: kind });
      const all = float32(scores, [b, hB, tokens]);
      return {
        scores,
        scoresOf: (from: number, to: number) => all.slice([null, null, [from, to]]),
        q: round(normal([b, tokens, hQ, d], 1), dtype),
        k: rows(normal([b, tokens, hK, d], 2), [b, tokens, hK, d]),
        v: rows(normal([b, tokens, hK, d], 3), [b, tokens, hK, d]),
      };
    };

    test.each(Object.keys(scoreKinds) as ScoreKind[])('each step is the whole, %s scores', async (kind) => {
      const [b, hB] = [2, 2];
      const { q, k, v, scoresOf: part } = inputs(b, hB, kind);
      const all = rows(q, [b, tokens, hQ, d]);
      using state = new DmaState({ b, hB, keep, device });
      const prompt = 5;
      state.append(part(0, prompt));
      for (let n = prompt + 1; n <= tokens; ++n) {
        state.append(part(n - 1, n));
        expect(state.length).toBe(n);
        const query = all.slice([null, [n - 1, n], null, null]);
        const [lse, wholeLse] = [Tensor.empty([b, hQ, 1], { device }), Tensor.empty([b, hQ, 1], { device })];
        const found = dynamicMaskAttention(query, k, v, { state, lse }); // a cache with room for more
        const seen: [number, number] = [0, n];
        const whole = dynamicMaskAttention(
          query,
          k.slice([null, seen, null, null]),
          v.slice([null, seen, null, null]),
          {
            scores: part(0, n),
            keep,
            causal: true,
            lse: wholeLse,
          },
        );
        assertSameBits(await found.toArray(), await whole.toArray(), `out of step ${n}`);
        assertSameBits(await lse.toArray(), await wholeLse.toArray(), `lse of step ${n}`);
      }
    });

    test.each([1, 2, 6])('the oracle, %i score heads', async (hB) => {
      const { q, k, v, scores, scoresOf: part } = inputs(1, hB, 'random');
      using state = new DmaState({ hB, keep, device }).append(part(0, tokens));
      const last = q.slice(-hQ * d);
      const lse = Tensor.empty([1, hQ, 1], { device });
      const out = dynamicMaskAttention(rows(last, [1, 1, hQ, d]), k, v, { state, lse });
      const shape = { b: 1, sQ: 1, sKv: tokens, hQ, hK, hV: hK, d, dV: d, hB };
      const options = { keep, causal: true };
      const read = async (tensor: Tensor) => Float64Array.from(await tensor.toArray());
      const [keys, values] = [await read(k), await read(v)];
      const exact = dynamicMaskOracle(last, keys, values, scores, shape, options);
      const plain = dynamicMaskOracle(last, keys, values, scores, shape, { ...options, roundTo: dtype });
      judge({ out: await read(out), lse: await read(lse) }, { exact, asked: exact, plain }, dtype, d);
    });

    test('a rollback forgets what came since, as often as wanted', async () => {
      const { q, k, v, scoresOf: part } = inputs(1, 2, 'rising'); // each token pushes one out
      const query = rows(q.slice(-hQ * d), [1, 1, hQ, d]);
      using state = new DmaState({ hB: 2, keep, device }).append(part(0, 30));
      using snapshot = state.snapshot();
      const before = await dynamicMaskAttention(query, k, v, { state }).toArray();
      for (const drafted of [1, 8, 30]) {
        state.append(part(30, 30 + drafted));
        const since = await dynamicMaskAttention(query, k, v, { state }).toArray();
        expect(since).not.toEqual(before);
        state.rollback(snapshot);
        expect(state.length).toBe(30);
        assertSameBits(await dynamicMaskAttention(query, k, v, { state }).toArray(), before);
      }
    });

    test('a state without tokens keeps none', async () => {
      const { q, k, v } = inputs(1, 2, 'random');
      using state = new DmaState({ hB: 2, keep, device });
      const out = dynamicMaskAttention(rows(q.slice(0, hQ * d), [1, 1, hQ, d]), k, v, { state });
      expect(new Set(await out.toArray())).toEqual(new Set([0]));
    });
  });
