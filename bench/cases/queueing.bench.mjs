// How long does a call keep the event loop, before its work is done or even begun?

import { attention, Tensor } from '../../dist/esm.mjs';
import { quantile } from '../../dist/cli/statistics.js';
import { defineBench } from '../define.mjs';
import { stream } from '../inputs.mjs';

const CALLS_PER_ROUND = 1600;
const CALLS_IN_FLIGHT = 32;

/** Microseconds of attention() itself: median and p99 of a round's calls, with the work going on meanwhile. */
async function measureRound(q, k, v, out) {
  const times = [];
  while (times.length < CALLS_PER_ROUND) {
    for (let call = 0; call < CALLS_IN_FLIGHT; call++) {
      const start = performance.now();
      attention(q, k, v, { causal: true, out, stream });
      times.push((performance.now() - start) * 1e3);
    }
    await stream.synchronize();
  }
  return { median: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

export default defineBench({
  name: 'queueing',
  question: 'How long does queueing a call take, not waiting for it?',
  rows: [
    {
      name: 'queueing a call on the CPU stream, not waiting, median',
      unit: 'µs',
      atMost: 5,
      async measure({ rounds }) {
        const q = Tensor.randn([1, 1, 16, 64], { stream, seed: 1 });
        const [k, v] = [2, 3].map((seed) => Tensor.randn([1, 256, 4, 64], { stream, seed }));
        const out = Tensor.empty(q.shape);
        await measureRound(q, k, v, out); // warms up
        const measured = [];
        for (let round = 0; round < rounds; round++) measured.push(await measureRound(q, k, v, out));
        for (const tensor of [q, k, v, out]) tensor.dispose();
        return { values: measured.map(({ median }) => median), detail: { p99: measured.map(({ p99 }) => p99) } };
      },
    },
  ],
});
