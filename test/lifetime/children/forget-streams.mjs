// Streams with work in flight are closed, or just lost sight of. The closed ones drop it, the lost ones finish it.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { attention, Stream, Tensor } from '../../../dist/index.js';

const x = Tensor.randn([1, 512, 4, 32], { seed: 1 });
const expected = await attention(x, x, x).toArray();

function onLostStream() {
  const stream = new Stream();
  return attention(x, x, x, { stream });
}

const outs = [];
for (let round = 0; round < 50; ++round) {
  const stream = new Stream();
  const dropped = [attention(x, x, x, { stream }), attention(x, x, x, { stream })];
  const event = stream.record();
  const waiting = new Stream();
  waiting.wait(event);
  outs.push(onLostStream());
  stream.close();
  for (const out of dropped) await out.toArray().catch(({ code }) => assert.equal(code, 'ERR_STREAM_CLOSED'));
  await waiting.synchronize(); // an event that will never come holds nobody up
  globalThis.gc();
  await sleep(1);
}
for (const out of outs) assert.deepEqual(await out.toArray(), expected);
console.log('done');
