import { expectInteger } from '../../checks/options.js';
import type { Device } from '../../device.js';
import type { FloatDType } from '../../dtype.js';
import { invalidType } from '../../errors.js';
import type { Stream } from '../../stream.js';
import type { Tensor } from '../../tensor.js';
import { SnapshotList } from '../snapshot-list.js';
import { TokenBuffers } from '../token-buffers.js';
import { lengthThen, type DmaSnapshot } from './snapshot.js';
import { DmaState, returnTo, type DmaStateCallOptions } from './state.js';

/** Lets layers make caches, and nobody else. */
const own = Symbol('cache');

/** What a layer says about the cache that it makes. */
export interface DmaCacheSizes {
  readonly b: number;
  readonly capacity: number;
  readonly hKv: number;
  readonly d: number;
  readonly dV: number;
  readonly hB: number;
  /** Default: that of {@link DmaState}. */
  readonly keep?: number;
  readonly dtype: FloatDType;
  readonly device: Device;
}

/** Keys `[b, tokens, hKv, d]`, values `[b, tokens, hKv, dV]`, scores `[b, hB, tokens]`: views that the caller disposes of. */
export interface CachedTokens {
  readonly k: Tensor;
  readonly v: Tensor;
  readonly scores: Tensor;
}

/** @internal */
export let makeCache: (sizes: DmaCacheSizes) => DmaCache;
/** @internal Which keys are kept. */
export let stateOf: (cache: DmaCache) => DmaState;
/** @internal How many sequences there are. */
export let sequencesOf: (cache: DmaCache) => number;
/** @internal Room for the next `count` tokens. */
export let roomIn: (cache: DmaCache, count: number, stream: Stream) => CachedTokens;
/** @internal The first `length` tokens. */
export let tokensOf: (cache: DmaCache, length: number) => CachedTokens;

/**
 * What a {@link DynamicMaskAttention} layer keeps of sequences that grow together: keys, values, scores of keys, and which
 * keys the next query keeps.
 */
export class DmaCache implements Disposable {
  readonly #b: number;
  readonly #state: DmaState;
  readonly #buffers: TokenBuffers;
  readonly #snapshots = new SnapshotList<DmaSnapshot>(lengthThen);

  static {
    makeCache = (sizes) => new DmaCache(own, sizes);
    stateOf = (cache) => cache.#state;
    sequencesOf = (cache) => cache.#b;
    roomIn = (cache, count, stream) => {
      const { length } = cache;
      return named(cache.#buffers.write(length, length + count, stream, cache.#snapshots.lengths()));
    };
    tokensOf = (cache, length) => named(cache.#buffers.read(length));
  }

  private constructor(key: typeof own, sizes: DmaCacheSizes) {
    if (key !== own) throw invalidType('ERR_ARGUMENT_TYPE', 'caches are made by layer.state()');
    const { b, capacity, hKv, d, dV, hB, keep, dtype, device } = sizes;
    expectInteger('b', b, 1);
    expectInteger('capacity', capacity, 1);
    this.#b = b;
    const heads = { dtype, order: [1, 0, 2, 3] };
    const rows = [
      { ...heads, shape: [b, hKv, d] },
      { ...heads, shape: [b, hKv, dV] },
      { shape: [b, hB], dtype: 'float32' as const, order: [1, 2, 0] },
    ];
    this.#buffers = new TokenBuffers(rows, capacity, device);
    try {
      this.#state = new DmaState({ b, hB, device, ...(keep !== undefined && { keep }) });
    } catch (error) {
      this.#buffers.dispose();
      throw error;
    }
  }

  /** Tokens of each sequence so far. */
  get length(): number {
    return this.#state.length;
  }

  /**
   * Queues a copy of which keys are kept now, to come back to. Keys, values and scores stay where they are.
   *
   * @throws As {@link DmaState.snapshot}.
   */
  snapshot(options: DmaStateCallOptions = {}): DmaSnapshot {
    return this.#snapshots.add(this.#state.snapshot(options));
  }

  /**
   * Takes back what was appended since `snapshot`, which can be used again. Later snapshots are disposed of.
   *
   * @throws As {@link DmaState.rollback}; then the cache is as before.
   */
  rollback(snapshot: DmaSnapshot, options: DmaStateCallOptions = {}): void {
    this.#state.rollback(snapshot, options);
    this.#snapshots.endAfter(snapshot.length);
  }

  /** Gives up the cache and its snapshots; queued work still has it. Idempotent. */
  dispose(): void {
    this.#state.dispose();
    this.#buffers.dispose();
    this.#snapshots.endAfter(-1);
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** @internal Calls `append`; where it throws, which keys are kept is as before, without a copy that could fail as well. */
export function unlessItFails<Result>(cache: DmaCache, stream: Stream, append: () => Result): Result {
  const state = stateOf(cache);
  using before = state.snapshot({ stream });
  try {
    return append();
  } catch (error) {
    returnTo(state, before);
    throw error;
  }
}

function named(views: Tensor[]): CachedTokens {
  const [k, v, scores] = views as [Tensor, Tensor, Tensor];
  return { k, v, scores };
}

/** Options of a state that a layer makes. */
export interface DmaCacheOptions {
  /** Sequences, which grow together. Default 1. */
  b?: number;
  /** Tokens to make room for at first. Default 256; the buffers grow. */
  capacity?: number;
}

export const cacheNames: ReadonlySet<string> = new Set<keyof DmaCacheOptions>(['b', 'capacity']);
