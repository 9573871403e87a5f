// How much memory does a long call take beyond its inputs and its output?

import { defineBench } from '../define.mjs';
import { runChild } from '../measure.mjs';

export default defineBench({
  name: 'peak-memory',
  question: 'How much memory per thread does a call take beyond its inputs and its output?',
  rows: [
    {
      name: 'peak memory beyond inputs and output, per thread, S=8192 causal, 16/4 heads, d=64',
      unit: 'MB',
      atMost: 2,
      async measure({ rounds, threads }) {
        const detail = Array.from({ length: rounds }, () => runChild('peak-memory.mjs', threads, ['--expose-gc']));
        const values = detail.map(({ before, peak, tensorBytes }) => (peak - before - tensorBytes) / threads / 1e6);
        return { values, detail };
      },
    },
  ],
});
