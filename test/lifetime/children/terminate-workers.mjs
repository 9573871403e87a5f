// 30 rounds of three workers, each terminated in the middle of its flood; afterwards everything still works.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { attention, memoryUsage, Tensor } from '../../../dist/index.js';

const x = Tensor.randn([1, 64, 2, 16], { seed: 1 });
const expected = await attention(x, x, x).toArray();
for (let round = 0; round < 30; ++round) {
  const workers = [0, 1, 2].map(() => new Worker(new URL('flood.mjs', import.meta.url)));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  await sleep(round % 5);
  await Promise.all(workers.map((worker) => worker.terminate()));
  assert.deepEqual(await attention(x, x, x).toArray(), expected);
}
x.dispose();
await sleep(0);
assert.ok(memoryUsage()[0].tensors <= 31); // outputs that are not collected yet
console.log('done');
