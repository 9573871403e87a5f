/** Every option of attention(), alone and in the company it keeps, for many queries and for few. */

import type { CaseOptions } from '../support/attention-case.js';
import { parityTable, type Row } from '../support/parity-table.js';
import { normal, Random, sizeOf } from '../support/random.js';

// Two shapes: many queries over more than one block of keys, and few queries over more than one chunk.
const forms = [
  { form: 'many queries', shape: { b: 2, sQ: 37, sKv: 150, hQ: 4, hK: 2, d: 32 } },
  { form: 'few queries', shape: { b: 2, sQ: 2, sKv: 330, hQ: 4, hK: 2, d: 32 } },
];
type Form = (typeof forms)[number]['shape'];

const rows = (name: string, options: (shape: Form) => CaseOptions, rest: Partial<Row> = {}): Row[] =>
  forms.map(({ form, shape }) => ({ name: `${name}, ${form}`, shape, options: options(shape), ...rest }));

const grid = (shape: number[], seed: number, spread = 1) => ({
  data: normal(shape, seed).map((x) => spread * x),
  shape,
});
const bits = (shape: number[], seed: number, keep: number) => {
  const random = new Random(seed);
  return { data: Array.from({ length: sizeOf(shape) }, () => Number(random.chance(keep))), shape };
};
/** Runs of equal ids for all tokens of `b` sequences. */
const runs = (b: number, s: number, length: number) =>
  Array.from({ length: b * s }, (_, t) => Math.floor((t % s) / length));

parityTable('windows', [
  ...rows('causal', () => ({ causal: true })),
  ...rows('both sides', () => ({ window: { left: 20, right: 10 } })),
  ...rows('smaller than a tile', () => ({ window: { left: 2, right: 1 } })),
  ...rows('the aligned key alone', () => ({ window: { left: 0, right: 0 } })),
  ...rows('left, causal', () => ({ causal: true, window: { left: 33 } })),
  ...rows('left only', () => ({ window: { left: 5 } })),
  ...rows('right only', () => ({ window: { right: 5 } })),
  ...rows('right of zero is causal', () => ({ window: { left: 40, right: 0 } })),
  ...rows('wider than the keys', ({ sKv }) => ({ window: { left: sKv + 9, right: sKv + 9 } })),
  ...rows('unbounded by null and by -1', () => ({ window: { left: null, right: -1 } })),
  ...rows('per head', () => ({ window: { left: [0, 7, -1, 64], right: [3, -1, 0, 200] } })),
  ...rows('per head on the left, causal', () => ({ causal: true, window: { left: [-1, 0, 17, 140] } })),
  ...rows('with sink tokens', () => ({ causal: true, window: { left: 16 }, sinkTokens: 4 })),
  ...rows('with sink tokens, window to both sides', () => ({ window: { left: 6, right: 2 }, sinkTokens: 5 })),
  ...rows('more sink tokens than keys', ({ sKv }) => ({ causal: true, window: { left: 3 }, sinkTokens: sKv + 3 })),
  ...rows('streaming heads beside full ones', () => ({
    causal: true,
    window: { left: [-1, 12, -1, 30] },
    sinkTokens: [0, 4, 0, 70],
  })),
]);

parityTable('structure', [
  ...rows('a prefix that sees itself', ({ sKv }) => ({ causal: true, prefixLengths: [0, sKv - 5] })),
  ...rows('a prefix longer than the keys', ({ sKv }) => ({ causal: true, prefixLengths: [sKv + 4, 3] })),
  ...rows('a prefix and a window', ({ sKv }) => ({
    causal: true,
    prefixLengths: [sKv - 11, sKv - 2],
    window: { left: 9 },
  })),
  ...rows('a prefix and sink tokens', ({ sKv }) => ({
    causal: true,
    prefixLengths: [sKv - 11, 2],
    window: { left: 4 },
    sinkTokens: 3,
  })),
  ...rows('segments', ({ b, sQ, sKv }) => ({ segments: { q: runs(b, sQ, 9), k: runs(b, sKv, 40) } })),
  ...rows('segments, causal', ({ b, sQ, sKv }) => ({
    causal: true,
    segments: { q: runs(b, sQ, 9), k: runs(b, sKv, 40) },
  })),
  ...rows('segments in no order, one without keys', ({ b, sQ, sKv }) => ({
    segments: {
      q: Array.from({ length: b * sQ }, (_, t) => [7, -3, 0, 5, 99][t % 5]!),
      k: Array.from({ length: b * sKv }, (_, t) => [-3, 7, 5, 0][(t >> 3) % 4]!),
    },
  })),
  ...rows('fewer keys in use', ({ sKv }) => ({ kvLengths: [sKv - 31, sKv] })),
  ...rows('no keys in use', ({ sKv }) => ({ kvLengths: [0, sKv - 100] })),
  ...rows('keys in use move the causal diagonal', ({ sKv }) => ({ causal: true, kvLengths: [sKv - 40, 20] })),
  ...rows('keys in use, window and sink tokens', ({ sKv }) => ({
    causal: true,
    kvLengths: [sKv - 40, 1],
    window: { left: 8 },
    sinkTokens: 2,
  })),
  ...rows('keys in use and a prefix', ({ sKv }) => ({
    causal: true,
    kvLengths: [sKv - 3, 50],
    prefixLengths: [sKv, 49],
  })),
  ...rows('mask for every pair', ({ b, sQ, sKv }) => ({ mask: bits([b, 4, sQ, sKv], 5, 0.5) })),
  ...rows('mask for padding keys', ({ b, sKv }) => ({ mask: bits([b, 1, 1, sKv], 6, 0.6) })),
  ...rows('mask for heads and queries', ({ sQ }) => ({ mask: bits([4, sQ, 1], 7, 0.6) })),
  ...rows('mask of two axes, causal', ({ sQ, sKv }) => ({ causal: true, mask: bits([sQ, sKv], 8, 0.3) })),
  ...rows('mask that hides whole tiles before a visible one', ({ sKv }) => ({
    mask: { shape: [sKv], data: Array.from({ length: sKv }, (_, j) => Number(j > sKv - 4)) },
  })),
  ...rows('mask that hides everything', () => ({ mask: { shape: [1, 1, 1, 1], data: [0] } })),
]);

parityTable('scores', [
  ...rows('scale', () => ({ scale: 0.37 })),
  ...rows('scale of zero: the mean of the values', () => ({ scale: 0, causal: true })),
  ...rows('negative scale', () => ({ scale: -0.2 })),
  ...rows('softcap', () => ({ softcap: 1.5 })),
  ...rows('softcap, causal, window', () => ({ softcap: 0.5, causal: true, window: { left: 50 } })),
  ...rows('slopes per head', () => ({ alibiSlopes: { shape: [4], data: [0.5, 0.25, 0, 0.0625] } })),
  ...rows('slopes per sequence and head, causal', () => ({ causal: true, alibiSlopes: grid([2, 4], 9, 0.3) })),
  ...rows('slopes and softcap', () => ({ softcap: 2, alibiSlopes: { shape: [4], data: [1, 0.1, 0.01, 0] } })),
  ...rows('slopes follow the keys in use', ({ sKv }) => ({
    kvLengths: [sKv - 50, 3],
    alibiSlopes: { shape: [4], data: [0.5, 0.25, 0, 0.06] },
  })),
  ...rows('bias for every pair', ({ b, sQ, sKv }) => ({ bias: grid([b, 4, sQ, sKv], 10) })),
  ...rows('bias shared by the batch, in the dtype of q', ({ sQ, sKv }) => ({ bias: grid([4, sQ, sKv], 11) }), {
    biasDtype: 'storage',
  }),
  ...rows('bias per key', ({ b, sKv }) => ({ bias: grid([b, 1, 1, sKv], 12) })),
  ...rows('bias per query: moves lse alone', ({ sQ }) => ({ bias: grid([4, sQ, 1], 13, 3) })),
  ...rows('bias after softcap, causal', ({ sQ, sKv }) => ({ causal: true, softcap: 1, bias: grid([sQ, sKv], 14, 2) })),
  ...rows('bias and slopes and mask', ({ sQ, sKv }) => ({
    bias: grid([sQ, sKv], 15),
    alibiSlopes: grid([4], 16, 0.1),
    mask: bits([2, 1, sQ, sKv], 17, 0.7),
  })),
  ...rows('temperature for every row', ({ b, sQ }) => ({ temperature: grid([b, 4, sQ], 18) })),
  ...rows('temperature per head', () => ({ temperature: grid([4, 1], 19), causal: true })),
  ...rows('temperature before softcap', ({ sQ }) => ({ temperature: grid([sQ], 20, 3), softcap: 1 })),
  ...rows('temperature and bias', ({ b, sKv }) => ({
    temperature: grid([b, 1, 1], 21),
    bias: grid([b, 1, 1, sKv], 22),
  })),
]);

parityTable('rows', [
  ...rows('sinks', () => ({ sinks: [0.25, -3, 4, 0] })),
  ...rows('sinks, causal, window', () => ({ sinks: [0.25, -3, 4, 0], causal: true, window: { left: 3 } })),
  ...rows('sinks are neither scaled nor capped', () => ({ sinks: [9, 1, 20, 3], softcap: 1, scale: 3 })),
  ...rows('sinks where no key is seen', ({ sKv }) => ({ sinks: [0.25, -3, 4, 0], kvLengths: [0, sKv] })),
  ...rows('gate for every row', ({ b, sQ }) => ({ gate: grid([b, 4, sQ], 23) })),
  ...rows('gate of zero', ({ sQ }) => ({ gate: { shape: [sQ], data: Array.from({ length: sQ }, (_, i) => i % 2) } })),
  ...rows('gate per head with sinks', () => ({ gate: grid([4, 1], 24), sinks: [1, 2, 3, 4] })),
]);

parityTable('forms of options', [
  ...rows('a stream of its own', () => ({ causal: true }), { ownStream: true }),
  ...rows(
    'a mask of bytes, any of which but 0 keeps',
    ({ b, sQ, sKv }) => {
      const mask = bits([b, 1, sQ, sKv], 40, 0.6);
      return { mask: { ...mask, data: mask.data.map((bit, at) => bit * (1 + ((at * 37) % 255))) } };
    },
    { maskDtype: 'uint8' },
  ),
  ...[150, 2].map((sQ): Row => {
    const ids = runs(2, sQ, sQ === 2 ? 1 : 40);
    return {
      name: `segments as one tensor, ${sQ} tokens`,
      shape: { b: 2, sQ, hQ: 4, hK: 2, d: 32 },
      options: { segments: { q: ids, k: ids } },
      sharedSegments: true,
    };
  }),
]);

parityTable(
  'all options at once',
  rows('as many as go together', ({ b, sQ, sKv }) => ({
    causal: true,
    window: { left: [-1, 60, 100, 9] },
    sinkTokens: [0, 3, 20, 1],
    prefixLengths: [40, sKv - 2],
    segments: { q: runs(b, sQ, 1000), k: runs(b, sKv, sKv - 20) },
    kvLengths: [sKv - 7, sKv],
    scale: 0.4,
    softcap: 2,
    sinks: [1, 0, -1, 2],
    alibiSlopes: grid([b, 4], 30, 0.05),
    bias: grid([4, sQ, sKv], 31),
    mask: bits([b, 1, sQ, sKv], 32, 0.8),
    temperature: grid([b, 4, sQ], 33),
    gate: grid([b, 1, sQ], 34),
    headMap: { k: [1, 0, 0, 1], v: [0, 1, 1, 1] },
  })),
);
