// Prints by how much a long dynamic-mask call raises the process's memory at its peak, inputs and output included.
// A process of its own, because a peak never comes down. Run with --expose-gc.

import { dynamicMaskAttention, Tensor } from '../../dist/esm.mjs';
import { peakBytes, residentBytes } from './resident.mjs';

const [s, hQ, hKv, d, keep] = [32768, 16, 4, 64, 1024];

// The code paths that the call takes, without the call: module loading and compilation are not its memory.
const tiny = Tensor.randn([1, 16, 2, 8], { seed: 1 });
await tiny.toArray();
tiny.dispose();
globalThis.gc();

const before = residentBytes();
const q = Tensor.randn([1, s, hQ, d], { seed: 1 });
const [k, v] = [2, 3].map((seed) => Tensor.randn([1, s, hKv, d], { seed }));
const [wdt, a] = [Tensor.randn([hKv * d, hKv], { seed: 4 }), Tensor.full([hKv], 0.1)];
const out = dynamicMaskAttention(q, k, v, { wdt, a, keep, causal: true });
await out.slice([null, [0, 1], [0, 1], null]).toArray();
const inputs = [q, k, v].reduce((sum, tensor) => sum + tensor.byteLength, 0);
console.log(JSON.stringify({ before, peak: peakBytes(), inputs, out: out.byteLength }));
