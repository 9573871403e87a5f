import { describe } from '../../checks/options.js';
import type { DType } from '../../dtype.js';
import { AttentionError, invalidType } from '../../errors.js';
import { Tensor } from '../../tensor.js';
import type { CopyOptions } from '../../tensor-options.js';

/** Lets this module make snapshots, and nobody else. */
const own = Symbol('snapshot');

/** What a state held at some point. */
export interface Kept {
  /** int32 `[b, hB, 1 + keep]`: how many tokens there were, and those kept in ascending order. */
  readonly tokens: Tensor<'int32'>;
  /** float32 `[b, hB, keep]`. */
  readonly scores: Tensor<'float32'>;
}

/** @internal Takes over `kept`, of the state `owner`. */
export let makeSnapshot: (owner: object, length: number, kept: Kept) => DmaSnapshot;
/** @internal What `owner` held then. */
export let keptThen: (snapshot: DmaSnapshot, owner: object) => Kept;

/** @internal How many tokens there were; undefined where the snapshot has been disposed of. */
export let lengthThen: (snapshot: DmaSnapshot) => number | undefined;

/** A copy of a {@link DmaState} that it can return to, as often as wanted: {@link DmaState.snapshot}. */
export class DmaSnapshot implements Disposable {
  readonly #owner: object;
  readonly #length: number;
  readonly #kept: Kept;

  static {
    makeSnapshot = (owner, length, kept) => new DmaSnapshot(own, owner, length, kept);
    keptThen = (snapshot, owner) => {
      if (typeof snapshot !== 'object' || snapshot === null || !(#kept in snapshot))
        throw invalidType('ERR_ARGUMENT_TYPE', `snapshot must be one that snapshot() made, got ${describe(snapshot)}`);
      if (snapshot.#owner !== owner) throw new AttentionError('ERR_OPTION', 'snapshot is one of another state');
      if (snapshot.#kept.tokens.disposed) throw new AttentionError('ERR_DISPOSED', 'snapshot has been disposed of');
      return snapshot.#kept;
    };
    lengthThen = (snapshot) => (snapshot.#kept.tokens.disposed ? undefined : snapshot.#length);
  }

  private constructor(key: typeof own, owner: object, length: number, kept: Kept) {
    if (key !== own) throw invalidType('ERR_ARGUMENT_TYPE', 'snapshots are made by state.snapshot()');
    this.#owner = owner;
    this.#length = length;
    this.#kept = kept;
  }

  /** Tokens of each sequence at that point. */
  get length(): number {
    return this.#length;
  }

  /** Gives its memory up. Idempotent. */
  dispose(): void {
    disposeKept(this.#kept);
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Both tensors as `make` gives them; where the second fails, the first is given up. */
export function makeKept(tokens: () => Tensor<'int32'>, scores: () => Tensor<'float32'>): Kept {
  const first = tokens();
  try {
    return { tokens: first, scores: scores() };
  } catch (error) {
    first.dispose();
    throw error;
  }
}

/** Queues a copy. */
export function copyKept({ tokens, scores }: Kept, options: CopyOptions): Kept {
  return makeKept(
    () => copyOf(tokens, options),
    () => copyOf(scores, options),
  );
}

function copyOf<D extends DType>(from: Tensor<D>, options: CopyOptions): Tensor<D> {
  const to = Tensor.empty(from.shape, { dtype: from.dtype, device: from.device });
  try {
    return to.copyFrom(from, options);
  } catch (error) {
    to.dispose();
    throw error;
  }
}

/** The same tensors, by views of their own. */
export function sharedKept({ tokens, scores }: Kept): Kept {
  return makeKept(
    () => tokens.reshape(tokens.shape),
    () => scores.reshape(scores.shape),
  );
}

export function disposeKept({ tokens, scores }: Kept): void {
  tokens.dispose();
  scores.dispose();
}
