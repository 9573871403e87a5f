// process.exit() with minutes of work queued, promises open and a stream waiting for another.

import { attention, Stream, Tensor } from '../../../dist/index.js';

const x = Tensor.randn([1, 4096, 16, 64]);
const [first, second] = [new Stream(), new Stream()];
for (let n = 0; n < 200; ++n) attention(x, x, x, { stream: first });
second.wait(first.record());
const out = attention(x, x, x, { stream: second });
out.toArray().finally(() => console.log('this must not be waited for'));
setTimeout(() => process.exit(0), 20);
