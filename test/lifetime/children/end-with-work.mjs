// Work alone, without a promise that waits for it, does not keep the process: it ends with minutes of it queued.

import { attention, Stream, Tensor } from '../../../dist/index.js';

const stream = new Stream();
const x = Tensor.randn([1, 4096, 16, 64], { stream });
for (let n = 0; n < 500; ++n) attention(x, x, x, { stream });
console.log('done');
