// What does dynamic-mask attention gain over our own dense attention, scores and selection included?

import { DmaState, dynamicMaskAttention, dynamicMaskScores, Tensor } from '../../dist/esm.mjs';
import { defineBench } from '../define.mjs';
import { ours, randomSets, stream } from '../inputs.mjs';
import { ratioOfTimes, runChild } from '../measure.mjs';

const [hQ, hKv, keep] = [16, 4, 1024];
const ROOM = 8192; // tokens that are decoded before the state returns to the prompt

/** Random weights: random scores, which no tile of keys is free of. */
function scoring(d) {
  return { wdt: Tensor.randn([hKv * d, hKv], { stream, seed: 7 }), a: Tensor.full([hKv], 0.1, { stream }) };
}

function prefill(s, d, atLeast) {
  return {
    name: `dense over dynamic mask, causal, S=${s}, keep=${keep}, ${hQ}/${hKv} heads, d=${d}`,
    unit: 'x',
    atLeast,
    measure: (context) => {
      const work = { sQ: s, sKv: s, hQ, hKv, d };
      const sparse = ours(
        'dynamic mask',
        randomSets(work),
        { causal: true, keep, ...scoring(d) },
        dynamicMaskAttention,
      );
      return ratioOfTimes(sparse, [ours('dense', randomSets(work), { causal: true })], context);
    },
  };
}

/** What it costs to choose keys by scores, not by their distance alone. */
function besideWindow(s, width) {
  return {
    name: `sliding window over dynamic mask of the same width, causal, S=${s}, ${width} keys, ${hQ}/${hKv} heads, d=64`,
    unit: 'x',
    measure: (context) => {
      const work = { sQ: s, sKv: s, hQ, hKv, d: 64 };
      const options = { causal: true, keep: width, ...scoring(64) };
      const sparse = ours('dynamic mask', randomSets(work), options, dynamicMaskAttention);
      const window = ours('window', randomSets(work), { causal: true, window: { left: width - 1 } });
      return ratioOfTimes(sparse, [window], context);
    },
  };
}

/**
 * Where all is kept, gathering could be left out for a pass over all keys, with a bias for each of them. This is what
 * that would gain.
 */
function keepingAll(s, d) {
  return {
    name: `dense with a bias per key over dynamic mask that keeps all, causal, S=${s}, ${hQ}/${hKv} heads, d=${d}`,
    unit: 'x',
    measure: (context) => {
      const sets = () => randomSets({ sQ: s, sKv: s, hQ, hKv, d });
      const scores = Tensor.randn([1, hKv, s], { stream, seed: 7 });
      const bias = Tensor.randn([1, hQ, 1, s], { stream, seed: 7 });
      const sparse = ours('dynamic mask', sets(), { causal: true, keep: s, scores }, dynamicMaskAttention);
      return ratioOfTimes(sparse, [ours('dense with bias', sets(), { causal: true, bias })], context);
    },
  };
}

/** A step: the new token's score, its place among the kept, attention over those. */
function decoder(sets, d) {
  const weights = scoring(d);
  const states = sets.map(({ v }) => {
    const state = new DmaState({ hB: hKv, keep });
    state.append(dynamicMaskScores(v.slice([null, [0, v.shape[1] - ROOM], null, null]), { ...weights, stream }), {
      stream,
    });
    return { state, prompt: state.snapshot({ stream }) };
  });
  let next = 0;
  const queue = (q, k, v, options) => {
    const { state, prompt } = states[next++ % states.length];
    if (state.length === v.shape[1]) state.rollback(prompt, { stream });
    const token = v.slice([null, [state.length, state.length + 1], null, null]);
    const scores = dynamicMaskScores(token, { ...weights, stream });
    state.append(scores, { stream });
    const out = dynamicMaskAttention(q, k, v, { ...options, state });
    for (const tensor of [token, scores]) tensor.dispose();
    return out;
  };
  return ours('dynamic mask', sets, {}, queue);
}

function decode(s, d, atLeast) {
  return {
    name: `dense over dynamic mask, one query, ${s} keys, keep=${keep}, ${hQ}/${hKv} heads, d=${d}`,
    unit: 'x',
    atLeast,
    measure: (context) => {
      const work = { sQ: 1, sKv: s, hQ, hKv, d };
      const sets = (layout) => randomSets(work, { layout });
      return ratioOfTimes(decoder(sets('bhsd'), d), [ours('dense', sets('bhsd'))], context);
    },
  };
}

export default defineBench({
  name: 'dynamic-mask',
  question: 'What does dynamic-mask attention gain over our own dense attention, scores and selection included?',
  rows: [
    ...[64, 128].flatMap((d) => [prefill(4096, d, 0.95), prefill(16384, d, 4), prefill(32768, d, 8)]),
    ...[64, 128].map((d) => decode(131072, d, 40)),
    ...[512, 1024, 2048].map((width) => besideWindow(16384, width)),
    ...[64, 128].map((d) => keepingAll(4096, d)),
    {
      name: `peak memory beyond inputs and output over inputs, S=32768, keep=${keep}, ${hQ}/${hKv} heads, d=64`,
      unit: 'x',
      atMost: 2,
      async measure({ rounds, threads }) {
        const detail = Array.from({ length: Math.min(rounds, 3) }, () =>
          runChild('dynamic-mask-memory.mjs', threads, ['--expose-gc']),
        );
        const values = detail.map(({ before, peak, inputs, out }) => (peak - before - inputs - out) / inputs);
        return { values, detail };
      },
    },
  ],
});
