// Timers keep firing while a long call is queued, computed and read back.

import assert from 'node:assert/strict';
import { attention, Tensor } from '../../../dist/index.js';

const x = Tensor.randn([1, 4096, 8, 64], { seed: 1 });
await x.toBits();
let fired = 0;
const timer = setInterval(() => (fired += 1), 1);
const out = attention(x, x, x);
assert.equal(fired, 0); // the call itself returned at once
await out.toArray();
clearInterval(timer);
assert.ok(fired >= 5, `a timer of 1 ms fired ${fired} times during the call`);
console.log('done');
