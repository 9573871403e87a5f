// Inputs, options and outputs are disposed of as soon as the call has returned; what is computed stays right.

import assert from 'node:assert/strict';
import { attention, memoryUsage, rope, Stream, Tensor } from '../../../dist/index.js';

const x = Tensor.randn([1, 256, 4, 32], { seed: 1 });
const bias = Tensor.randn([256, 256], { seed: 2 });
const expected = await attention(x, rope(x), x, { bias }).toArray();
const stream = new Stream();

const results = [];
for (let round = 0; round < 200; ++round) {
  const [q, k, b] = [x.to({ stream }), x.to({ stream }), bias.to({ stream })];
  const turned = rope(k, { stream });
  const out = attention(q, turned, k, { bias: b, stream });
  results.push(out.toArray());
  for (const tensor of [q, k, b, turned, out]) tensor.dispose();
}
for (const result of results) assert.deepEqual(await result, expected);
stream.close();
x.dispose();
bias.dispose();
assert.deepEqual(memoryUsage(), [{ device: 'cpu', tensors: 0, bytes: 0 }]);
console.log('done');
