// On the GPU that is named: workers that end, are terminated, or exit while their work there is in flight.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { attention, Tensor } from '../../../dist/index.js';

const device = process.argv[2];
const entry = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));
const work = `
  const { parentPort } = require('node:worker_threads');
  const { attention, Stream, Tensor } = require(${JSON.stringify(entry)});
  const stream = new Stream('${device}');
  const x = Tensor.randn([1, 16, 2, 16], { device: '${device}', stream });
  for (let n = 0; n < 10; ++n) attention(x, x, x, { stream }).toArray().catch(() => {});
  x.to({ device: 'cpu', stream }).toArray().catch(() => {});
  parentPort.postMessage('queued');`;

for (let round = 0; round < 3; ++round) {
  const start = (ending) => new Worker(work + ending, { eval: true });
  const exits = ['', 'process.exit(0);'].map((ending) => once(start(ending), 'exit'));
  const terminated = start('setInterval(() => {}, 1000);');
  await once(terminated, 'message');
  await terminated.terminate();
  assert.deepEqual(await Promise.all(exits), [[0], [0]]);
}
const x = Tensor.zeros([1, 4, 2, 8], { device });
assert.deepEqual(await attention(x, x, x).toArray(), new Float32Array(64));
attention(x, x, x).toArray(); // in flight as the process ends
setTimeout(() => {
  console.log('done');
  process.exit(0);
}, 20);
