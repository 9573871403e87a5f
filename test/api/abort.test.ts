/** Signals of calls that queue: what they revoke, when, who learns of it, and who does not. */

import { getEventListeners } from 'node:events';
import { attention, linear, mergeAttention, rmsNorm, rope, Stream, Tensor } from '../../lib/index.js';
import { badCalls, expectFailure, wrong } from '../support/expect-error.js';

interface Where {
  stream?: Stream;
  signal?: AbortSignal;
}

const x = Tensor.randn([1, 4, 2, 8], { seed: 1 });
const lse = Tensor.zeros([1, 2, 4]);
const weights = Tensor.randn([5, 8], { seed: 2 });
const aborted = /: its signal was aborted before this was done$/;

/** Everything that queues: name of the operation in messages, and a call. */
const calls: [says: string, name: string, call: (where: Where) => Tensor][] = [
  ['attention', 'attention', (where) => attention(x, x, x, where)],
  ['mergeAttention', 'mergeAttention', (where) => mergeAttention([{ out: x, lse }], where)],
  ['rope', 'rope', (where) => rope(x, where)],
  ['rmsNorm', 'rmsNorm', (where) => rmsNorm(x, where)],
  ['linear', 'linear', (where) => linear(x, weights, where)],
  ['to', 'copy', (where) => x.to({ dtype: 'float16', ...where })],
  ['copyFrom', 'copy', (where) => Tensor.empty(x.shape).copyFrom(x, where)],
  ['Tensor.from a tensor', 'copy', (where) => Tensor.from(x, [64], where)],
  ['zeros', 'fill', (where) => Tensor.zeros([4], where)],
  ['full', 'fill', (where) => Tensor.full([4], 2, where)],
  ['randn', 'randn', (where) => Tensor.randn([4], where)],
];

/** Work that would take minutes; a stream that is closed does not do it. */
function endlessWork(where: Where, out?: Tensor): Tensor {
  const q = Tensor.randn([1, 4096, 1, 128], { seed: 1 });
  const k = Tensor.randn([1, 1, 1, 128], { seed: 2 }).expand([1, 10_000_000, 1, 128]);
  return attention(q, k, k, { ...where, ...(out && { out }) });
}

/** A stream that does nothing until released. */
function heldStream(): { stream: Stream; release: () => void } {
  const holder = new Stream();
  endlessWork({ stream: holder });
  const stream = new Stream();
  stream.wait(holder.record());
  return { stream, release: () => holder.close() };
}

describe.each(calls)('a signal of %s', (_, name, call) => {
  test('that has gone off makes it throw the reason, with nothing queued', async () => {
    using stream = new Stream('cpu', { queueDepth: 1 });
    const reason = new Error('too late');
    for (let n = 0; n < 3; ++n) expect(() => call({ stream, signal: AbortSignal.abort(reason) })).toThrow(reason);
    await stream.synchronize();
  });

  test('drops it while it is queued, and is no failure of the stream', async () => {
    const { stream, release } = heldStream();
    const controller = new AbortController();
    const out = call({ stream, signal: controller.signal });
    const after = Tensor.full([2], 3, { stream });
    controller.abort();
    release();
    await stream.synchronize();
    await expectFailure(() => out.toArray(), 'ERR_ABORTED', aborted);
    await expectFailure(() => out.toBits(), 'ERR_ABORTED', `${name}: `);
    expect(await after.toArray()).toEqual(Float32Array.of(3, 3));
    stream.close();
  });

  test('that never goes off changes nothing', async () => {
    const { signal } = new AbortController();
    const out = call({ signal });
    if (name !== 'randn') expect(await out.toBits()).toEqual(await call({}).toBits());
    expect((await out.toArray()).length).toBe(out.size);
    expect(getEventListeners(signal, 'abort').length).toBe(1);
  });

  test('that goes off later leaves what is done', async () => {
    const controller = new AbortController();
    const out = call({ signal: controller.signal });
    const values = await out.toArray();
    controller.abort();
    expect(await out.toArray()).toEqual(values);
  });
});

badCalls('a signal must be one', [
  ...calls.map(
    ([says, , call]) =>
      [
        says,
        () => call({ signal: wrong('now') }),
        'ERR_ARGUMENT_TYPE',
        "signal must be an AbortSignal, got 'now'",
      ] as const,
  ),
  ['empty', () => Tensor.empty([1], { signal: wrong(1) }), 'ERR_ARGUMENT_TYPE', 'signal must be an AbortSignal, got 1'],
]);

describe('an abort', () => {
  test('stops running work', async () => {
    using stream = new Stream();
    const controller = new AbortController();
    const begins = stream.record();
    const out = endlessWork({ stream, signal: controller.signal });
    await begins.elapsedSince(begins);
    controller.abort();
    await expectFailure(() => out.toArray(), 'ERR_ABORTED', /^attention: its signal was aborted/);
    await stream.synchronize();
  });

  test('reaches what is computed from the output, on other streams too, and no failure is reported', async () => {
    const { stream, release } = heldStream();
    using other = new Stream();
    const controller = new AbortController();
    const out = rope(x, { stream, signal: controller.signal });
    const derived = attention(out, out, out, { stream });
    const elsewhere = derived.to({ dtype: 'float16', stream: other });
    controller.abort();
    release();
    for (const tensor of [derived, elsewhere]) await expectFailure(() => tensor.toArray(), 'ERR_ABORTED', /^rope: /);
    await Promise.all([stream.synchronize(), other.synchronize()]);
    stream.close();
  });

  test('hides no failure of others on the stream', async () => {
    const { stream, release } = heldStream();
    const controller = new AbortController();
    rope(x, { stream, signal: controller.signal });
    attention(x, x, x, { headMap: { k: Tensor.from(Int32Array.of(0, 7)) }, stream });
    controller.abort();
    release();
    await expectFailure(() => stream.synchronize(), 'ERR_INDEX', /^attention: headMap/);
    stream.close();
  });

  test("leaves the caller's out to be written again", async () => {
    const { stream, release } = heldStream();
    const controller = new AbortController();
    const out = Tensor.full(x.shape, 5);
    await out.toArray();
    attention(x, x, x, { out, stream, signal: controller.signal });
    controller.abort();
    release();
    await expectFailure(() => out.toArray(), 'ERR_ABORTED', /^attention: /);
    attention(x, x, x, { out, stream });
    expect(await out.toArray()).toEqual(await attention(x, x, x).toArray());
    stream.close();
  });

  test('spares what others write to the same storage', async () => {
    const { stream, release } = heldStream();
    const controller = new AbortController();
    const batch = Tensor.zeros([2, ...x.shape.slice(1)]);
    const [mine, theirs] = [batch.slice([[0, 1]]), batch.slice([[1, 2]])];
    rope(x, { out: mine, stream, signal: controller.signal });
    rope(x, { out: theirs, stream });
    controller.abort();
    release();
    expect(await theirs.toArray()).toEqual(await rope(x).toArray());
    for (const tensor of [mine, batch]) await expectFailure(() => tensor.toArray(), 'ERR_ABORTED', /^rope: /);
    mine.copyFrom(theirs, { stream });
    expect(await mine.toArray()).toEqual(await theirs.toArray());
    expect((await batch.toArray()).length).toBe(batch.size);
    stream.close();
  });

  test('revokes the calls of its signal on all streams, and no others', async () => {
    const [first, second] = [heldStream(), heldStream()];
    const [controller, bystander] = [new AbortController(), new AbortController()];
    const mine = [first, second].map(({ stream }) => rope(x, { stream, signal: controller.signal }));
    const theirs = [first, second].map(({ stream }) => rope(x, { stream, signal: bystander.signal }));
    controller.abort();
    for (const { release } of [first, second]) release();
    for (const out of mine) await expectFailure(() => out.toArray(), 'ERR_ABORTED', /^rope: /);
    const expected = await rope(x).toArray();
    for (const out of theirs) expect(await out.toArray()).toEqual(expected);
    for (const { stream } of [first, second]) stream.close();
  });

  test('ends a read with the reason where that has the signal too', async () => {
    const { stream, release } = heldStream();
    const controller = new AbortController();
    const { signal } = controller;
    const reading = rope(x, { stream, signal }).toArray({ signal });
    controller.abort('gone');
    await expect(reading).rejects.toBe('gone');
    release();
    stream.close();
  });

  test('counts for signals that follow others, and for those with a time limit', async () => {
    const { stream, release } = heldStream();
    const controller = new AbortController();
    const outs = [
      rope(x, { stream, signal: AbortSignal.any([controller.signal, new AbortController().signal]) }),
      rope(x, { stream, signal: AbortSignal.timeout(1) }),
    ];
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve, 20));
    release();
    for (const out of outs) await expectFailure(() => out.toArray(), 'ERR_ABORTED', /^rope: /);
    stream.close();
  });
});
