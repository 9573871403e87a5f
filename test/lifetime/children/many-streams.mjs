// A worker thread is terminated while tens of thousands of its streams are ready behind one long call.

import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { attention, configure, Stream, Tensor } from '../../../dist/index.js';

if (isMainThread) {
  const worker = new Worker(new URL(import.meta.url));
  await once(worker, 'message');
  await worker.terminate();
  console.log('done');
} else {
  configure({ threads: 1 });
  const q = Tensor.randn([1, 192, 1, 128], { seed: 1 });
  const k = Tensor.randn([1, 1, 1, 128], { seed: 2 }).expand([1, 2_000_000, 1, 128]);
  attention(q, k, k, { stream: new Stream() });
  const [from, to] = [Tensor.zeros([4]), Tensor.zeros([4])];
  const streams = Array.from({ length: 60_000 }, () => new Stream());
  for (const stream of streams) to.copyFrom(from, { stream });
  parentPort.postMessage('queued');
}
