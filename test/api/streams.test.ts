/** Streams and events: order, waiting, closing, errors that surface later, and signals that end a wait. */

import { attention, Event, Stream, Tensor } from '../../lib/index.js';
import { badCalls, expectErrorOf, expectFailure, wrong } from '../support/expect-error.js';

const closed = new Stream();
closed.close();

/** Work that takes tens of milliseconds at least. */
function longWork(stream: Stream): Tensor {
  const x = Tensor.randn([1, 2048, 8, 64], { seed: 1, stream });
  return attention(x, x, x, { stream });
}

/** Work that fails when it runs: a map that points behind the heads. */
function failingWork(stream: Stream): Tensor {
  const x = Tensor.zeros([1, 2, 2, 4], { stream });
  return attention(x, x, x, { headMap: { k: Tensor.from(Int32Array.of(0, 7)) }, stream });
}

badCalls('streams refuse', [
  ['an unknown device', () => new Stream('tpu'), 'ERR_DEVICE', "device must be 'cpu' or 'cuda:N', got 'tpu'"],
  ['a device that is no string', () => new Stream(wrong(1)), 'ERR_ARGUMENT_TYPE', 'device'],
  [
    'a queueDepth of 0',
    () => new Stream('cpu', { queueDepth: 0 }),
    'ERR_ARGUMENT_VALUE',
    'queueDepth must be an integer of at least 1',
  ],
  ['a misspelt option', () => new Stream('cpu', wrong({ depth: 1 })), 'ERR_OPTION', "Stream: unknown option 'depth'"],
]);

badCalls('a closed stream refuses', [
  ['work', () => Tensor.zeros([1], { stream: closed }), 'ERR_STREAM_CLOSED', 'stream is closed'],
  ['synchronize', () => closed.synchronize(), 'ERR_STREAM_CLOSED', 'the stream is closed'],
  ['record', () => closed.record(), 'ERR_STREAM_CLOSED', 'the stream is closed'],
  ['wait', () => closed.wait(new Stream().record()), 'ERR_STREAM_CLOSED', 'the stream is closed'],
]);

badCalls('events refuse', [
  [
    'to be made',
    () => new (Event as unknown as new () => Event)(),
    'ERR_ARGUMENT_TYPE',
    'events are made by stream.record()',
  ],
  ['a wait for no event', () => new Stream().wait(wrong({})), 'ERR_ARGUMENT_TYPE', 'event must be an Event'],
  [
    'a start that is no event',
    () => new Stream().record().elapsedSince(wrong(0)),
    'ERR_ARGUMENT_TYPE',
    'start must be an Event',
  ],
]);

describe('streams', () => {
  test('run their work in order', async () => {
    using stream = new Stream();
    const tensor = Tensor.empty([3]);
    for (let n = 1; n <= 50; ++n) tensor.copyFrom(Tensor.full([3], n, { stream }), { stream });
    expect(await tensor.toArray()).toEqual(Float32Array.of(50, 50, 50));
  });

  test('order a read before what is queued after it, also of a tensor that no work has written', async () => {
    const data = new Float32Array(1 << 23); // takes a while to read
    const one = Tensor.from([1]);
    for (let n = 0; n < 5; ++n) {
      using tensor = Tensor.from(data);
      const reading = tensor.toArray();
      tensor.slice([[data.length - 1, data.length]]).copyFrom(one);
      expect((await reading).at(-1)).toBe(0);
    }
  });

  test('say where they are', () => {
    using stream = new Stream('cpu');
    expect(stream).toMatchObject({ device: 'cpu', closed: false });
    expect(stream.record().device).toBe('cpu');
    stream.close();
    stream.close();
    expect(stream.closed).toBe(true);
  });

  test('wait for one another by events', async () => {
    using first = new Stream();
    using second = new Stream();
    const slow = longWork(first);
    const done = first.record();
    second.wait(done);
    const copy = slow.to({ stream: second });
    expect(await copy.toArray()).toEqual(await slow.toArray());
  });

  test('measure time between events', async () => {
    using stream = new Stream();
    const start = stream.record();
    longWork(stream);
    const end = stream.record();
    const milliseconds = await end.elapsedSince(start);
    expect(milliseconds).toBeGreaterThan(0);
    expect(await start.elapsedSince(end)).toBe(-milliseconds);
    expect(await end.elapsedSince(end)).toBe(0);
  });

  test('refuse more work than their queue holds', async () => {
    const stream = new Stream('cpu', { queueDepth: 2 });
    const tensor = Tensor.empty([1]);
    longWork(new Stream()); // something else to do for the threads
    await expectFailure(
      () => {
        for (let n = 0; n < 1e5; ++n) tensor.copyFrom(Tensor.zeros([1]), { stream });
      },
      'ERR_QUEUE_FULL',
      /2 jobs are waiting/,
    );
    await stream.synchronize();
    tensor.copyFrom(Tensor.full([1], 4), { stream }); // there is room again
    expect(await tensor.toArray()).toEqual(Float32Array.of(4));
  });

  test('that are closed drop their work, and whoever waits for it learns that', async () => {
    const stream = new Stream();
    longWork(stream);
    const dropped = longWork(stream);
    const waiting = stream.synchronize();
    const event = stream.record();
    stream.close();
    await expectFailure(() => waiting, 'ERR_STREAM_CLOSED', 'closed before');
    await expectFailure(() => dropped.toArray(), 'ERR_STREAM_CLOSED', 'attention');
    await expectFailure(() => event.elapsedSince(event), 'ERR_STREAM_CLOSED', 'closed before');
  });

  test('are closed by using, and waited for by await using', async () => {
    let [dropped, done]: (Stream | undefined)[] = [];
    {
      using stream = new Stream();
      dropped = stream;
    }
    const out = Tensor.empty([1, 2048, 8, 64]);
    {
      await using stream = new Stream();
      done = stream;
      out.copyFrom(longWork(stream), { stream });
    }
    expect([dropped.closed, done.closed]).toEqual([true, true]);
    expect((await out.toArray()).some(Number.isNaN)).toBe(false);
    await done[Symbol.asyncDispose](); // again: nothing to do
  });

  test('await using tells of failures, having closed', async () => {
    const stream = new Stream();
    failingWork(stream);
    await expectFailure(() => stream[Symbol.asyncDispose](), 'ERR_INDEX', 'attention');
    expect(stream.closed).toBe(true);
  });
});

describe('work that fails', () => {
  test('tells at synchronize, once', async () => {
    using stream = new Stream();
    failingWork(stream);
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', /^attention: headMap\.k\[1\] is 7/);
    await stream.synchronize();
  });

  test('tells when its output is read, and every time', async () => {
    using stream = new Stream();
    const out = failingWork(stream);
    for (let n = 0; n < 2; ++n) await expectFailure(() => out.toArray(), 'ERR_INDEX', /^attention: headMap\.k/);
    await expectFailure(() => out.toBits(), 'ERR_INDEX', /^attention/);
  });

  test('passes on to what is computed from it, and to nothing else', async () => {
    using stream = new Stream();
    const before = Tensor.full([1], 1, { stream });
    const out = failingWork(stream);
    const derived = attention(out, out, out, { stream });
    const after = Tensor.full([1], 2, { stream });
    await expectFailure(() => derived.toArray(), 'ERR_INDEX', /^attention: headMap/);
    expect(await before.toArray()).toEqual(Float32Array.of(1));
    expect(await after.toArray()).toEqual(Float32Array.of(2));
  });

  test('leaves a tensor usable that is written anew', async () => {
    using stream = new Stream();
    const out = failingWork(stream);
    out.copyFrom(Tensor.full(out.shape, 3), { stream });
    expect(new Set(await out.toArray())).toEqual(new Set([3]));
  });

  test('rejects with an error of this package, the native one as cause', async () => {
    using stream = new Stream();
    const error: unknown = await failingWork(stream)
      .toArray()
      .catch((reason: unknown) => reason);
    expectErrorOf(error, 'ERR_INDEX', 'attention');
    expect(error).toHaveProperty('cause.code', 'ERR_INDEX');
  });
});

describe('a signal', () => {
  const waits: [string, (stream: Stream, out: Tensor, options: { signal: AbortSignal }) => Promise<unknown>][] = [
    ['synchronize', (stream, _, options) => stream.synchronize(options)],
    ['toArray', (_, out, options) => out.toArray(options)],
    ['toBits', (_, out, options) => out.toBits(options)],
    ['elapsedSince', (stream, _, options) => stream.record().elapsedSince(stream.record(), options)],
  ];

  test.each(waits)('ends %s with its reason, and the work goes on', async (_, wait) => {
    using stream = new Stream();
    const out = longWork(stream);
    const controller = new AbortController();
    const waiting = wait(stream, out, { signal: controller.signal });
    const reason = new Error('changed my mind');
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect((await out.toArray()).length).toBe(out.size);
  });

  test.each(waits)('that has gone off already starts no %s', async (_, wait) => {
    using stream = new Stream();
    await expect(wait(stream, Tensor.zeros([1]), { signal: AbortSignal.abort('early') })).rejects.toBe('early');
  });

  test.each(waits)('that never goes off leaves no listener behind after %s', async (_, wait) => {
    using stream = new Stream();
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    await wait(stream, Tensor.zeros([1]), { signal });
    expect(add.mock.calls.length).toBeGreaterThan(0);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(add.mock.calls.map(([, listener]) => listener));
  });

  test.each(waits)('leaves failures of %s what they are', async (what, wait) => {
    if (what === 'elapsedSince') return; // events do not fail
    using stream = new Stream();
    const { signal } = new AbortController();
    const out = failingWork(stream);
    await expectFailure(() => wait(stream, out, { signal }), 'ERR_INDEX', 'attention');
  });

  test.each(waits)('of another kind is refused by %s', async (_, wait) => {
    using stream = new Stream();
    await expectFailure(() => wait(stream, Tensor.zeros([1]), { signal: wrong(true) }), 'ERR_ARGUMENT_TYPE', 'signal');
    await expectFailure(() => wait(stream, Tensor.zeros([1]), wrong({ sginal: 1 })), 'ERR_OPTION', "'sginal'");
  });
});
