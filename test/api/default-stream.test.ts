/** The stream of work that names none, and work on other streams that uses what it made. */

import { attention, Stream, Tensor } from '../../lib/index.js';
import { assertSameBits } from '../support/compare.js';
import { badCalls, expectFailure } from '../support/expect-error.js';

describe('the default stream', () => {
  test('is one, and where work goes that names none', async () => {
    const stream = Stream.default();
    expect(Stream.default('cpu')).toBe(stream);
    await stream.synchronize().catch(() => undefined); // what other suites of this process have left to tell
    using x = Tensor.zeros([1, 2, 2, 4]);
    using out = attention(x, x, x, { headMap: { k: Tensor.from(Int32Array.of(0, 7)) } }); // fails when it runs
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', 'attention');
    await expectFailure(() => out.toArray(), 'ERR_INDEX', 'attention');
    expect(await Tensor.full([2], 3, { stream }).toArray()).toEqual(Float32Array.of(3, 3));
  });

  badCalls('refuses', [
    ['to be closed', () => Stream.default().close(), 'ERR_OPTION', "the default stream of 'cpu' cannot be closed"],
    ['using', () => Stream.default()[Symbol.dispose](), 'ERR_OPTION', 'cannot be closed'],
    ['await using', () => Stream.default()[Symbol.asyncDispose](), 'ERR_OPTION', 'cannot be closed'],
    ['an unknown device', () => Stream.default('tpu'), 'ERR_DEVICE', 'device must be'],
  ]);
});

describe('other streams', () => {
  test('wait for what the default stream writes, and it for what they write', async () => {
    const shape = [1, 512, 4, 64];
    const expected = await attention(Tensor.full(shape, 0.5), Tensor.zeros(shape), Tensor.full(shape, 2)).toArray();
    using stream = new Stream();
    for (let n = 0; n < 50; ++n) {
      using q = Tensor.full(shape, 0.5);
      using k = Tensor.zeros(shape, { dtype: 'bfloat16' }).to({ dtype: 'float32' });
      using v = Tensor.full(shape, 2);
      using out = attention(q, k, v, { stream });
      using back = out.to(); // on the default stream again
      assertSameBits(await back.toArray(), expected);
    }
  });

  test('wait for random numbers of the default stream', async () => {
    const [shape, seed] = [[1, 512, 4, 64], 3];
    using x = Tensor.randn(shape, { seed });
    const expected = await attention(x, x, x).toArray();
    using stream = new Stream();
    for (let n = 0; n < 50; ++n) {
      using y = Tensor.randn(shape, { seed });
      using out = attention(y, y, y, { stream });
      assertSameBits(await out.toArray(), expected);
    }
  });
});
