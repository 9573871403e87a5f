/** The worked numbers of attention-variants 7 through the library, and scores at the limits of the number formats. */

import { attention, mergeAttention, Tensor } from '../../lib/index.js';
import { g, printed } from '../support/generators.js';
import { assertWithin } from '../support/compare.js';
import { parityTable } from '../support/parity-table.js';
import { targets } from '../support/backends.js';
import { ulp } from '../oracle/round.js';

/** Six digits were printed: half a unit of the sixth, and float32 inputs, sums and output of numbers near one. */
const kPrinted = { max: 0.5e-6 + 4 * ulp(1, 'float32'), rms: Infinity };

const tensor = (values: ArrayLike<number>, shape: number[], device: string) =>
  Tensor.from(Array.from(values), shape, { device });
const values = async (t: Tensor) => Array.from((await t.toArray()) as ArrayLike<number>);

for (const { name, device } of targets(['float32']))
  describe(`worked numbers, ${name}`, () => {
    test('7.1 grouped heads, bottom-right causal', async () => {
      const q = tensor(g(8, 0.1), [1, 2, 2, 2], device);
      const [k, v] = [tensor(g(6, 0.2), [1, 3, 1, 2], device), tensor(g(6, 0.3), [1, 3, 1, 2], device)];
      const lse = Tensor.empty([1, 2, 2], { device });
      const out = attention(q, k, v, { causal: true, lse });
      const O = printed('0.650110 0.756913 | 0.735903 0.736454 || 0.412523 0.194472 | 0.243078 -0.070853');
      assertWithin(await values(out), O, kPrinted);
      assertWithin(await values(lse), printed('1.123415 1.083836 ; 1.589262 0.760665'), kPrinted);
    });

    test('7.2 a row that sees no key', async () => {
      const q = tensor(g(6, 0.1), [1, 3, 1, 2], device);
      const [k, v] = [tensor(g(4, 0.2), [1, 2, 1, 2], device), tensor(g(4, 0.3), [1, 2, 1, 2], device)];
      const lse = Tensor.empty([1, 1, 3], { device });
      const out = attention(q, k, v, { causal: true, lse });
      assertWithin(await values(out), printed('0 0 | 0.295520 0.841471 | 0.669176 0.752366'), kPrinted);
      assertWithin(await values(lse), printed('-inf 0.587951 0.557988'), kPrinted);
    });

    test('7.3 softcap, window, causal, sink', async () => {
      const [q, k, v] = [0.1, 0.2, 0.3].map((b) => tensor(g(6, b), [1, 3, 1, 2], device)) as [Tensor, Tensor, Tensor];
      const lse = Tensor.empty([1, 1, 3], { device });
      const sinks = tensor([0.25], [1], device);
      const out = attention(q, k, v, { softcap: 0.5, window: { left: 1 }, causal: true, sinks, lse });
      assertWithin(await values(out), printed('0.154278 0.439294 0.466318 0.536216 0.286535 -0.029130'), kPrinted);
      assertWithin(await values(lse), printed('0.988259 1.487640 1.229824'), kPrinted);
    });

    test('7.4 merging two partial states gives the whole', async () => {
      const q = tensor(g(2, 0.1), [1, 1, 1, 2], device);
      const [k, v] = [0.2, 0.3].map((b) => tensor(g(6, b), [1, 3, 1, 2], device)) as [Tensor, Tensor];
      const part = (from: number, to: number) => {
        const lse = Tensor.empty([1, 1, 1], { device });
        const [ks, vs] = [k, v].map((t) => t.slice([null, [from, to], null, null])) as [Tensor, Tensor];
        return { out: attention(q, ks, vs, { lse }), lse };
      };
      const [first, second, whole] = [part(0, 2), part(2, 3), part(0, 3)];
      const lse = Tensor.empty([1, 1, 1], { device });
      const merged = { out: mergeAttention([first, second], { lse }), lse };
      const both = async (state: { out: Tensor; lse: Tensor }) => [
        ...(await values(state.out)),
        ...(await values(state.lse)),
      ];
      assertWithin(await both(first), printed('0.650110, 0.756913, 1.123415'), kPrinted);
      assertWithin(await both(second), printed('0.041581, -0.611858, -0.258796'), kPrinted);
      for (const state of [merged, whole])
        assertWithin(await both(state), printed('0.528006, 0.482263, 1.347377'), kPrinted);
    });

    test.each([
      ['tile', [0, 1, 0, 1]],
      ['interleave', [0, 0, 1, 1]],
    ] as const)('7.7 reversed SQA, %s', async (headMap, heads) => {
      // One key per head and values that name the query head: with keys of one, lse is the query itself.
      const q = tensor([10, 20], [1, 1, 2, 1], device);
      const [k, v] = [tensor([1, 1, 1, 1], [1, 1, 4, 1], device), tensor([5, 6, 7, 8], [1, 1, 4, 1], device)];
      const lse = Tensor.empty([1, 4, 1], { device });
      const out = attention(q, k, v, { headMap, scale: 1, lse });
      expect((await values(out)).map(Math.round)).toEqual([5, 6, 7, 8]);
      expect((await values(lse)).map(Math.round)).toEqual(heads.map((head) => [10, 20][head]));
    });
  });

const many = { sQ: 29, sKv: 140, hQ: 2, d: 32 };
const few = { b: 4, sQ: 1, sKv: 300, hQ: 2, d: 32 };
const enlarge =
  (factor: number) =>
  ({ q }: { q: Float64Array }) =>
    q.forEach((x, n) => (q[n] = factor * x));

parityTable(
  'scores at the limits',
  [many, few].flatMap((shape) => [
    { name: `scores near 10,000, ${shape.sQ} queries`, shape, edit: enlarge(4000) },
    { name: `scores near 10,000, causal, ${shape.sQ} queries`, shape, edit: enlarge(4000), options: { causal: true } },
    { name: `softcap of large scores, ${shape.sQ} queries`, shape, edit: enlarge(4000), options: { softcap: 30 } },
    { name: `softcap of scores at the cap, ${shape.sQ} queries`, shape, edit: enlarge(30), options: { softcap: 30 } },
    { name: `softcap far above the scores, ${shape.sQ} queries`, shape, options: { softcap: 1e4 } },
    { name: `scores near zero, ${shape.sQ} queries`, shape, edit: enlarge(1e-4) },
    { name: `all scores equal, ${shape.sQ} queries`, shape, edit: enlarge(0) },
    {
      name: `a rising row: every tile has a new maximum, ${shape.sQ} queries`,
      shape,
      options: { bias: { shape: [shape.sKv], data: Array.from({ length: shape.sKv }, (_, j) => 0.7 * j) } },
    },
    {
      name: `a falling row: later tiles weigh nothing, ${shape.sQ} queries`,
      shape,
      options: { bias: { shape: [shape.sKv], data: Array.from({ length: shape.sKv }, (_, j) => -0.7 * j) } },
    },
    {
      name: `very negative rows are not empty rows, ${shape.sQ} queries`,
      shape,
      options: { bias: { shape: [1], data: [-3e4] } },
    },
    { name: `a sink far above the scores, ${shape.sQ} queries`, shape, options: { sinks: [60, 200] } },
    { name: `a sink far below the scores, ${shape.sQ} queries`, shape, options: { sinks: [-60, -1e30] } },
    { name: `an infinite sink gives NaN, ${shape.sQ} queries`, shape, options: { sinks: [Infinity, -Infinity] } },
    { name: `a sink of NaN gives NaN, ${shape.sQ} queries`, shape, options: { sinks: [NaN, 1] } },
    {
      name: `an infinite sink where no key is seen, ${shape.sQ} queries`,
      shape,
      options: { sinks: [Infinity, -Infinity], mask: { shape: [1], data: [0] } },
    },
  ]),
);
