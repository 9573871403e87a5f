// Everything a call needs is out of JavaScript's sight as soon as the call returns, and gets collected.

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { attention, Tensor } from '../../../dist/index.js';

const expected = await queue();

/** The result of a call of which no tensor stays reachable. */
function queue() {
  const x = Tensor.randn([1, 512, 4, 32], { seed: 1 });
  const mask = Tensor.full([512, 512], 1, { dtype: 'bool' });
  return attention(x, x.slice([null, [0, 512]]), x, { mask }).toArray();
}

for (let round = 0; round < 30; ++round) {
  const results = [queue(), queue(), queue()];
  globalThis.gc();
  await turn(); // finalizers run
  globalThis.gc();
  for (const result of results) assert.deepEqual(await result, expected);
}
console.log('done');
