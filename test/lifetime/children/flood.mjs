// A worker thread: calls without end, some of them waited for, some revoked, until somebody stops it.

import { parentPort } from 'node:worker_threads';
import { attention, Stream, Tensor } from '../../../dist/index.js';

const stream = new Stream();
const x = Tensor.randn([1, 256, 4, 32], { seed: 1, stream });
let controller = new AbortController();
for (let n = 0; ; ++n) {
  const out = attention(x, x, x, { causal: true, stream, signal: controller.signal });
  if (n === 20) parentPort.postMessage('flooding');
  const values = out.toArray().catch(() => undefined);
  if (n % 3 === 0) out.dispose();
  if (n % 16 === 0) await values;
  if (n % 64 === 0) await stream.synchronize();
  if (n % 7 !== 0) continue;
  controller.abort();
  controller = new AbortController();
}
