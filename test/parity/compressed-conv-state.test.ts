/** Tokens appended to a state, in any portions: the same as all at once. */

import { attention, CcaState, Stream, Tensor, type CcaProjections, type CcaStateOptions } from '../../lib/index.js';
import { ccaOracle } from '../oracle/compressed-conv-attention.js';
import { targets } from '../support/backends.js';
import { inputsOf, oracleOptions, shapeOf, tensorsOf, type CcaCase } from '../support/cca-case.js';
import { assertSameBits, assertWithin, roundingBudget } from '../support/compare.js';
import { expectFailure } from '../support/expect-error.js';

const shape = { b: 2, s: 23, hQ: 4, hKv: 2, d: 16 };
const ones = (n: number) => Array<number>(n).fill(1);

type Row = CcaCase & { name: string; portions: readonly number[]; state?: CcaStateOptions };

const table: Row[] = [
  { name: 'one shot', shape, portions: [23] },
  { name: 'token by token', shape, portions: ones(23) },
  { name: 'a prompt, then token by token', shape, portions: [17, ...ones(6)] },
  { name: 'a prompt of one token', shape, portions: [1, 22] },
  { name: 'chunks, shorter than the halo too', shape: { ...shape, k1: 4, k2: 3 }, portions: [2, 1, 9, 3, 8] },
  { name: 'portions without tokens', shape, portions: [0, 5, 0, 18, 0] },
  { name: 'buffers that grow', shape, portions: [3, 1, 1, 12, ...ones(6)], state: { capacity: 1 } },
  { name: 'one tap each: no history at all', shape: { ...shape, k1: 1, k2: 1 }, portions: [4, 1, 18] },
  { name: 'one tap, then two', shape: { ...shape, k1: 1 }, portions: [4, 1, 18] },
  { name: 'one key head', shape: { ...shape, hKv: 1 }, portions: [4, 1, 18] },
  { name: 'a bias of the delayed projection', shape, delayedBias: true, portions: [1, 4, 18] },
  { name: 'no rotation', shape, rope: false, portions: [4, 1, 18] },
  { name: 'half of a head, from position 100', shape, rope: { rotaryDim: 8 }, offset: 100, portions: [4, 1, 18] },
  { name: 'a window', shape, window: { left: 3 }, portions: [4, 1, 18] },
  { name: 'raw temperatures', shape, tempMode: 'raw', portions: [4, 1, 18] },
  { name: 'chunks across tiles', shape: { ...shape, b: 1, s: 150 }, portions: [60, 64, 26] },
];

/** The tokens [from, to) of all sequences. */
function part({ latent, value, delayed }: CcaProjections, from: number, to: number): CcaProjections {
  const rows = (x: Tensor) => x.slice([null, [from, to], null]);
  return { latent: rows(latent), value: rows(value), delayed: rows(delayed) };
}

/** Puts the portions of `out`, [b, n, …] each, together. */
async function joined(outs: readonly Tensor[], b: number, s: number): Promise<Float64Array> {
  const width = outs[0]!.shape[2]! * outs[0]!.shape[3]!;
  const result = new Float64Array(b * s * width);
  let first = 0;
  for (const out of outs) {
    const [values, n] = [await out.toArray(), out.shape[1]!];
    for (let sequence = 0; sequence < b; ++sequence)
      for (let at = 0; at < n * width; ++at)
        result[(sequence * s + first) * width + at] = values[sequence * n * width + at]!;
    first += n;
  }
  return result;
}

for (const { name, device, dtype } of targets())
  describe(`CcaState, ${name}`, () => {
    const stateOf = (
      row: CcaCase & { state?: CcaStateOptions },
      parameters: ConstructorParameters<typeof CcaState>[0],
    ) =>
      new CcaState(parameters, {
        b: shapeOf(row).b,
        dtype,
        device,
        ...(row.tempMode && { tempMode: row.tempMode }),
        ...(row.window && { window: row.window }),
        rope: row.rope === false ? false : { ...row.rope, offset: row.offset ?? 0 },
        ...row.state,
      });

    test.each(table)('$name', async (row) => {
      const { b, s, d } = shapeOf(row);
      const inputs = inputsOf(row, dtype);
      const exact = ccaOracle(inputs.projections, inputs.parameters, shapeOf(row), oracleOptions(row));
      const rounded = { ...oracleOptions(row), roundTo: dtype };
      const plain = ccaOracle(inputs.projections, inputs.parameters, shapeOf(row), rounded);
      const tensors = tensorsOf(row, inputs, device, dtype);
      using state = stateOf(row, tensors.parameters);
      const outs: Tensor[] = [];
      let length = 0;
      for (const n of row.portions) {
        outs.push(state.append(part(tensors.projections, length, length + n)));
        length += n;
        expect(state.length).toBe(length);
      }
      assertWithin(await joined(outs, b, s), exact.out, roundingBudget(dtype, exact.out, plain.out, d), 'out');
      tensors.dispose();
    });

    const row: CcaCase = { shape };
    const tensors = tensorsOf(row, inputsOf(row, dtype), device, dtype);
    const other = tensorsOf({ ...row, seed: 9 }, inputsOf({ ...row, seed: 9 }, dtype), device, dtype);
    const bits = (out: Tensor) => out.toBits();

    test('rolled back, it goes on as if nothing had been appended', async () => {
      using straight = stateOf(row, tensors.parameters);
      straight.append(part(tensors.projections, 0, 9));
      const expected = [await bits(straight.append(part(tensors.projections, 9, 10)))];
      expected.push(await bits(straight.append(part(tensors.projections, 10, 23))));

      using state = stateOf({ ...row, state: { capacity: 4 } }, tensors.parameters);
      state.append(part(tensors.projections, 0, 9));
      using snapshot = state.snapshot();
      for (const drafts of [1, 5, 14]) {
        state.append(part(other.projections, 0, drafts));
        expect(state.length).toBe(9 + drafts);
        state.rollback(snapshot);
        expect(state.length).toBe(9);
      }
      assertSameBits(await bits(state.append(part(tensors.projections, 9, 10))), expected[0]!);
      assertSameBits(await bits(state.append(part(tensors.projections, 10, 23))), expected[1]!);
    });

    test('snapshots nest: an earlier one ends later ones', async () => {
      using state = stateOf(row, tensors.parameters);
      const [empty, first] = [state.snapshot(), part(tensors.projections, 0, 4)];
      const expected = await bits(state.append(first));
      const later = state.snapshot();
      state.append(part(tensors.projections, 4, 6));
      state.rollback(later);
      state.rollback(empty);
      expect(state.length).toBe(0);
      await expectFailure(() => state.rollback(later), 'ERR_DISPOSED', 'snapshot has been disposed of, or');
      assertSameBits(await bits(state.append(first)), expected);
    });

    // A GPU has the work by the time that its call returns, and does it.
    (device === 'cpu' ? test : test.skip).each([
      ['', 256],
      [', though the buffers have grown since', 11],
    ])('what was revoked is gone after a rollback%s', async (_, capacity) => {
      using state = stateOf({ ...row, state: { capacity } }, tensors.parameters);
      state.append(part(tensors.projections, 0, 5));
      using earlier = state.snapshot();
      state.append(part(tensors.projections, 5, 9));
      using snapshot = state.snapshot();
      const controller = new AbortController();
      const big = Tensor.randn([2, 2000, 4, 64], { device, dtype });
      attention(big, big, big); // keeps the stream busy until the signal has gone off
      const revoked = state.append(part(other.projections, 0, 2), { signal: controller.signal });
      const after = state.append(part(other.projections, 3, 4));
      controller.abort();
      await expectFailure(() => revoked.toArray(), 'ERR_ABORTED', '');
      await expectFailure(() => after.toArray(), 'ERR_ABORTED', '');
      using straight = stateOf(row, tensors.parameters);
      straight.append(part(tensors.projections, 0, 5));
      straight.append(part(tensors.projections, 5, 9));
      const expected = await bits(straight.append(part(tensors.projections, 9, 14)));
      state.rollback(snapshot);
      assertSameBits(await bits(state.append(part(tensors.projections, 9, 14))), expected);
      state.rollback(earlier);
      state.append(part(tensors.projections, 5, 9));
      assertSameBits(await bits(state.append(part(tensors.projections, 9, 14))), expected);
    });

    (device === 'cpu' ? test : test.skip)('a queue that is full while the buffers grow leaves the state', async () => {
      using state = stateOf({ ...row, state: { capacity: 9 } }, tensors.parameters);
      await bits(state.append(part(tensors.projections, 0, 9)));
      const more = part(tensors.projections, 9, 14);
      let refused = 0;
      for (let queueDepth = 1; state.length === 9; ++queueDepth) {
        using holder = new Stream();
        using big = Tensor.randn([2, 2000, 4, 64], { dtype });
        attention(big, big, big, { stream: holder }).dispose();
        using stream = new Stream('cpu', { queueDepth });
        stream.wait(holder.record());
        Tensor.zeros([1], { stream }).dispose(); // so that the least depth has room for one of two copies
        try {
          state.append(more, { stream }).dispose();
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_QUEUE_FULL' });
          ++refused;
        }
        await stream.synchronize();
      }
      expect(refused).toBe(3); // the second copy, the prologue, the attention
      using straight = stateOf(row, tensors.parameters);
      straight.append(part(tensors.projections, 0, 9));
      straight.append(more);
      const expected = await bits(straight.append(part(tensors.projections, 14, 23)));
      assertSameBits(await bits(state.append(part(tensors.projections, 14, 23))), expected);
    });

    test('a call that throws leaves the state as it was', async () => {
      using state = stateOf(row, tensors.parameters);
      const expected = await bits(state.append(part(tensors.projections, 0, 4)));
      using again = stateOf(row, tensors.parameters);
      const out = Tensor.empty([2, 3, 4, 16], { dtype, device });
      await expectFailure(() => again.append(part(tensors.projections, 0, 4), { out }), 'ERR_SHAPE', 'out must have');
      expect(again.length).toBe(0);
      assertSameBits(await bits(again.append(part(tensors.projections, 0, 4))), expected);
    });
  });
