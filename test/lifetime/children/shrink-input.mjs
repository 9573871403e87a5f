// The memory behind a caller's array is given back right after the call.

import assert from 'node:assert/strict';
import { attention, Tensor } from '../../../dist/index.js';

const shape = [1, 512, 4, 32];
const size = 512 * 4 * 32;
const fill = (array) => array.forEach((_, n) => (array[n] = Math.sin(n)));
const plain = new Float32Array(size);
fill(plain);
const kept = Tensor.from(plain, shape);
const expected = await attention(kept, kept, kept).toArray();

for (let round = 0; round < 20; ++round) {
  const buffer = new ArrayBuffer(4 * size, { maxByteLength: 8 * size });
  fill(new Float32Array(buffer));
  const x = Tensor.from(new Float32Array(buffer), shape);
  const out = attention(x, x, x);
  buffer.resize(0);
  assert.deepEqual(await out.toArray(), expected);
}
console.log('done');
