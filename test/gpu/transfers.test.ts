/** Data on its way between the CPU and a GPU: every dtype, any strides, in the order of the work that makes it. */

import { attention, Stream, Tensor, type DType } from '../../lib/index.js';
import { expectFailure } from '../support/expect-error.js';
import { gpus } from '../support/gpus.js';

const dtypes: readonly DType[] = ['float32', 'float16', 'bfloat16', 'int32', 'uint8', 'bool'];
const counted = (length: number) => Float32Array.from({ length }, (_, i) => i);

describe.each(gpus)('transfers, %s', (device) => {
  test.each(dtypes)('there and back, %s', async (dtype) => {
    const numbers = Array.from({ length: 24 }, (_, i) => (dtype === 'bool' ? i % 2 : i));
    using tensor = Tensor.from(numbers, [2, 3, 4], { dtype, device });
    expect(tensor.device).toBe(device);
    expect(Array.from(await tensor.toArray())).toEqual(numbers);
    using back = tensor.to({ device: 'cpu' });
    expect(back).toMatchObject({ device: 'cpu', dtype, shape: [2, 3, 4] });
    expect(Array.from(await back.toArray())).toEqual(numbers);
  });

  test('bits stay bits, values are widened', async () => {
    const bits = Uint16Array.of(0x3f80, 0x7fc1, 0xff80, 0x0001);
    using tensor = Tensor.from(bits, [4], { dtype: 'bfloat16', device });
    expect(await tensor.toBits()).toEqual(bits);
    expect((await tensor.toArray()).subarray(0, 1)).toEqual(Float32Array.of(1));
  });

  test('views of any strides, in both directions', async () => {
    using all = Tensor.from(counted(24), [2, 3, 4]);
    const views: Record<string, (t: Tensor) => Tensor> = {
      transposed: (t) => t.transpose(0, 2),
      sliced: (t) => t.slice([null, [1, 3], [1, 3]]),
      expanded: (t) => t.slice([[0, 1]]).expand([5, 3, 4]),
    };
    for (const [name, view] of Object.entries(views)) {
      const expected = Array.from(await view(all).toArray());
      using there = view(all).to({ device });
      expect([name, ...(await there.toArray())]).toEqual([name, ...expected]);
      using whole = all.to({ device });
      using back = view(whole).to({ device: 'cpu' });
      expect([name, ...(await back.toArray())]).toEqual([name, ...expected]);
    }
  });

  test('into a part of a tensor, with another dtype', async () => {
    using target = Tensor.zeros([3, 4], { device, dtype: 'float16' });
    using source = Tensor.from([1, 2, 3], [3], { dtype: 'int32' });
    target.slice([null, [2, 3]]).copyFrom(source.reshape([3, 1]));
    expect(Array.from(await target.toArray())).toEqual([0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0]);
    using host = Tensor.zeros([3, 4]);
    host.slice([null, [1, 2]]).copyFrom(target.slice([null, [2, 3]]));
    expect(Array.from(await host.toArray())).toEqual([0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0]);
  });

  describe('of more than is pinned at a time', () => {
    const COUNT = 9 << 20; // float32: 36 MiB
    const numbers = Float32Array.from({ length: COUNT }, (_, i) => i % 1021);
    const differing = (found: ArrayLike<number>, expected: (i: number) => number) => {
      for (let i = 0; i < COUNT; ++i) if (found[i] !== expected(i)) return i;
      return -1;
    };

    test('there and back, whatever becomes of the source meanwhile', async () => {
      using stream = new Stream(device);
      using source = Tensor.from(numbers, [COUNT]);
      using there = source.to({ device, stream });
      source.copyFrom(Tensor.zeros([COUNT]));
      const read = there.toArray();
      there.copyFrom(Tensor.zeros([1], { device, stream }).expand([COUNT]), { stream });
      using back = there.to({ device: 'cpu', stream });
      expect(differing(await read, (i) => i % 1021)).toBe(-1);
      expect(differing(await back.toArray(), () => 0)).toBe(-1);
    });

    test('between rows of others, with another dtype', async () => {
      using target = Tensor.zeros([2, COUNT], { device });
      const small = numbers.map((x) => x % 251); // exact in bfloat16
      using source = Tensor.from(small, [COUNT, 1], { dtype: 'bfloat16' });
      const row = (n: number) => target.transpose(0, 1).slice([null, [n, n + 1]]);
      row(1).copyFrom(source);
      using back = Tensor.empty([COUNT, 1]);
      back.copyFrom(row(1));
      expect(differing(await back.toArray(), (i) => small[i]!)).toBe(-1);
      expect(differing(await row(0).toArray(), () => 0)).toBe(-1);
    });

    test('what goes wrong before it comes along', async () => {
      using stream = new Stream(device);
      using cpu = new Stream();
      const x = Tensor.zeros([1, COUNT / 8, 2, 8], { stream: cpu });
      const q = x.slice([null, [0, 1]]);
      const headMap = { k: Tensor.from(Int32Array.of(0, 7)) };
      const bad = attention(q, x, x, { headMap, stream: cpu }).expand([COUNT / 8, 1, 2, 8]);
      using there = bad.to({ device, stream });
      await expectFailure(() => there.slice([[0, 1]]).toArray(), 'ERR_INDEX', 'headMap.k[1] is 7');
      await expectFailure(() => there.toArray(), 'ERR_INDEX', 'headMap.k[1] is 7');
      await expectFailure(() => cpu.synchronize(), 'ERR_INDEX', 'headMap.k[1] is 7');
      await expectFailure(() => stream.synchronize(), 'ERR_INDEX', 'headMap.k[1] is 7');
    });

    test('closing the stream ends the wait of a reader behind work that does not end', async () => {
      const stream = new Stream(device);
      using gate = new Stream();
      const x = Tensor.randn([1, 1024, 8, 64], { seed: 1, stream: gate });
      using tensor = Tensor.from(numbers, [COUNT]).to({ device, stream });
      attention(x, x, x, { stream: gate });
      stream.wait(gate.record());
      const reading = tensor.toArray().then(
        () => 'read',
        (error: unknown) => (error as { code: string }).code,
      );
      stream.close();
      expect(['read', 'ERR_STREAM_CLOSED']).toContain(await reading);
      expect(differing(await tensor.toArray(), (i) => i % 1021)).toBe(-1);
    });
  });

  test('onto itself, overlapping', async () => {
    using tensor = Tensor.from(counted(6), [6], { device });
    tensor.slice([[1, 6]]).copyFrom(tensor.slice([[0, 5]]));
    expect(Array.from(await tensor.toArray())).toEqual([0, 0, 1, 2, 3, 4]);
  });

  test('tensors without elements', async () => {
    using tensor = Tensor.from([], [0, 3], { device });
    expect(await tensor.toArray()).toEqual(new Float32Array(0));
    using back = tensor.to({ device: 'cpu' });
    expect(await back.toArray()).toEqual(new Float32Array(0));
  });

  test('what work of the CPU is still to write is waited for', async () => {
    using stream = new Stream();
    const length = 1 << 18; // too long to be copied by the caller
    using tensor = Tensor.zeros([length]);
    for (let n = 1; n <= 20; ++n) tensor.copyFrom(Tensor.full([length], n, { stream }), { stream });
    using there = tensor.to({ device });
    expect((await there.toArray()).every((x) => x === 20)).toBe(true);
  });

  test('what is overwritten on the CPU after the call has gone as it was', async () => {
    using stream = new Stream(device);
    using tensor = Tensor.full([4], 1);
    using there = tensor.to({ device, stream });
    await stream.synchronize();
    tensor.copyFrom(Tensor.full([4], 2));
    expect(Array.from(await there.toArray())).toEqual([1, 1, 1, 1]);
  });

  test('a copy to the CPU is in order for the work of the CPU', async () => {
    using there = Tensor.full([1000], 3, { device });
    using back = there.to({ device: 'cpu' });
    using doubled = Tensor.zeros([1000]);
    doubled.copyFrom(back);
    expect((await doubled.toArray()).every((x) => x === 3)).toBe(true);
  });

  test('a stream of the wrong device is refused', async () => {
    using cpu = new Stream();
    using tensor = Tensor.zeros([2]);
    await expectFailure(() => tensor.to({ device, stream: cpu }), 'ERR_DEVICE', `stream must be of device '${device}'`);
  });

  test('random numbers are those of the CPU, to the last bits of sine and logarithm', async () => {
    using there = Tensor.randn([1001], { seed: 5, device });
    using here = Tensor.randn([1001], { seed: 5 });
    const [a, b] = [await there.toArray(), await here.toArray()];
    for (let n = 0; n < a.length; ++n) expect(Math.abs(a[n]! - b[n]!)).toBeLessThanOrEqual(2 ** -20);
  });
});
