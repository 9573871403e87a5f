/** What dispose() means: for the view, for other views of its storage, and for work in flight. */

import { attention, linear, memoryUsage, mergeAttention, rmsNorm, rope, Tensor } from '../../lib/index.js';
import { badCalls } from '../support/expect-error.js';

const gone = Tensor.zeros([1, 2, 2, 4]);
gone.dispose();
const live = Tensor.zeros([1, 2, 2, 4]);

badCalls('a disposed tensor refuses', [
  ['reshape', () => gone.reshape([16]), 'ERR_DISPOSED', 'the tensor has been disposed of'],
  ['transpose', () => gone.transpose(0, 1), 'ERR_DISPOSED', 'disposed'],
  ['slice', () => gone.slice([]), 'ERR_DISPOSED', 'disposed'],
  ['expand', () => gone.expand([1, 2, 2, 4]), 'ERR_DISPOSED', 'disposed'],
  ['to', () => gone.to(), 'ERR_DISPOSED', 'disposed'],
  ['copyFrom', () => gone.copyFrom(live), 'ERR_DISPOSED', 'disposed'],
  ['to be copied', () => live.copyFrom(gone), 'ERR_DISPOSED', 'source has been disposed of'],
  ['Tensor.from', () => Tensor.from(gone), 'ERR_DISPOSED', 'disposed'],
  ['toArray', () => gone.toArray(), 'ERR_DISPOSED', 'disposed'],
  ['toBits', () => gone.toBits(), 'ERR_DISPOSED', 'disposed'],
  ['attention', () => attention(live, gone, live), 'ERR_DISPOSED', 'k has been disposed of'],
  ['rmsNorm', () => rmsNorm(gone), 'ERR_DISPOSED', 'x has been disposed of'],
  ['rope', () => rope(gone), 'ERR_DISPOSED', 'x has been disposed of'],
  ['linear', () => linear(gone, gone), 'ERR_DISPOSED', 'x has been disposed of'],
  [
    'mergeAttention',
    () => mergeAttention([{ out: gone, weight: live }]),
    'ERR_DISPOSED',
    'parts[0].out has been disposed',
  ],
]);

// Collected tensors are counted off between two turns of the event loop, so comparisons stay within one.
const usage = () => memoryUsage().find(({ device }) => device === 'cpu')!;

describe('dispose', () => {
  test('is idempotent, and leaves what is known of the tensor', () => {
    const tensor = Tensor.zeros([2, 3], { dtype: 'float16' });
    expect(tensor.disposed).toBe(false);
    tensor.dispose();
    tensor.dispose();
    tensor[Symbol.dispose]();
    expect(tensor).toMatchObject({ disposed: true, shape: [2, 3], dtype: 'float16', size: 6, byteLength: 12 });
  });

  test('gives the memory back', () => {
    const before = usage();
    const tensor = Tensor.empty([1000]);
    expect(usage()).toMatchObject({ tensors: before.tensors + 1, bytes: before.bytes + 4000 });
    tensor.dispose();
    expect(usage()).toEqual(before);
  });

  test('of the base leaves its views, and the other way round', async () => {
    const base = Tensor.from([1, 2, 3, 4]);
    const view = base.slice([[1, 3]]);
    base.dispose();
    expect(await view.toArray()).toEqual(Float32Array.of(2, 3));
    const further = view.reshape([2, 1]);
    view.dispose();
    expect(await further.toArray()).toEqual(Float32Array.of(2, 3));
  });

  test('gives a storage back with its last view', () => {
    const before = usage();
    const base = Tensor.empty([1000]);
    const view = base.slice([[1, 3]]);
    base.dispose();
    expect(usage()).toMatchObject({ tensors: before.tensors + 1, bytes: before.bytes + 4000 });
    view.dispose();
    expect(usage()).toEqual(before);
  });

  test('during work that reads or writes the tensor does it no harm', async () => {
    const x = Tensor.randn([1, 512, 4, 64], { seed: 3 });
    const expected = await attention(x, x, x).toArray();
    const copy = x.to();
    const out = attention(copy, copy, copy);
    copy.dispose();
    const reading = out.toArray();
    out.dispose();
    expect(await reading).toEqual(expected);
  });

  test('happens at the end of a block with using', () => {
    const before = usage();
    {
      using tensor = Tensor.zeros([10]);
      expect(tensor.disposed).toBe(false);
    }
    expect(usage()).toEqual(before);
  });
});
