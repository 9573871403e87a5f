// Question: how much faster is attention over gathered keys than our own dense causal kernel? Target: 4x at 32k with
// keep = 1024, and 40x for one query at 131k.
// usage, in the GPU bundle: node sparse.mjs OUT.json [LENGTH [KEEP]]
//
// Random scores, the worst case for what tiles share. The speedup is that of selection and attention together.

import fs from 'node:fs';
import {
  attention,
  device,
  DmaState,
  dynamicMaskAttention,
  dynamicMaskIntervals,
  randn,
  Stream,
  Tensor,
} from './calls.mjs';

const [out, length = '32768', keep = '1024'] = process.argv.slice(2);
const [seq, kept] = [Number(length), Number(keep)];
const ROUNDS = 9;
const stream = Stream.default(device);

/** Median milliseconds of a call, and the least and the most; the first warms up. */
async function time(call) {
  const rounds = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const begun = stream.record();
    call().dispose();
    const milliseconds = await stream.record().elapsedSince(begun);
    if (round > 0) rounds.push(milliseconds);
  }
  rounds.sort((a, b) => a - b);
  return { median: rounds[ROUNDS >> 1], least: rounds[0], most: rounds.at(-1) };
}

const rows = (s, h, d) => randn([1, s, h, d], 'bfloat16');
const entry = (name, d, dense, gathered, withSelection) => {
  const speedup = dense.median / (withSelection ?? gathered).median;
  return { name, d, keep: kept, milliseconds: { dense, gathered, withSelection }, speedup };
};

async function prefill(d) {
  const [q, k, v] = [rows(seq, 16, d), rows(seq, 4, d), rows(seq, 4, d)];
  const onCpu = Tensor.randn([1, 4, seq], { seed: 7 });
  const intervals = dynamicMaskIntervals(onCpu, { keep: kept, causal: true }).to({ device });
  const scores = onCpu.to({ device });
  const dense = await time(() => attention(q, k, v, { causal: true }));
  const gathered = await time(() => dynamicMaskAttention(q, k, v, { scores, intervals, causal: true }));
  const whole = await time(() => dynamicMaskAttention(q, k, v, { scores, keep: kept, causal: true }));
  for (const tensor of [q, k, v, scores, intervals]) tensor.dispose();
  return entry(`prefill, ${seq}`, d, dense, gathered, whole);
}

/** One query over four times as many keys, by a state that keeps the selection. */
async function decode(d) {
  const [q, k, v] = [rows(1, 16, d), rows(4 * seq, 4, d), rows(4 * seq, 4, d)];
  const dense = await time(() => attention(q, k, v, { causal: true }));
  const state = new DmaState({ hB: 4, keep: kept, device });
  state.append(Tensor.randn([1, 4, 4 * seq], { seed: 7 }).to({ device }));
  const gathered = await time(() => dynamicMaskAttention(q, k, v, { state }));
  for (const tensor of [q, k, v, state]) tensor.dispose();
  return entry(`decode, ${4 * seq}`, d, dense, gathered, null);
}

const report = [];
for (const d of [64, 128]) report.push(await prefill(d), await decode(d));
fs.writeFileSync(out, JSON.stringify(report, null, 2) + '\n');
console.table(report.map(({ name, d, speedup }) => ({ name, d, speedup })));
