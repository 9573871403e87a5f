// Prints by how much a call raises the process's memory at its peak, inputs and output included.
// A process of its own, because a peak never comes down. Run with --expose-gc.

import { attention, devices, memoryUsage, Tensor } from '../../dist/esm.mjs';
import { peakBytes, residentBytes } from './resident.mjs';

const [sKv, hQ, hKv, d] = [8192, 16, 4, 64];

// The code paths that the call takes, without the call: module loading and compilation are not its memory.
const tiny = Tensor.randn([1, 16, 2, 8], { seed: 1 });
await tiny.toArray();
tiny.dispose();
globalThis.gc();

const before = residentBytes();
const q = Tensor.randn([1, sKv, hQ, d], { seed: 1 });
const [k, v] = [2, 3].map((seed) => Tensor.randn([1, sKv, hKv, d], { seed }));
const out = attention(q, k, v, { causal: true });
await out
  .slice([
    [0, 1],
    [0, 1],
  ])
  .toArray();
const tensorBytes = [q, k, v, out].reduce((sum, tensor) => sum + tensor.byteLength, 0);
const held = memoryUsage().find(({ device }) => device === 'cpu').bytes;
console.log(JSON.stringify({ before, peak: peakBytes(), tensorBytes, held, threads: devices()[0].threads }));
