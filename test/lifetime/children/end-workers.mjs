// Workers that end, by themselves or by process.exit(), while their work is in flight.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const entry = fileURLToPath(new URL('../../../dist/index.js', import.meta.url));
const work = `
  const { attention, Stream, Tensor } = require(${JSON.stringify(entry)});
  const stream = new Stream();
  const x = Tensor.randn([1, 1024, 4, 64], { stream });
  for (let n = 0; n < 20; ++n) attention(x, x, x, { stream });`;

for (let round = 0; round < 5; ++round) {
  const workers = ['', 'process.exit(0);', 'stream.synchronize();', 'stream.synchronize(); process.exit(0);'].map(
    (ending) => new Worker(work + ending, { eval: true }),
  );
  const codes = await Promise.all(workers.map((worker) => once(worker, 'exit')));
  assert.deepEqual(codes, Array(4).fill([0]));
}
console.log('done');
