// Collection is the net under dispose(): tensors that nobody disposes of come back, storages and all.

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { memoryUsage, Tensor } from '../../../dist/index.js';

const tensors = 10_000;
const bytesEach = 1 << 20;
const live = () => memoryUsage()[0];
let most = 0;
for (let n = 0; n < tensors; ++n) {
  Tensor.empty([bytesEach / 4]).slice([[0, 1]]);
  if (n % 100 !== 99) continue;
  await turn();
  most = Math.max(most, live().bytes);
}
// The collector is told how large they are, so it does not wait until all 10 GB are there.
assert.ok(most < (tensors * bytesEach) / 4, `at most ${most} bytes were live`);

for (let round = 0; round < 20 && live().tensors > 0; ++round) {
  globalThis.gc();
  await turn();
}
assert.deepEqual(live(), { device: 'cpu', tensors: 0, bytes: 0 });
console.log('done');
