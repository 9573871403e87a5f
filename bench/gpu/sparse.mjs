// Question: how much faster is attention over gathered keys than our own dense causal kernel? Target: 4x at 32k with
// keep = 1024, and 40x for one query at 131k.
// usage, in the GPU bundle: node sparse.mjs OUT.json [LENGTH [KEEP]]
//
// Random scores, the worst case for what tiles share. Where the device cannot select, `withSelection` is null, and the
// speedup is that of attention over intervals from the CPU.

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

/** What `work` gives, or null where the device has no kernel for it. */
async function ifServed(work) {
  try {
    return await work();
  } catch (error) {
    if (error.code !== 'ERR_UNSUPPORTED') throw error;
    return null;
  }
}

const rows = (s, h, d) => randn([1, s, h, d], 'bfloat16');
const entry = (name, d, dense, gathered, withSelection) => {
  const speedup = dense.median / (withSelection ?? gathered)?.median;
  return { name, d, keep: kept, milliseconds: { dense, gathered, withSelection }, speedup };
};

async function prefill(d) {
  const [q, k, v] = [rows(seq, 16, d), rows(seq, 4, d), rows(seq, 4, d)];
  const onCpu = Tensor.randn([1, 4, seq], { seed: 7 });
  const intervals = dynamicMaskIntervals(onCpu, { keep: kept, causal: true }).to({ device });
  const scores = onCpu.to({ device });
  const dense = await time(() => attention(q, k, v, { causal: true }));
  const gathered = await time(() => dynamicMaskAttention(q, k, v, { scores, intervals, causal: true }));
  const whole = await ifServed(() => time(() => dynamicMaskAttention(q, k, v, { scores, keep: kept, causal: true })));
  for (const tensor of [q, k, v, scores, intervals]) tensor.dispose();
  return entry(`prefill, ${seq}`, d, dense, gathered, whole);
}

/** One query over four times as many keys, by a state that keeps the selection. */
async function decode(d) {
  const [q, k, v] = [rows(1, 16, d), rows(4 * seq, 4, d), rows(4 * seq, 4, d)];
  const dense = await time(() => attention(q, k, v, { causal: true }));
  const gathered = await ifServed(() => {
    const state = new DmaState({ hB: 4, keep: kept, device });
    state.append(Tensor.randn([1, 4, 4 * seq], { seed: 7 }).to({ device }));
    return time(() => dynamicMaskAttention(q, k, v, { state }));
  });
  for (const tensor of [q, k, v]) tensor.dispose();
  return entry(`decode, ${4 * seq}`, d, dense, gathered, null);
}

const report = [];
for (const d of [64, 128]) report.push(await prefill(d), await decode(d));
fs.writeFileSync(out, JSON.stringify(report, null, 2) + '\n');
console.table(report.map(({ name, d, speedup }) => ({ name, d, speedup })));
