/** Streams, events, failures and memory of a GPU, as a server meets them. */

import { attention, devices, explain, memoryUsage, rope, Stream, supports, Tensor } from '../../lib/index.js';
import { expectFailure } from '../support/expect-error.js';
import { gpus } from '../support/gpus.js';

describe.each(gpus)('work, %s', (device) => {
  const zeros = () => Tensor.zeros([1, 2, 2, 8], { device });
  const badMap = () => ({ headMap: { k: Tensor.from(Int32Array.of(0, 7), [2], { device }) } });

  test('streams run their work in order, and one another by events', async () => {
    using first = new Stream(device);
    using second = new Stream(device);
    using cpu = new Stream();
    using tensor = Tensor.zeros([3], { device, stream: first });
    for (let n = 1; n <= 20; ++n) tensor.copyFrom(Tensor.full([3], n, { device, stream: first }), { stream: first });
    second.wait(first.record());
    using copy = tensor.to({ stream: second });
    expect(Array.from(await copy.toArray())).toEqual([20, 20, 20]);
    cpu.wait(second.record());
    first.wait(cpu.record());
    await first.synchronize();
  });

  test('events tell the time between them', async () => {
    using stream = new Stream(device);
    const start = stream.record();
    using tensor = Tensor.randn([64], { device, stream, seed: 1 });
    expect(await stream.record().elapsedSince(start)).toBeGreaterThan(0);
    expect(tensor.device).toBe(device);
  });

  test('indices that point outside are told to the reader, to the stream once, and to what follows', async () => {
    using stream = new Stream(device);
    const x = zeros();
    const text = 'headMap.k[1] is 7, expected 0 to 1';
    const bad = attention(x, x, x, { ...badMap(), stream });
    const after = rope(bad, { stream });
    await expectFailure(() => bad.toArray(), 'ERR_INDEX', text);
    await expectFailure(() => after.toArray(), 'ERR_INDEX', text);
    await expectFailure(() => after.to({ device: 'cpu' }).toArray(), 'ERR_INDEX', text);
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', text);
    await stream.synchronize();
    bad.copyFrom(x, { stream });
    expect((await bad.toArray()).every((value) => value === 0)).toBe(true);
  });

  test('a bad part of a tensor leaves the others good, and is good once it is written again', async () => {
    using stream = new Stream(device);
    const x = Tensor.full([1, 2, 2, 8], 3, { device, stream });
    using cache = Tensor.zeros([4, 2, 2, 8], { device, stream });
    const slot = (n: number) => cache.slice([[n, n + 1]]);
    const text = 'headMap.k[1] is 7';
    attention(x, x, x, { ...badMap(), out: slot(1), stream });
    attention(x, x, x, { out: slot(2), stream });
    await expectFailure(() => slot(1).toArray(), 'ERR_INDEX', text);
    await expectFailure(() => cache.toArray(), 'ERR_INDEX', text);
    expect((await slot(0).toArray()).every((value) => value === 0)).toBe(true);
    expect((await slot(2).toArray()).every((value) => value === 3)).toBe(true);
    // Between the heads of a slot there are others: written again, it may still be bad.
    const firstHead = [null, null, [0, 1]] as const;
    slot(1).slice(firstHead).copyFrom(x.slice(firstHead), { stream });
    await expectFailure(() => slot(1).toArray(), 'ERR_INDEX', text);
    slot(1).copyFrom(x, { stream });
    expect((await cache.toArray()).filter((value) => value === 3)).toHaveLength(64);
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', text);
  });

  test('a read tells of the work before it, whatever is queued after it', async () => {
    using stream = new Stream(device);
    const x = Tensor.full([1, 2, 2, 8], 3, { device, stream });
    const bad = attention(x, x, x, { ...badMap(), stream });
    const ofBad = expectFailure(() => bad.toArray(), 'ERR_INDEX', 'headMap.k[1] is 7');
    bad.copyFrom(x, { stream });
    const ofGood = bad.toArray();
    attention(x, x, x, { ...badMap(), out: bad, stream });
    await ofBad;
    expect((await ofGood).every((value) => value === 3)).toBe(true);
    await expectFailure(() => bad.toArray(), 'ERR_INDEX', 'headMap.k[1] is 7');
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', 'headMap.k[1] is 7');
  });

  test('revoked work of the CPU is no failure of the stream that its data come to', async () => {
    using cpu = new Stream();
    using stream = new Stream(device);
    const controller = new AbortController();
    using gate = Tensor.randn([1, 512, 4, 64], { seed: 1, stream: cpu });
    attention(gate, gate, gate, { stream: cpu });
    using revoked = Tensor.full([70_000], 1, { stream: cpu, signal: controller.signal });
    controller.abort();
    using there = revoked.to({ device, stream });
    await expectFailure(() => there.toArray(), 'ERR_ABORTED', 'fill');
    await stream.synchronize();
  });

  test('a failure of the CPU comes along with its data', async () => {
    using cpu = new Stream();
    using stream = new Stream(device);
    const x = Tensor.zeros([1, 2, 2, 8]);
    const bad = attention(x, x, x, { headMap: { k: Tensor.from(Int32Array.of(0, 7)) }, stream: cpu });
    using there = bad.to({ device, stream });
    await expectFailure(() => there.toArray(), 'ERR_INDEX', 'headMap.k[1] is 7');
    await expectFailure(() => cpu.synchronize(), 'ERR_INDEX', 'headMap.k[1] is 7');
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', 'headMap.k[1] is 7');
  });

  test('closing a stream ends the wait of its readers, not its work', async () => {
    const stream = new Stream(device);
    using tensor = Tensor.full([4], 7, { device, stream });
    const reading = tensor.toArray().then(
      () => 'read',
      (error: unknown) => (error as { code: string }).code,
    );
    stream.close();
    expect(['read', 'ERR_STREAM_CLOSED']).toContain(await reading);
    await expectFailure(() => Tensor.zeros([1], { device, stream }), 'ERR_STREAM_CLOSED', 'stream is closed');
    expect(Array.from(await tensor.toArray())).toEqual([7, 7, 7, 7]);
  });

  test('a full queue refuses further work and loses nothing', async () => {
    using stream = new Stream(device, { queueDepth: 1 });
    using gate = new Stream();
    const x = Tensor.randn([1, 1024, 8, 64], { seed: 1, stream: gate });
    attention(x, x, x, { stream: gate });
    stream.wait(gate.record());
    using tensor = Tensor.zeros([2], { device, stream });
    using second = Tensor.full([2], 1, { device, stream });
    await expectFailure(() => Tensor.zeros([2], { device, stream }), 'ERR_QUEUE_FULL', 'queue is full');
    await stream.synchronize();
    expect(Array.from(await second.toArray())).toEqual([1, 1]);
    expect(Array.from(await tensor.toArray())).toEqual([0, 0]);
  });

  test('disposing while work is in flight is safe', async () => {
    const x = Tensor.randn([1, 16, 2, 16], { seed: 1, device });
    const out = attention(x, x, x, { causal: true });
    x.dispose();
    const reading = out.toArray();
    out.dispose();
    expect((await reading).every(Number.isFinite)).toBe(true);
  });

  test('memory that can never be had is refused with the sizes, and nothing is kept', async () => {
    const used = () => memoryUsage().find((each) => each.device === device)!;
    const before = used();
    const huge = () => Tensor.empty([2 ** 40], { device });
    await expectFailure(huge, 'ERR_OUT_OF_MEMORY', /no room for 4398046511104 bytes: it has \d+ in all/);
    expect(used()).toEqual(before);
  });

  test('an aborted signal revokes what is not queued yet', () => {
    const reason = new Error('not wanted');
    const signal = AbortSignal.abort(reason);
    expect(() => Tensor.zeros([2], { device, signal })).toThrow(reason);
  });

  test('questions are answered for it', async () => {
    expect(devices().find(({ name }) => name === device)).toMatchObject({
      threads: 0,
      path: expect.stringMatching(/^(?:sm|compute)_/) as string,
    });
    const request = { op: 'attention', device, b: 1, sQ: 64, sKv: 64, hQ: 4, hKv: 2, d: 64 } as const;
    expect(supports({ ...request, dtype: 'bfloat16' })).toBe(true);
    const halves = await explain({ ...request, dtype: 'bfloat16', causal: true });
    expect(halves).toMatchObject({ supported: true, path: 'mma16', kernel: 'attention_mma16_bf16_d64' });
    expect(halves.timeBound.seconds).toBeGreaterThan(0);
    const floats = await explain({ ...request, dtype: 'float32' });
    expect(floats).toMatchObject({
      kernel: 'attention_simple_f32',
      note: expect.stringContaining('float32') as string,
    });
    const wide = await explain({ ...request, dtype: 'float16', d: 320 });
    expect(wide).toMatchObject({ path: 'simple', note: expect.stringContaining('head dims') as string });
    const odd = await explain({ ...request, dtype: 'float16', d: 20 });
    expect(odd).toMatchObject({ path: 'simple', note: expect.stringContaining('multiples of 8') as string });
    expect(supports({ ...request, dtype: 'float16', sKv: 2 ** 30 })).toBe(false);
  });

  test.each([
    ['compressed_conv_mma16_bf16_d128', { dtype: 'bfloat16' }],
    ['compressed_conv_mma16_bf16_d128', { dtype: 'bfloat16', hQ: 4, hKv: 4 }],
    ['compressed_conv_simple_f32', {}],
    ['compressed_conv_simple_bf16', { dtype: 'bfloat16', s: 16 }],
    ['compressed_conv_simple_f16', { dtype: 'float16', d: 20 }],
  ] as const)('a prologue on %s moves at most 1.3 times of what is compulsory: %j', async (kernel, more) => {
    const request = { op: 'compressedConvAttention', device, b: 1, s: 4096, hQ: 8, hKv: 2, d: 128 } as const;
    const { prologue } = await explain({ ...request, ...more });
    expect(prologue!.kernel).toBe(kernel);
    expect(prologue!.bytesMoved).toBeGreaterThan(prologue!.bytes);
    expect(prologue!.bytesMoved).toBeLessThan(1.3 * prologue!.bytes);
  });
});

test('there is no other device', async () => {
  await expectFailure(() => Tensor.zeros([1], { device: 'emulated:7' }), 'ERR_DEVICE', 'device must be');
});
