import { describe, expectInteger, expectOptions } from './checks/options.js';
import { expectDevice, type Device } from './device.js';
import { AttentionError, guarded, invalidRange, invalidType } from './errors.js';
import type { EventHandle, StreamHandle } from './native-module.js';
import { native } from './native.js';
import { waitFor, type WaitOptions } from './waiting.js';

/** Options of a new {@link Stream}. */
export interface StreamOptions {
  /** Jobs that may wait; queueing one more throws `ERR_QUEUE_FULL`. Default 65536. */
  queueDepth?: number;
}

const streamNames: ReadonlySet<string> = new Set<keyof StreamOptions>(['queueDepth']);
const defaultQueueDepth = 65536;
/** Asks the constructor for the stream that native code reads tensors on that no stream has written. */
const asDefault: StreamOptions = Object.freeze({});
/** Lets this module make events, and nobody else. */
const own = Symbol('event');

/** @internal */
export let isStream: (value: unknown) => value is Stream;
/** @internal The native stream; throws ERR_STREAM_CLOSED. */
export let streamHandle: (stream: Stream) => StreamHandle;
let adoptEvent: (handle: EventHandle, device: Device) => Event;
let eventHandle: (event: Event) => EventHandle;
let isEvent: (value: unknown) => value is Event;

/**
 * An ordered queue of work on one device. Calls queue and return; the stream runs them one after the other. Work on two
 * streams is unordered unless an {@link Event} joins them.
 */
export class Stream implements Disposable, AsyncDisposable {
  readonly #handle: StreamHandle;
  readonly #device: Device;
  #closed = false;

  static {
    isStream = (value): value is Stream => typeof value === 'object' && value !== null && #handle in value;
    streamHandle = (stream) => stream.#openHandle();
  }

  /**
   * @param device Where the work runs. Default `'cpu'`.
   * @throws {RangeError} `ERR_DEVICE`, `ERR_ARGUMENT_VALUE`. {@link AttentionError} `ERR_CUDA_UNAVAILABLE`, `ERR_OPTION`.
   */
  constructor(device: Device = 'cpu', options: StreamOptions = {}) {
    expectOptions('Stream', options, streamNames);
    this.#device = expectDevice('device', device);
    const { queueDepth = defaultQueueDepth } = options;
    expectInteger('queueDepth', queueDepth, 1);
    this.#handle = guarded(() =>
      options === asDefault ? native.defaultStream(this.#device) : native.streamCreate(this.#device, queueDepth),
    );
  }

  /** Where the work runs. */
  get device(): Device {
    return this.#device;
  }

  /** Whether {@link close} has been called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Waits until everything queued so far is done.
   *
   * @throws The first failure of work on this stream since the last call, or `signal.reason`.
   * @throws {AttentionError} `ERR_STREAM_CLOSED`: the stream is closed, or was closed before the work was done.
   */
  synchronize(options?: WaitOptions): Promise<void> {
    return waitFor('synchronize', options, () => native.streamSynchronize(this.#openHandle()));
  }

  /** Marks this point in the stream's order. */
  record(): Event {
    return adoptEvent(
      guarded(() => native.streamRecord(this.#openHandle())),
      this.#device,
    );
  }

  /** Work queued on this stream from now on starts after `event` has been reached. */
  wait(event: Event): void {
    expectEvent('event', event);
    guarded(() => native.streamWait(this.#openHandle(), eventHandle(event)));
  }

  /**
   * Stops running work at its next tile and drops what is queued; whoever waits for either gets `ERR_STREAM_CLOSED`.
   * Idempotent. To let the work finish, `await stream.synchronize()` first, or use `await using`.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    guarded(() => native.streamClose(this.#handle));
  }

  /** The same as {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits for the queued work, then closes. Rejects with the first failure of the work, having closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    try {
      await this.synchronize();
    } finally {
      this.close();
    }
  }

  #openHandle(): StreamHandle {
    if (this.#closed) throw new AttentionError('ERR_STREAM_CLOSED', 'the stream is closed');
    return this.#handle;
  }
}

/** A point in a stream's order: what {@link Stream.record} returns. */
export class Event {
  readonly #handle: EventHandle;
  readonly #device: Device;

  static {
    adoptEvent = (handle, device) => new Event(own, handle, device);
    isEvent = (value): value is Event => typeof value === 'object' && value !== null && #handle in value;
    eventHandle = (event) => event.#handle;
  }

  private constructor(key: typeof own, handle: EventHandle, device: Device) {
    if (key !== own) throw invalidType('ERR_ARGUMENT_TYPE', 'events are made by stream.record()');
    this.#handle = handle;
    this.#device = device;
  }

  /** Where the stream of the event runs. */
  get device(): Device {
    return this.#device;
  }

  /**
   * Milliseconds on the device from `start` to this event, once both have been reached; negative if `start` came later.
   *
   * @throws {RangeError} `ERR_DEVICE`: the events are of different devices.
   * @throws {AttentionError} `ERR_STREAM_CLOSED`: a stream was closed before it reached its event.
   */
  async elapsedSince(start: Event, options?: WaitOptions): Promise<number> {
    expectEvent('start', start);
    if (start.#device !== this.#device)
      throw invalidRange('ERR_DEVICE', `start must be an event of '${this.#device}', got one of '${start.#device}'`);
    const nanoseconds = await waitFor('elapsedSince', options, () => native.eventElapsed(start.#handle, this.#handle));
    return nanoseconds / 1e6;
  }
}

const defaultStreams = new Map<Device, Stream>();

/** @internal Where work on `device` goes that names no stream: one per device and thread, out of reach of close(). */
export function defaultStream(device: Device): Stream {
  let stream = defaultStreams.get(device);
  if (stream === undefined) {
    stream = new Stream(device, asDefault);
    defaultStreams.set(device, stream);
  }
  return stream;
}

function expectEvent(name: string, event: unknown): asserts event is Event {
  if (!isEvent(event)) throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be an Event, got ${describe(event)}`);
}
