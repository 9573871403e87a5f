// Question: how long does a call keep the event loop, when nobody waits for its result? Target: 8 µs at most on a GPU.
// usage, in the GPU bundle: node queueing.mjs OUT.json

import fs from 'node:fs';
import { attention, device, randn, Tensor } from './calls.mjs';

const [out] = process.argv.slice(2);
const CALLS = 200; // fewer than the device has room for, so that none waits for another
const ROUNDS = 15;
const [q, k, v] = [1, 2, 3].map(() => randn([1, 128, 8, 64], 'bfloat16'));
const target = Tensor.empty([1, 128, 8, 64], { dtype: 'bfloat16', device });
const rounds = [];
for (let round = 0; round <= ROUNDS; round++) {
  await target.toArray();
  const begun = performance.now();
  for (let call = 0; call < CALLS; call++) attention(q, k, v, { causal: true, out: target });
  if (round > 0) rounds.push(((performance.now() - begun) * 1e3) / CALLS); // the first warms up
}
rounds.sort((a, b) => a - b);
const report = {
  microseconds: { median: rounds[ROUNDS >> 1], least: rounds[0], most: rounds.at(-1) },
  atMost: 8,
  calls: CALLS,
};
fs.writeFileSync(out, JSON.stringify(report, null, 2) + '\n');
console.log(JSON.stringify(report));
