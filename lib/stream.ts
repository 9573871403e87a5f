import { describe, expectInteger, readOptions } from './checks/options.js';
import { expectDevice, type Device } from './device.js';
import { AttentionError, guarded, invalidRange, invalidType } from './errors.js';
import { adoptEvent, eventHandle, expectEvent, type Event } from './event.js';
import type { StreamHandle } from './native-module.js';
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
/** @internal */
export let isStream: (value: unknown) => value is Stream;
/** @internal The native stream; throws ERR_STREAM_CLOSED. */
export let streamHandle: (stream: Stream) => StreamHandle;

/**
 * An ordered queue of work on one device. Calls queue and return; the stream runs them one after the other. Work on two
 * streams is unordered unless an {@link Event} joins them.
 */
export class Stream implements Disposable, AsyncDisposable {
  readonly #handle: StreamHandle;
  readonly #device: Device;
  readonly #isDefault: boolean;
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
    const { queueDepth = defaultQueueDepth } = readOptions('Stream', options, streamNames);
    this.#device = expectDevice('device', device);
    expectInteger('queueDepth', queueDepth, 1);
    this.#isDefault = options === asDefault;
    this.#handle = guarded(() =>
      this.#isDefault ? native.defaultStream(this.#device) : native.streamCreate(this.#device, queueDepth),
    );
  }

  /**
   * Where work on `device` goes that names no stream. There is one per device and thread, it takes any number of jobs
   * that memory holds, and it cannot be closed.
   *
   * @throws {RangeError} `ERR_DEVICE`. {@link AttentionError} `ERR_CUDA_UNAVAILABLE`.
   */
  static default(device: Device = 'cpu'): Stream {
    return defaultStream(expectDevice('device', device));
  }

  /** Where the work runs. */
  get device(): Device {
    return checked(this).#device;
  }

  /** Whether {@link close} has been called. */
  get closed(): boolean {
    return checked(this).#closed;
  }

  /**
   * Waits until everything queued so far is done.
   *
   * @throws The first failure of work on this stream since the last call, or `signal.reason`. That work was aborted is
   *   no failure: whoever did it knows.
   * @throws {AttentionError} `ERR_STREAM_CLOSED`: the stream is closed, or was closed before the work was done.
   */
  async synchronize(options?: WaitOptions): Promise<void> {
    checked(this);
    return waitFor('synchronize', options, () => native.streamSynchronize(this.#openHandle()));
  }

  /** Marks this point in the stream's order. */
  record(): Event {
    return adoptEvent(
      guarded(() => native.streamRecord(checked(this).#openHandle())),
      this.#device,
    );
  }

  /** Work queued on this stream from now on starts after `event` has been reached. */
  wait(event: Event): void {
    expectEvent('event', event);
    guarded(() => native.streamWait(checked(this).#openHandle(), eventHandle(event)));
  }

  /**
   * Stops running work at its next tile and drops what is queued; whoever waits for either gets `ERR_STREAM_CLOSED`.
   * Idempotent. To let the work finish, `await stream.synchronize()` first, or use `await using`.
   *
   * @throws {AttentionError} `ERR_OPTION`: a default stream, which the whole thread shares, cannot be closed.
   */
  close(): void {
    if (checked(this).#closed) return;
    this.#expectOwn();
    this.#closed = true;
    guarded(() => native.streamClose(this.#handle));
  }

  /** The same as {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Waits for the queued work, then closes. Rejects with the first failure of the work, having closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (checked(this).#closed) return;
    this.#expectOwn();
    try {
      await this.synchronize();
    } finally {
      this.close();
    }
  }

  #expectOwn(): void {
    if (this.#isDefault)
      throw new AttentionError(
        'ERR_OPTION',
        `the default stream of '${this.#device}' cannot be closed: make one with new Stream()`,
      );
  }

  #openHandle(): StreamHandle {
    if (this.#closed) throw new AttentionError('ERR_STREAM_CLOSED', 'the stream is closed');
    return this.#handle;
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

/** @internal The stream for work on `device`: open, and of that device. Absent: the device's default. */
export function expectStream(stream: Stream | undefined, device: Device): Stream {
  if (stream === undefined) return defaultStream(device);
  if (!isStream(stream)) throw invalidType('ERR_NOT_A_STREAM', `stream must be a Stream, got ${describe(stream)}`);
  if (stream.closed) throw new AttentionError('ERR_STREAM_CLOSED', 'stream is closed');
  if (stream.device !== device)
    throw invalidRange('ERR_DEVICE', `stream must be of device '${device}', got one of '${stream.device}'`);
  return stream;
}

/** The receiver of a public member: methods can be called on anything. */
function checked(receiver: Stream): Stream {
  if (!isStream(receiver))
    throw invalidType('ERR_NOT_A_STREAM', `a member of Stream was used on what is no Stream: ${describe(receiver)}`);
  return receiver;
}
