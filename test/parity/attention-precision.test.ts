/** precision: 'bfloat16' for float32 inputs: judged by what rounding inputs and scores to bfloat16 costs. */

import { parityTable } from '../support/parity-table.js';

const precision = 'bfloat16' as const;

parityTable(
  "precision: 'bfloat16'",
  [
    { name: 'many queries', shape: { b: 2, sQ: 60, sKv: 150, hQ: 4, hK: 2, d: 64 }, precision },
    { name: 'causal', shape: { b: 2, sQ: 150, hQ: 2, hK: 1, d: 64 }, precision, options: { causal: true } },
    { name: 'one query over several chunks', shape: { b: 2, sQ: 1, sKv: 600, hQ: 4, hK: 2, d: 64 }, precision },
    {
      name: 'three queries',
      shape: { b: 2, sQ: 3, sKv: 300, hQ: 4, hK: 1, d: 64 },
      precision,
      options: { causal: true },
    },
    { name: 'odd head dims: the dot product takes pairs', shape: { sQ: 31, sKv: 77, hQ: 2, d: 37, dV: 21 }, precision },
    { name: 'head dim of one', shape: { sQ: 31, sKv: 77, hQ: 2, d: 1 }, precision },
    {
      name: 'an odd number of keys seen',
      shape: { sQ: 31, sKv: 77, hQ: 2, d: 16 },
      precision,
      options: { window: { left: 2, right: 0 } },
    },
    { name: 'sliced inputs', shape: { sQ: 31, sKv: 77, hQ: 2, d: 16 }, precision, layout: 'sliced' as const },
    {
      name: 'softcap, slopes, sinks',
      shape: { sQ: 31, sKv: 177, hQ: 2, d: 64 },
      precision,
      options: { softcap: 3, alibiSlopes: { shape: [2], data: [0.1, 0.01] }, sinks: [1, -1] },
    },
    { name: 'rows that see no key', shape: { sQ: 40, sKv: 8, hQ: 2, d: 16 }, precision, options: { causal: true } },
  ],
  ['float32'],
);
