/**
 * Shapes around what the GPU kernels cut at (tiles of 16 to 128 queries by 64 or 128 keys, head dims padded to a power of
 * two, key ranges handled apart), judged by a sample of queries. A GPU gets sizes that fill it; other devices the same
 * rows with shorter sequences, so that every row runs everywhere.
 */

import { devices } from '../../lib/index.js';
import { parityTable, type Row } from '../support/parity-table.js';

const gpu = devices().some(({ name }) => name.startsWith('cuda:') && name === process.env.FUSED_ATTENTION_TEST_DEVICES);
const long = (onGpu: number, elsewhere: number) => (gpu ? onGpu : elsewhere);
const causal = { causal: true };

/** First, last, and some between, among them the borders of tiles. */
const sample = (s: number) => [...new Set([0, 15, 16, 63, 64, 127, 128, s >> 1, s - 2, s - 1].filter((i) => i < s))];

const prefill = [16, 32, 64, 80, 96, 128, 192, 256].flatMap((d): Row[] => {
  const s = long(1023, 130);
  const shape = { sQ: s, hQ: 4, hK: 2, d };
  return [
    { name: `d = ${d}, causal`, shape, options: causal, rows: sample(s) },
    { name: `d = ${d}, full`, shape: { ...shape, hK: 4 }, rows: sample(s) },
  ];
});

const shapes: Row[] = [
  {
    name: 'one query, keys in several ranges',
    shape: { b: 2, sQ: 1, sKv: long(16384, 700), hQ: 8, hK: 2, d: 128 },
  },
  {
    name: 'four queries of eight heads share a tile, causal',
    shape: { sQ: 4, sKv: long(8192, 400), hQ: 8, hK: 1, d: 64 },
    options: causal,
  },
  {
    name: 'a window narrower than a tile, with sink tokens',
    shape: { sQ: long(2048, 200), hQ: 2, d: 64 },
    options: { window: { left: 40, right: 0 }, sinkTokens: 3 },
    rows: sample(long(2048, 200)),
  },
  {
    name: 'head dims that differ, no multiples of eight',
    shape: { sQ: long(517, 67), hQ: 2, d: 72, dV: 100 },
    options: causal,
    rows: sample(long(517, 67)),
  },
  { name: 'head dim beyond the tensor cores', shape: { sQ: 37, sKv: 65, hQ: 2, d: 320, dV: 272 }, options: causal },
];

parityTable('attention at sizes of GPU tiles', prefill);
parityTable('attention at shapes of GPU tiles', shapes);
