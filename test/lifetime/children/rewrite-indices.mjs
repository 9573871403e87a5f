// Index tensors are overwritten with garbage on one stream while calls on another read them: each call computes with
// what it checked or rejects with ERR_INDEX, and none follows an index it did not check.

import assert from 'node:assert/strict';
import { attention, Stream, Tensor } from '../../../dist/index.js';

const tokens = 64;
const i32 = (values) => Tensor.from(values, [values.length], { dtype: 'int32' });
const starts = Array.from({ length: tokens + 1 }, (_, i) => i);
const [good, bad, target] = [i32(starts), i32(starts.map((x) => (x % tokens ? 2e9 - x : x))), i32(starts)];
const x = Tensor.randn([tokens, 4, 16], { seed: 1 });
const [reader, writer] = [new Stream(), new Stream()];

let settled = 0;
for (let round = 0; round < 1000; ++round) {
  const reads = [];
  for (let call = 0; call < 30; ++call) {
    for (let write = 0; write < 12; ++write) target.copyFrom(write % 2 ? good : bad, { stream: writer });
    const out = attention(x, x, x, { cuSeqLensQ: target, cuSeqLensK: target, stream: reader });
    reads.push(out.toArray().catch((error) => assert.equal(error.code, 'ERR_INDEX')));
  }
  settled += (await Promise.all(reads)).length;
  await reader.synchronize().catch((error) => assert.equal(error.code, 'ERR_INDEX'));
}
assert.equal(settled, 1000 * 30);
console.log('done');
