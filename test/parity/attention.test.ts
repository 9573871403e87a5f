/**
 * Attention by size: every row exists for the reason in its name. Tiles are 6 queries by 16 to 64 keys, blocks 48 to 192
 * queries by 128 keys, and few queries are served in chunks of 256 keys, hence the odd sizes.
 */

import { parityTable, type Row } from '../support/parity-table.js';

const causal = { causal: true };

const lengths: Row[] = [
  { name: 'one exact tile', shape: { sQ: 6, sKv: 16, hQ: 1, d: 64 } },
  { name: 'ragged both ways', shape: { sQ: 19, sKv: 77, hQ: 2, d: 64 } },
  { name: 'one query more than a tile, one key less', shape: { sQ: 7, sKv: 15, hQ: 1, d: 16 } },
  { name: 'one key more than a block', shape: { sQ: 50, sKv: 129, hQ: 1, d: 64 } },
  { name: 'several blocks both ways', shape: { sQ: 205, sKv: 271, hQ: 1, d: 24 } },
  { name: 'several blocks both ways, causal', shape: { sQ: 271, hQ: 1, d: 24 }, options: causal },
  { name: 'no queries', shape: { sQ: 0, sKv: 5, hQ: 2, d: 8 } },
  { name: 'no keys: empty rows', shape: { b: 2, sQ: 9, sKv: 0, hQ: 2, d: 8 } },
  { name: 'no keys, one query', shape: { sQ: 1, sKv: 0, hQ: 2, d: 8 } },
  { name: 'no sequences', shape: { b: 0, sQ: 3, sKv: 4, hQ: 2, d: 8 } },
  { name: 'one key', shape: { sQ: 20, sKv: 1, hQ: 2, d: 16 } },
  { name: 'one query, one key', shape: { b: 3, sQ: 1, hQ: 2, d: 16 } },
  {
    name: 'more queries than keys, causal: rows that see no key',
    shape: { sQ: 40, sKv: 8, hQ: 2, hK: 1, d: 64 },
    options: causal,
  },
  { name: 'rows without keys fill whole blocks', shape: { sQ: 230, sKv: 5, hQ: 1, d: 16 }, options: causal },
  {
    name: 'fewer queries than keys, causal: the last query sees all',
    shape: { sQ: 30, sKv: 171, hQ: 2, d: 32 },
    options: causal,
  },
  { name: 'chunked prefill ends inside a block', shape: { sQ: 70, sKv: 150, hQ: 1, d: 32 }, options: causal },
];

const fewQueries: Row[] = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17].flatMap((sQ) => [
  { name: `${sQ} queries over two chunks of keys`, shape: { sQ, sKv: 300, hQ: 4, hK: 1, d: 32 }, options: causal },
  { name: `${sQ} queries, heads not shared`, shape: { b: 2, sQ, sKv: 70, hQ: 3, d: 32 }, options: causal },
]);

const chunks: Row[] = [255, 256, 257, 512, 513, 1100].flatMap((sKv) => [
  { name: `one query over ${sKv} keys`, shape: { b: 2, sQ: 1, sKv, hQ: 4, hK: 2, d: 40 } },
  { name: `three queries over ${sKv} keys, causal`, shape: { sQ: 3, sKv, hQ: 2, hK: 2, d: 40 }, options: causal },
]);

const groups: Row[] = [
  { name: 'G = 1', shape: { b: 2, sQ: 33, sKv: 65, hQ: 3, d: 32 } },
  { name: 'G = 3', shape: { b: 2, sQ: 33, sKv: 65, hQ: 6, hK: 2, d: 32 }, options: causal },
  { name: 'G = 4, head dim 128', shape: { b: 2, sQ: 33, sKv: 65, hQ: 8, hK: 2, d: 128 }, options: causal },
  { name: 'G = 8', shape: { sQ: 33, sKv: 65, hQ: 16, hK: 2, d: 32 }, options: causal },
  { name: 'G = hQ: one key-value head', shape: { b: 2, sQ: 21, sKv: 65, hQ: 8, hK: 1, d: 32 } },
  { name: 'G = hQ, one query', shape: { b: 2, sQ: 1, sKv: 165, hQ: 24, hK: 1, d: 32 } },
  { name: 'fewer key heads than value heads', shape: { sQ: 33, sKv: 65, hQ: 8, hK: 2, hV: 4, d: 32 }, options: causal },
  { name: 'fewer key heads, one query', shape: { b: 2, sQ: 1, sKv: 165, hQ: 8, hK: 2, hV: 4, d: 32 } },
  { name: 'fewer value heads than key heads', shape: { sQ: 33, sKv: 65, hQ: 6, hK: 6, hV: 2, d: 16 } },
  { name: 'fewer value heads, one query', shape: { sQ: 1, sKv: 65, hQ: 6, hK: 3, hV: 1, d: 16 } },
  {
    name: 'learned queries that pool slices of the values',
    shape: { b: 3, sQ: 1, sKv: 196, hQ: 8, hK: 1, hV: 8, d: 384, dV: 12 },
  },
];

const headMaps: Row[] = [
  { name: 'reversed, default map', shape: { sQ: 20, sKv: 37, hQ: 2, hK: 6, d: 16 } },
  { name: 'reversed, tile', shape: { sQ: 20, sKv: 37, hQ: 2, hK: 6, d: 16 }, options: { headMap: 'tile' } },
  { name: 'reversed, interleave', shape: { sQ: 20, sKv: 37, hQ: 2, hK: 6, d: 16 }, options: { headMap: 'interleave' } },
  { name: 'reversed, keys shared too', shape: { sQ: 9, sKv: 37, hQ: 2, hK: 4, hV: 8, d: 16 } },
  {
    name: 'reversed, keys shared too, interleave',
    shape: { sQ: 9, sKv: 37, hQ: 2, hK: 8, hV: 4, d: 16 },
    options: { headMap: 'interleave' },
  },
  {
    name: 'reversed, tile, one query',
    shape: { b: 2, sQ: 1, sKv: 300, hQ: 2, hK: 4, d: 16 },
    options: { headMap: 'tile' },
  },
  {
    name: 'reversed, interleave, one query',
    shape: { b: 2, sQ: 1, sKv: 300, hQ: 2, hK: 4, d: 16 },
    options: { headMap: 'interleave' },
  },
  { name: 'one query head for all', shape: { sQ: 20, sKv: 37, hQ: 1, hK: 3, d: 16 }, options: causal },
  {
    name: 'tile with shared key-value heads',
    shape: { sQ: 20, sKv: 37, hQ: 6, hK: 2, d: 16 },
    options: { headMap: 'tile' },
  },
  {
    name: 'maps that are neither monotone nor even, a head unused',
    shape: { b: 2, sQ: 20, sKv: 37, hQ: 5, hK: 4, hV: 3, d: 16 },
    options: { headMap: { k: [3, 0, 0, 3, 1], v: [0, 2, 2, 0, 2] } },
  },
  {
    name: 'maps, one query',
    shape: { b: 2, sQ: 1, sKv: 300, hQ: 5, hK: 4, hV: 3, d: 16 },
    options: { headMap: { k: [3, 0, 0, 3, 1], v: [0, 2, 2, 0, 2] } },
  },
  {
    name: 'a map for the keys only',
    shape: { sQ: 20, sKv: 37, hQ: 4, hK: 3, hV: 2, d: 16 },
    options: { headMap: { k: [2, 2, 0, 1] } },
  },
  {
    name: 'a map for the values only',
    shape: { sQ: 20, sKv: 37, hQ: 4, hK: 2, hV: 3, d: 16 },
    options: { headMap: { v: [2, 2, 0, 1] } },
  },
  {
    name: 'a map onto more key-value heads than query heads',
    shape: { sQ: 20, sKv: 37, hQ: 2, hK: 5, d: 16 },
    options: { headMap: { k: [4, 1], v: [0, 3] } },
  },
  {
    name: 'one rule, named for keys and for values',
    shape: { sQ: 20, sKv: 37, hQ: 6, hK: 2, hV: 3, d: 16 },
    options: { headMap: { k: 'tile', v: 'tile' } },
  },
  {
    name: 'reversed, one rule named twice',
    shape: { sQ: 20, sKv: 37, hQ: 2, hK: 6, d: 16 },
    options: { headMap: { k: 'interleave', v: 'interleave' } },
  },
  ...(['tile', 'grouped'] as const).flatMap((rule) => [
    {
      name: `a map for the keys, '${rule}' for the values`,
      shape: { sQ: 20, sKv: 37, hQ: 4, hK: 3, hV: 2, d: 16 },
      options: { headMap: { k: [2, 2, 0, 1], v: rule } },
    },
    {
      name: `'${rule}' for the keys, a map for the values, one query`,
      shape: { b: 2, sQ: 1, sKv: 300, hQ: 4, hK: 2, hV: 3, d: 16 },
      options: { headMap: { k: rule, v: [2, 2, 0, 1] } },
    },
  ]),
];

const dims: Row[] = [1, 2, 3, 8, 16, 24, 40, 64, 80, 96, 128, 192, 256, 512].flatMap((d) => [
  { name: `d = ${d}`, shape: { sQ: 13, sKv: 37, hQ: 2, hK: 1, d } },
  { name: `d = ${d}, one query`, shape: { sQ: 1, sKv: 37, hQ: 2, hK: 1, d } },
]);

const unequalDims: Row[] = [
  [64, 40],
  [16, 128],
  [3, 1],
  [1, 3],
  [17, 33],
  [32, 512],
  [512, 8],
  [1024, 16],
].flatMap(([d, dV]) => [
  { name: `d = ${d}, dV = ${dV}`, shape: { sQ: 13, sKv: 37, hQ: 2, hK: 1, d: d!, dV: dV! }, options: causal },
  { name: `d = ${d}, dV = ${dV}, one query`, shape: { sQ: 1, sKv: 37, hQ: 2, hK: 1, d: d!, dV: dV! } },
]);

parityTable('lengths', lengths);
parityTable('few queries', fewQueries);
parityTable('chunks of keys', chunks);
parityTable('groups', groups);
parityTable('head maps', headMaps);
parityTable('head dims', dims);
parityTable('head dims of keys and values differ', unequalDims);
