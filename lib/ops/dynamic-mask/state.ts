import { expectInteger, readOptions } from '../../checks/options.js';
import { expectOperand, expectTensor, wrongShape } from '../../checks/tensors.js';
import { expectDevice, type Device } from '../../device.js';
import { AttentionError, guarded } from '../../errors.js';
import { native } from '../../native.js';
import { abortFlag } from '../../signals.js';
import { expectStream, streamHandle, type Stream } from '../../stream.js';
import { Tensor, tensorHandle } from '../../tensor.js';
import type { CopyOptions } from '../../tensor-options.js';
import { defaultKeep } from './intervals.js';
import {
  copyKept,
  disposeKept,
  keptThen,
  makeKept,
  makeSnapshot,
  sharedKept,
  type DmaSnapshot,
  type Kept,
} from './snapshot.js';

/** Options of a new {@link DmaState}. */
export interface DmaStateOptions {
  /** Sequences. Default 1. */
  b?: number;
  /** Score heads. */
  hB: number;
  /** How many keys a query keeps. Default 2048. */
  keep?: number;
  /** Default `'cpu'`. */
  device?: Device;
}

/** Where a call of a {@link DmaState} is queued. */
export interface DmaStateCallOptions {
  /** Default: the default stream of the state's device. */
  stream?: Stream;
  /** Revokes the work. What it was to change then holds anything, until the state is rolled back. */
  signal?: AbortSignal;
}

const stateNames: ReadonlySet<string> = new Set<keyof DmaStateOptions>(['b', 'hB', 'keep', 'device']);
const callNames: ReadonlySet<string> = new Set<keyof DmaStateCallOptions>(['stream', 'signal']);
const most = 2 ** 31 - 1;

/** @internal What the state of a call holds. */
export let keptOf: (state: DmaState) => Kept;
/** @internal Makes a snapshot, which must not be used again, what the state holds: at once, and without a copy. */
export let returnTo: (state: DmaState, snapshot: DmaSnapshot) => void;
/** @internal */
export let isDmaState: (value: unknown) => value is DmaState;

/**
 * Which keys dynamic-mask attention keeps while tokens come one by one: the `keep` best so far of each sequence and
 * score head. One more token adds one and pushes out at most one, and `dynamicMaskAttention(q, k, v, { state })` gathers
 * those kept, so that a step costs the same after any number of tokens.
 *
 * A key that has been pushed out never returns; a cache may drop it where nothing is ever rolled back.
 */
export class DmaState implements Disposable {
  #kept: Kept;
  readonly #device: Device;
  #length = 0;

  static {
    isDmaState = (value): value is DmaState => typeof value === 'object' && value !== null && #kept in value;
    keptOf = (state) => state.#kept;
    returnTo = (state, snapshot) => {
      const before = sharedKept(keptThen(snapshot, state));
      disposeKept(state.#kept);
      state.#kept = before;
      state.#length = snapshot.length;
    };
  }

  /** @throws {RangeError} `ERR_ARGUMENT_VALUE`, `ERR_DEVICE`. {@link AttentionError} `ERR_OPTION`, `ERR_OUT_OF_MEMORY`. */
  constructor(options: DmaStateOptions) {
    const { b = 1, hB, keep = defaultKeep, device = 'cpu' } = readOptions('DmaState', options, stateNames);
    expectInteger('b', b, 0, most);
    expectInteger('hB', hB, 1, most);
    expectInteger('keep', keep, 1, most - 1);
    this.#device = expectDevice('device', device);
    this.#kept = makeKept(
      () => Tensor.zeros([b, hB, 1 + keep], { dtype: 'int32', device }),
      () => Tensor.zeros([b, hB, keep], { device }),
    );
  }

  /** Tokens of each sequence so far. */
  get length(): number {
    this.#expectLive();
    return this.#length;
  }

  /**
   * Queues the next tokens: all of a prompt, or one.
   *
   * @param scores Their scores, float32 `[b, hB, n]`, as {@link dynamicMaskScores} makes them.
   * @returns This state.
   * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_DTYPE`. {@link RangeError} `ERR_SHAPE`, `ERR_DEVICE`. {@link AttentionError}
   *   `ERR_DISPOSED`, `ERR_OPTION`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`.
   */
  append(scores: Tensor, options: DmaStateCallOptions = {}): this {
    const { stream, abort } = this.#read('append', options);
    const [b, hB] = this.#kept.scores.shape as [number, number, number];
    expectTensor('scores', scores);
    const count = scores.shape[2];
    if (count === undefined) throw wrongShape('scores', scores, [b, hB, 'n']);
    expectOperand('scores', scores, 'float32', this.#device, [b, hB, count]);
    expectInteger('length', this.#length + count, 0, most);
    guarded(() =>
      native.dynamicMaskAppend(
        streamHandle(stream),
        tensorHandle(this.#kept.tokens),
        tensorHandle(this.#kept.scores),
        tensorHandle(scores),
        abort,
      ),
    );
    this.#length += count;
    return this;
  }

  /**
   * Queues a copy of what is kept now.
   *
   * @throws {AttentionError} `ERR_DISPOSED`: the state is gone. `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`.
   *   `signal.reason` where the signal has gone off already.
   */
  snapshot(options: DmaStateCallOptions = {}): DmaSnapshot {
    const { copying } = this.#read('snapshot', options);
    return makeSnapshot(this, this.#length, copyKept(this.#kept, copying));
  }

  /**
   * Queues the return to a snapshot of this state, which forgets the tokens since.
   *
   * @returns This state.
   * @throws {TypeError} `ERR_ARGUMENT_TYPE`. {@link AttentionError} `ERR_OPTION`: a snapshot of another state.
   *   `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`: then the state is as before.
   */
  rollback(snapshot: DmaSnapshot, options: DmaStateCallOptions = {}): this {
    const { copying } = this.#read('rollback', options);
    const now = copyKept(keptThen(snapshot, this), copying);
    disposeKept(this.#kept);
    this.#kept = now;
    this.#length = snapshot.length;
    return this;
  }

  /** Gives its memory up; queued work still has it. Idempotent. */
  dispose(): void {
    disposeKept(this.#kept);
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #read(what: string, options: DmaStateCallOptions) {
    const { stream: given, signal } = readOptions(what, options, callNames);
    this.#expectLive();
    const stream = expectStream(given, this.#device);
    const copying: CopyOptions = { stream, ...(signal !== undefined && { signal }) };
    return { stream, abort: abortFlag(signal), copying };
  }

  #expectLive(): void {
    if (this.#kept.tokens.disposed) throw new AttentionError('ERR_DISPOSED', 'the state has been disposed of');
  }
}
