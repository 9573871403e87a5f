// On the GPU that is named: tensors disposed of, collected, and streams forgotten while work on them is in flight.

import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { attention, memoryUsage, rope, Stream, Tensor } from '../../../dist/index.js';

const device = process.argv[2];
const like = { device };
const x = Tensor.randn([1, 8, 2, 16], { seed: 1, ...like });
const expected = await attention(x, rope(x), x, { causal: true }).toArray();

function queue() {
  const stream = new Stream(device);
  const [q, k] = [x.to({ stream }), x.to({ stream })];
  const turned = rope(k, { stream });
  const out = attention(q, turned, k, { causal: true, stream });
  const host = out.to({ device: 'cpu', stream });
  if (Math.random() < 0.5) for (const tensor of [q, k, turned]) tensor.dispose(); // the others are collected
  return [out.toArray(), host.toArray()];
}

for (let round = 0; round < 20; ++round) {
  const results = [...queue(), ...queue()];
  globalThis.gc();
  await turn(); // finalizers run
  for (const result of results) assert.deepEqual(await result, expected);
}
x.dispose();
for (let round = 0; round < 20 && live().tensors > 0; ++round) {
  globalThis.gc();
  await turn();
}
assert.deepEqual(live(), { device, tensors: 0, bytes: 0 });
console.log('done');

function live() {
  return memoryUsage().find((each) => each.device === device);
}
