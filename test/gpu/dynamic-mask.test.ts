/** What a GPU finds out about the lengths of a selection only when the work runs. */

import { dynamicMaskIntervals, Stream, Tensor } from '../../lib/index.js';
import { expectFailure } from '../support/expect-error.js';
import { gpus } from '../support/gpus.js';

describe.each(gpus)('selection, %s', (device) => {
  const indices = (...values: number[]) => Tensor.from(Int32Array.from(values), [values.length], { device });
  const ends = async (intervals: Tensor) => Array.from(await intervals.slice([null, [1, 2], null]).toArray());

  test('packed lengths out of range are told to the reader, to the stream once, and to what follows', async () => {
    using stream = new Stream(device);
    const scores = Tensor.zeros([2, 8], { device, stream });
    const text = 'dynamicMaskIntervals: cuSeqLensK[1] is 9, expected 0 to 8';
    const lengths = { cuSeqLensQ: indices(0, 4, 8), cuSeqLensK: indices(0, 9, 8) };
    const bad = dynamicMaskIntervals(scores, { ...lengths, keep: 2, causal: true, blockSize: 3, stream });
    const after = bad.to({ stream });
    await expectFailure(() => bad.toArray(), 'ERR_INDEX', text);
    await expectFailure(() => after.toArray(), 'ERR_INDEX', text);
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', text);
    await stream.synchronize();
    dynamicMaskIntervals(scores, { ...lengths, cuSeqLensK: indices(0, 4, 8), keep: 2, out: bad, stream });
    expect(await ends(bad)).toEqual([4, 4, 0, 0, 4, 4, 0, 0, 4, 4, 0, 0, 4, 4, 0, 0]);
  });

  test('lengths are those at the time the work runs', async () => {
    using stream = new Stream(device);
    const scores = Tensor.zeros([1, 1, 4], { device, stream });
    const kvLengths = Tensor.full([1], 9, { dtype: 'int32', device, stream });
    kvLengths.copyFrom(indices(3), { stream });
    const intervals = dynamicMaskIntervals(scores, { kvLengths, keep: 2, stream });
    kvLengths.copyFrom(indices(-1), { stream });
    expect(Array.from(await intervals.toArray())).toEqual([0, 0, 0, 0, 4, 4, 0, 0]);
  });
});
