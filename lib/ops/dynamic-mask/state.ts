import { describe, expectInteger, readOptions } from '../../checks/options.js';
import { expectOperand, expectTensor, wrongShape } from '../../checks/tensors.js';
import { expectDevice, type Device } from '../../device.js';
import { AttentionError, guarded, invalidType } from '../../errors.js';
import { native } from '../../native.js';
import { abortFlag } from '../../signals.js';
import { expectStream, streamHandle, type Stream } from '../../stream.js';
import { Tensor, tensorHandle } from '../../tensor.js';

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
const defaultKeep = 2048;
const most = 2 ** 31 - 1;

/** What a state held at some point. */
interface Kept {
  /** int32 `[b, hB, 1 + keep]`: how many tokens there were, and those kept in ascending order. */
  readonly tokens: Tensor<'int32'>;
  /** float32 `[b, hB, keep]`. */
  readonly scores: Tensor<'float32'>;
}

/** @internal What the state of a call holds. */
export let keptOf: (state: DmaState) => Kept;
/** @internal */
export let isDmaState: (value: unknown) => value is DmaState;
let madeBy: (snapshot: DmaSnapshot) => { readonly state: DmaState; readonly length: number; readonly kept: Kept };
let snapshotOf: (state: DmaState, length: number, kept: Kept) => DmaSnapshot;

/** A copy of a {@link DmaState} that it can return to, as often as wanted. */
export class DmaSnapshot implements Disposable {
  readonly #state: DmaState;
  readonly #kept: Kept;
  /** Tokens of each sequence at that point. */
  readonly length: number;

  static {
    madeBy = (snapshot) => ({ state: snapshot.#state, length: snapshot.length, kept: snapshot.#kept });
    snapshotOf = (state, length, kept) => new DmaSnapshot(state, length, kept);
  }

  private constructor(state: DmaState, length: number, kept: Kept) {
    this.#state = state;
    this.length = length;
    this.#kept = kept;
  }

  /** Gives its memory up. Idempotent. */
  dispose(): void {
    this.#kept.tokens.dispose();
    this.#kept.scores.dispose();
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Which keys dynamic-mask attention keeps while tokens come one by one: the `keep` best so far of each sequence and
 * score head. One more token adds one and pushes out at most one, and `dynamicMaskAttention(q, k, v, { state })` gathers
 * those kept, so that a step costs the same after any number of tokens.
 *
 * A key that has been pushed out never returns; a cache may drop it where nothing is ever rolled back.
 */
export class DmaState implements Disposable {
  readonly #kept: Kept;
  readonly #device: Device;
  #length = 0;

  static {
    isDmaState = (value): value is DmaState => typeof value === 'object' && value !== null && #kept in value;
    keptOf = (state) => state.#kept;
  }

  /** @throws {RangeError} `ERR_ARGUMENT_VALUE`, `ERR_DEVICE`. {@link AttentionError} `ERR_OPTION`, `ERR_OUT_OF_MEMORY`. */
  constructor(options: DmaStateOptions) {
    const { b = 1, hB, keep = defaultKeep, device = 'cpu' } = readOptions('DmaState', options, stateNames);
    expectInteger('b', b, 0, most);
    expectInteger('hB', hB, 1, most);
    expectInteger('keep', keep, 1, most - 1);
    this.#device = expectDevice('device', device);
    this.#kept = {
      tokens: Tensor.zeros([b, hB, 1 + keep], { dtype: 'int32', device }),
      scores: Tensor.zeros([b, hB, keep], { device }),
    };
  }

  /** Tokens of each sequence so far. */
  get length(): number {
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

  /** Queues a copy of what is kept now. */
  snapshot(options: DmaStateCallOptions = {}): DmaSnapshot {
    const { stream } = this.#read('snapshot', options);
    const [tokens, scores] = [
      Tensor.empty(this.#kept.tokens.shape, this.#kept.tokens),
      Tensor.empty(this.#kept.scores.shape, this.#kept.scores),
    ];
    copy(this.#kept, { tokens, scores }, stream, options);
    return snapshotOf(this, this.#length, { tokens, scores });
  }

  /** Queues the return to a snapshot of this state, which forgets the tokens since. @returns This state. */
  rollback(snapshot: DmaSnapshot, options: DmaStateCallOptions = {}): this {
    const { stream } = this.#read('rollback', options);
    if (!(snapshot instanceof DmaSnapshot))
      throw invalidType('ERR_ARGUMENT_TYPE', `snapshot must be one that snapshot() made, got ${describe(snapshot)}`);
    const { state, length, kept } = madeBy(snapshot);
    if (state !== this) throw new AttentionError('ERR_OPTION', 'snapshot is one of another state');
    copy(kept, this.#kept, stream, options);
    this.#length = length;
    return this;
  }

  /** Gives its memory up; queued work still has it. Idempotent. */
  dispose(): void {
    this.#kept.tokens.dispose();
    this.#kept.scores.dispose();
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #read(what: string, options: DmaStateCallOptions) {
    const { stream, signal } = readOptions(what, options, callNames);
    if (this.#kept.tokens.disposed) throw new AttentionError('ERR_DISPOSED', 'the state has been disposed of');
    return { stream: expectStream(stream, this.#device), abort: abortFlag(signal) };
  }
}

function copy(from: Kept, to: Kept, stream: Stream, { signal }: DmaStateCallOptions): void {
  const options = { stream, ...(signal && { signal }) };
  to.tokens.copyFrom(from.tokens, options);
  to.scores.copyFrom(from.scores, options);
}
