// A server's signals: one that lives as long as the server, and one for each request that follows it. Neither listeners
// nor memory may gather, and a signal that is forgotten with work in flight revokes nothing.

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { rope, Stream, Tensor } from '../../../dist/index.js';

const stream = new Stream();
const x = Tensor.randn([1, 1, 1, 2], { seed: 1, stream });
const out = Tensor.empty(x.shape);
const expected = await rope(x, { offset: 1, stream }).toArray();

async function collect() {
  for (let round = 0; round < 5; ++round) {
    globalThis.gc();
    await turn();
  }
}

async function use(signals, calls) {
  for (let n = 0; n < calls; ++n) {
    rope(x, { out, offset: 1, stream, signal: signals(n) });
    if (n % 1000 === 999) await stream.synchronize();
  }
  await collect();
}

const shutdown = new AbortController();
await use(() => shutdown.signal, 10_000); // warms up
const before = process.memoryUsage().heapUsed;
await use(() => shutdown.signal, 100_000);
const grown = process.memoryUsage().heapUsed - before;
assert.ok(grown < 1e6, `100,000 calls left ${grown} bytes`); // 10 bytes a call
assert.ok(getEventListeners(shutdown.signal, 'abort').length <= 1);

const requests = [];
await use(() => {
  const signal = AbortSignal.any([shutdown.signal, new AbortController().signal]);
  requests.push(new WeakRef(signal));
  return signal;
}, 10_000);
const alive = requests.filter((request) => request.deref() !== undefined).length;
assert.ok(alive < 3000, `${alive} of 10,000 signals are alive`); // twice as many as were in use, at most

const forgotten = Array.from({ length: 100 }, () =>
  rope(x, { offset: 1, stream, signal: new AbortController().signal }),
);
await collect();
for (const each of forgotten) assert.deepEqual(await each.toArray(), expected);

const last = rope(x, { stream, signal: shutdown.signal });
assert.deepEqual(await last.toArray(), await rope(x, { stream }).toArray());
shutdown.abort('over');
assert.throws(
  () => rope(x, { signal: shutdown.signal }),
  (reason) => reason === 'over',
);
console.log('done');
