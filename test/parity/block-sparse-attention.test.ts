/** Attention over lists of key blocks against the oracle, which looks every pair up. */

import { blockSparseAttention, configure, Stream, Tensor } from '../../lib/index.js';
import { blockMask, blockSparseOracle, type BlockSparseCase, type Lists } from '../oracle/block-sparse-attention.js';
import { headsOf } from '../oracle/heads.js';
import { round, type FloatDType } from '../oracle/round.js';
import type { AttentionShape } from '../oracle/visibility.js';
import { judge, type Place } from '../support/attention-case.js';
import { targets } from '../support/backends.js';
import { assertSameBits } from '../support/compare.js';
import { expectFailure } from '../support/expect-error.js';
import { embed, type Embedded } from '../support/embed.js';
import { normal, Random } from '../support/random.js';

interface Row extends Omit<BlockSparseCase, 'partial' | 'full'> {
  name: string;
  shape: AttentionShape;
  hL: number;
  /** Of the blocks of keys of a query block, which it lists, and which of those as full. */
  list: (query: number, key: number, random: Random) => boolean;
  isFull?: (query: number, key: number) => boolean;
  order?: 'falling';
}

const base: AttentionShape = { b: 1, sQ: 100, sKv: 100, hQ: 4, hK: 2, hV: 2, d: 16, dV: 16 };
const half = (_: number, __: number, random: Random) => random.chance(0.5);
const all = () => true;
const rows: Row[] = [
  { name: 'half of the blocks', shape: base, hL: 2, blockQ: 16, blockK: 16, list: half },
  { name: 'half of the blocks, causal', shape: base, hL: 2, blockQ: 16, blockK: 16, causal: true, list: half },
  { name: 'one list for all heads', shape: base, hL: 1, blockQ: 16, blockK: 16, causal: true, list: half },
  { name: 'a list per query head', shape: base, hL: 4, blockQ: 16, blockK: 16, causal: true, list: half },
  {
    name: 'columns, diagonals and the nearest blocks, as FlexPrefill finds them (arXiv:2502.20766)',
    shape: base,
    hL: 4,
    blockQ: 8,
    blockK: 8,
    causal: true,
    list: (i, j) => j <= i && (j === 0 || j === 5 || i - j < 2 || i - j === 4),
    isFull: (i, j) => j < i,
  },
  {
    name: 'as many blocks for every block of queries, as HiP keeps (arXiv:2406.09827)',
    shape: base,
    hL: 2,
    blockQ: 16,
    blockK: 4,
    causal: true,
    list: (i, j) => j % 4 === i % 4 || j === 4 * i,
  },
  { name: 'no block', shape: base, hL: 1, blockQ: 16, blockK: 16, list: () => false },
  { name: 'one block', shape: base, hL: 1, blockQ: 16, blockK: 16, list: (i, j) => i === 2 && j === 3 },
  { name: 'all blocks, which is attention', shape: base, hL: 1, blockQ: 16, blockK: 16, causal: true, list: all },
  { name: 'blocks in falling order', shape: base, hL: 1, blockQ: 16, blockK: 16, list: half, order: 'falling' },
  { name: 'ragged rows: as many blocks as the row', shape: base, hL: 1, blockQ: 8, blockK: 8, list: (i, j) => j < i },
  { name: 'one query a block', shape: { ...base, sQ: 40 }, hL: 2, blockQ: 1, blockK: 5, causal: true, list: half },
  { name: 'blocks larger than all', shape: base, hL: 1, blockQ: 500, blockK: 500, causal: true, list: all },
  {
    name: 'query blocks of several tasks',
    shape: { ...base, sQ: 300, sKv: 290 },
    hL: 1,
    blockQ: 130,
    blockK: 32,
    causal: true,
    list: half,
  },
  {
    name: 'full and partial blocks',
    shape: base,
    hL: 2,
    blockQ: 16,
    blockK: 16,
    causal: true,
    list: (i, j) => j <= i,
    isFull: (i, j) => j < i,
  },
  {
    name: 'full blocks ahead of the query count too',
    shape: base,
    hL: 1,
    blockQ: 16,
    blockK: 16,
    causal: true,
    list: half,
    isFull: all,
  },
  { name: 'full blocks alone', shape: base, hL: 1, blockQ: 32, blockK: 8, list: half, isFull: all },
  {
    name: 'padding within full and partial blocks',
    shape: { ...base, b: 3 },
    hL: 1,
    blockQ: 16,
    blockK: 16,
    causal: true,
    kvLengths: [100, 0, 37],
    list: half,
    isFull: (_, j) => j % 2 === 0,
  },
  {
    name: 'more keys than queries, a scale of its own',
    shape: { ...base, sKv: 333, dV: 24 },
    hL: 2,
    blockQ: 64,
    blockK: 64,
    causal: true,
    scale: 0.4,
    list: half,
  },
  {
    name: 'one query',
    shape: { ...base, b: 2, sQ: 1, sKv: 500 },
    hL: 2,
    blockQ: 1,
    blockK: 64,
    causal: true,
    list: half,
  },
  { name: 'no keys', shape: { ...base, sKv: 0 }, hL: 1, blockQ: 16, blockK: 16, list: all },
];

function listsOf(row: Row): { partial?: Lists; full?: Lists } {
  const { shape, hL, blockQ, blockK, list, isFull } = row;
  const random = new Random(5);
  const keys = Array.from({ length: Math.ceil(shape.sKv / blockK) }, (_, j) => j);
  const queries = Array.from({ length: Math.ceil(shape.sQ / blockQ) }, (_, i) => i);
  const chosen = Array.from({ length: shape.b }, () =>
    Array.from({ length: hL }, () =>
      queries.map((i) => {
        const blocks = keys.filter((j) => list(i, j, random));
        return row.order === 'falling' ? blocks.reverse() : blocks;
      }),
    ),
  );
  const pick = (whole: boolean) =>
    chosen.map((heads) =>
      heads.map((lists) => lists.map((blocks, i) => blocks.filter((j) => (isFull?.(i, j) ?? false) === whole))),
    );
  return isFull ? { partial: pick(false), full: pick(true) } : { partial: pick(false) };
}

/** In compressed sparse rows, behind garbage that no list reaches. */
function compressed(lists: Lists): { offsets: number[]; indices: number[] } {
  const [offsets, indices]: [number[], number[]] = [[], [-1]];
  for (const heads of lists)
    for (const rowsOf of heads) {
      for (const blocks of rowsOf) {
        offsets.push(indices.length);
        indices.push(...blocks);
      }
      offsets.push(indices.length);
    }
  return { offsets, indices };
}

async function run(row: Row, { device, dtype }: Place, values: { q: Float64Array; k: Float64Array; v: Float64Array }) {
  const { shape, hL, blockQ, blockK, causal, scale, kvLengths } = row;
  const { b, sQ, sKv, hQ, hK, hV, d, dV } = shape;
  const made: Embedded[] = [];
  const tensor = (data: ArrayLike<number> | number, sizes: number[], kind: FloatDType | 'int32', margin: number) => {
    made.push(embed(data, sizes, { dtype: kind, device, margin }));
    return made[made.length - 1]!;
  };
  const csr = (lists: Lists | undefined) => {
    if (!lists) return undefined;
    const { offsets, indices } = compressed(lists);
    const garbage = 2 ** 31 - 1;
    return {
      offsets: tensor(offsets, [b, hL, Math.ceil(sQ / blockQ) + 1], 'int32', garbage).view,
      indices: tensor(indices, [indices.length], 'int32', garbage).view,
    };
  };
  const { partial, full } = listsOf(row);
  const lists = { blockQ, blockK, ...(partial && { partial: csr(partial)! }), ...(full && { full: csr(full)! }) };
  const { hO } = headsOf(shape);
  const [out, lse] = [tensor(NaN, [b, sQ, hO, dV], dtype, -7.75), tensor(NaN, [b, hO, sQ], 'float32', -7.75)];
  blockSparseAttention(
    tensor(values.q, [b, sQ, hQ, d], dtype, NaN).view,
    tensor(values.k, [b, sKv, hK, d], dtype, NaN).view,
    tensor(values.v, [b, sKv, hV, dV], dtype, NaN).view,
    {
      lists,
      ...(causal && { causal }),
      ...(scale !== undefined && { scale }),
      ...(kvLengths && { kvLengths: tensor([...kvLengths], [kvLengths.length], 'int32', 1000).view }),
      out: out.view,
      lse: lse.view,
    },
  );
  const result = { out: await out.read(), lse: await lse.read() };
  for (const each of made) each.dispose();
  return result;
}

/** Keys and values that no query reads hold NaN. */
function inputs({ shape, ...row }: Row, dtype: FloatDType) {
  const { b, sQ, sKv, hQ, hK, hV, d, dV } = shape;
  const { hO, k: kOf, v: vOf } = headsOf(shape);
  const mask = blockMask(shape, { ...row, ...listsOf({ shape, ...row }) });
  const values = { q: normal([b, sQ, hQ, d], 1), k: normal([b, sKv, hK, d], 2), v: normal([b, sKv, hV, dV], 3) };
  const seen = [new Set<number>(), new Set<number>()];
  mask.forEach((counts, at) => {
    if (!counts) return;
    const [n, o, j] = [Math.floor(at / (hO * sQ * sKv)), Math.floor(at / (sQ * sKv)) % hO, at % sKv];
    seen[0]!.add((n * sKv + j) * hK + kOf(o));
    seen[1]!.add((n * sKv + j) * hV + vOf(o));
  });
  for (let at = 0; at < b * sKv * hK; ++at) if (!seen[0]!.has(at)) values.k.fill(NaN, at * d, (at + 1) * d);
  for (let at = 0; at < b * sKv * hV; ++at) if (!seen[1]!.has(at)) values.v.fill(NaN, at * dV, (at + 1) * dV);
  return { q: round(values.q, dtype), k: round(values.k, dtype), v: round(values.v, dtype) };
}

for (const { name: target, ...place } of targets())
  describe(`block-sparse attention, ${target}`, () => {
    test.each(rows)('$name', async (row) => {
      const { q, k, v } = inputs(row, place.dtype);
      const given: BlockSparseCase = { ...row, ...listsOf(row) };
      const exact = blockSparseOracle(q, k, v, row.shape, given);
      const plain = blockSparseOracle(q, k, v, row.shape, given, place.dtype);
      judge(await run(row, place, { q, k, v }), { exact, asked: exact, plain }, place.dtype, row.shape.dV);
    });

    test('counting: with q = 0 exp(lse) is the number of keys a row reads', async () => {
      const row = rows.find(({ name }) => name === 'full and partial blocks')!;
      const values = inputs(row, place.dtype);
      const { lse } = await run(row, place, { ...values, q: values.q.fill(0) });
      const mask = blockMask(row.shape, { ...row, ...listsOf(row) });
      const { sKv } = row.shape;
      const counts = Array.from(lse, (_, n) => mask.slice(n * sKv, (n + 1) * sKv).reduce((x, y) => x + y, 0));
      expect(Array.from(lse, (x) => Math.round(Math.exp(x)))).toEqual(counts);
    });

    test('the same bits for any number of threads', async () => {
      const row = rows.find(({ name }) => name === 'query blocks of several tasks')!;
      const values = inputs(row, place.dtype);
      const results = [];
      for (const threads of [1, 2, 5]) {
        configure({ threads });
        results.push(await run(row, place, values));
      }
      for (const { out } of results.slice(1)) assertSameBits(out, results[0]!.out);
    });
  });

for (const { name: target, device } of targets(['float32']))
  describe(`block lists that are not well formed, ${target}`, () => {
    const [q, k] = [Tensor.zeros([1, 32, 2, 8], { device }), Tensor.zeros([1, 40, 2, 8], { device })];
    const list = (offsets: number[], indices: number[]) => ({
      offsets: Tensor.from(Int32Array.from(offsets), [1, 1, 3], { device }),
      indices: Tensor.from(Int32Array.from(indices), [indices.length], { device }),
    });
    test.each([
      ['a block behind the last', { partial: list([0, 1, 2], [0, 3]) }, 'partial.indices[1] is 3, expected 0 to 2'],
      ['a negative block', { partial: list([0, 1, 2], [-1, 0]) }, 'partial.indices[0] is -1'],
      ['a block twice in a list', { full: list([0, 2, 3], [1, 1, 1]) }, 'full.indices[1] lists block 1 a second time'],
      [
        'a block in both lists',
        { full: list([0, 1, 2], [0, 1]), partial: list([0, 1, 2], [1, 1]) },
        'partial.indices[1] lists block 1 a second time',
      ],
      ['offsets that fall', { partial: list([0, 2, 1], [0, 1]) }, 'partial.offsets[0, 0, 1] to the next is 2 to 1'],
      ['offsets behind the end', { partial: list([0, 1, 3], [0, 1]) }, 'expected within 0 to 2'],
      ['negative offsets', { partial: list([-1, 1, 2], [0, 1]) }, 'is -1 to 1'],
    ])('%s', async (_, lists, message) => {
      const out = blockSparseAttention(q, k, k, { lists: { blockQ: 16, blockK: 16, ...lists } });
      await expect(out.toArray()).rejects.toMatchObject({
        code: 'ERR_INDEX',
        message: expect.stringContaining(message) as string,
      });
    });

    test('lengths out of range are found even where there are no queries', async () => {
      using stream = new Stream(device);
      const none = Tensor.zeros([1, 0, 2, 8], { device });
      const partial = {
        offsets: Tensor.zeros([1, 1, 1], { dtype: 'int32', device }),
        indices: Tensor.zeros([0], { dtype: 'int32', device }),
      };
      const kvLengths = Tensor.from(Int32Array.of(41), [1], { device });
      blockSparseAttention(none, k, k, { lists: { blockQ: 16, blockK: 16, partial }, kvLengths, stream });
      await expectFailure(() => stream.synchronize(), 'ERR_INDEX', 'kvLengths[0] is 41, expected 0 to 40');
    });
  });
