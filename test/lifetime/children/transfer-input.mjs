// The library never reads a caller's array after the call: here its memory has gone elsewhere by then.

import assert from 'node:assert/strict';
import { attention, Tensor } from '../../../dist/index.js';

const shape = [1, 512, 4, 32];
const values = () => Float32Array.from({ length: 512 * 4 * 32 }, (_, n) => Math.sin(n));
const kept = Tensor.from(values(), shape);
const expected = await attention(kept, kept, kept).toArray();

for (let round = 0; round < 20; ++round) {
  const data = values();
  const x = Tensor.from(data, shape);
  const out = attention(x, x, x);
  structuredClone(data.buffer, { transfer: [data.buffer] });
  assert.equal(data.length, 0);
  assert.deepEqual(await out.toArray(), expected);
}
console.log('done');
