// Question: how much faster is attention over gathered keys than our own dense causal kernel? Target: 4x at 32k with
// keep = 1024, and 40x for one query at 131k.
// usage, in the GPU bundle: node sparse.mjs OUT.json [LENGTH [KEEP]]
//
// Scores of random values by random weights, the worst case for what tiles share. The speedup is that of a call as a user
// makes it: scores, selection and attention together; in decode the scores of the token, what the state makes of them, and
// attention.

import fs from 'node:fs';
import {
  attention,
  device,
  DmaState,
  dynamicMaskAttention,
  dynamicMaskIntervals,
  dynamicMaskScores,
  randn,
  Stream,
} from './calls.mjs';

const [out, length = '32768', keep = '1024'] = process.argv.slice(2);
const [seq, kept] = [Number(length), Number(keep)];
const ROUNDS = 9;
const stream = Stream.default(device);

/** Median milliseconds of a call, and the least and the most; the first warms up. `prepare` goes before each, untimed. */
async function time(call, prepare) {
  const rounds = [];
  for (let round = 0; round <= ROUNDS; round++) {
    prepare?.();
    const begun = stream.record();
    call().dispose();
    const milliseconds = await stream.record().elapsedSince(begun);
    if (round > 0) rounds.push(milliseconds);
  }
  rounds.sort((a, b) => a - b);
  return { median: rounds[ROUNDS >> 1], least: rounds[0], most: rounds.at(-1) };
}

const rows = (s, h, d) => randn([1, s, h, d], 'bfloat16');
/** Four score heads; linear, since random weights are too large for the exponential. */
const scoringOf = (d) => ({ wdt: randn([4 * d, 4], 'bfloat16'), a: randn([4], 'float32'), form: 'linear' });
/** `gathered`: attention alone; `whole`: with all that goes before it. */
const entry = (name, d, dense, gathered, whole) => {
  const speedup = dense.median / whole.median;
  return { name, d, keep: kept, milliseconds: { dense, gathered, whole }, speedup };
};

async function prefill(d) {
  const [q, k, v] = [rows(seq, 16, d), rows(seq, 4, d), rows(seq, 4, d)];
  const scoring = scoringOf(d);
  const scores = dynamicMaskScores(v, scoring);
  const intervals = dynamicMaskIntervals(scores, { keep: kept, causal: true });
  const dense = await time(() => attention(q, k, v, { causal: true }));
  const gathered = await time(() => dynamicMaskAttention(q, k, v, { scores, intervals, causal: true }));
  const whole = await time(() => dynamicMaskAttention(q, k, v, { ...scoring, keep: kept, causal: true }));
  for (const tensor of [q, k, v, scoring.wdt, scoring.a, scores, intervals]) tensor.dispose();
  return entry(`prefill, ${seq}`, d, dense, gathered, whole);
}

/** One query over four times as many keys, by a state that keeps the selection and takes in the query's own token. */
async function decode(d) {
  const count = 4 * seq;
  const [q, k, v] = [rows(1, 16, d), rows(count, 4, d), rows(count, 4, d)];
  const scoring = scoringOf(d);
  const dense = await time(() => attention(q, k, v, { causal: true }));
  const state = new DmaState({ hB: 4, keep: kept, device });
  const scores = dynamicMaskScores(v, scoring);
  const [past, own] = [scores.slice([null, null, [0, count - 1]]), v.slice([null, [count - 1, count], null, null])];
  const before = state.append(past).snapshot();
  const take = () => {
    const score = dynamicMaskScores(own, scoring);
    state.append(score);
    score.dispose();
  };
  const attend = () => dynamicMaskAttention(q, k, v, { state });
  take();
  const gathered = await time(attend);
  const step = () => {
    take();
    return attend();
  };
  const whole = await time(step, () => state.rollback(before));
  for (const each of [q, k, v, scoring.wdt, scoring.a, scores, past, own, before, state]) each.dispose();
  return entry(`decode, ${count}`, d, dense, gathered, whole);
}

const report = [];
for (const d of [64, 128]) report.push(await prefill(d), await decode(d));
fs.writeFileSync(out, JSON.stringify(report, null, 2) + '\n');
console.table(report.map(({ name, d, speedup }) => ({ name, d, speedup })));
