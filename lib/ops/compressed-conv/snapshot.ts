import { describe } from '../../checks/options.js';
import { invalidType } from '../../errors.js';
import type { Tensor } from '../../tensor.js';

/** Lets this module make snapshots, and nobody else. */
const own = Symbol('snapshot');

/** What later tokens see of those before them, besides their keys and values. */
export interface Past {
  readonly length: number;
  /** The last `k1 - 1 + k2 - 1` latents, `[b, …, C]`. */
  readonly history: Tensor | undefined;
  /** The last delayed values, `[b, hKv d / 2]`. */
  readonly delayed: Tensor | undefined;
}

/** @internal */
export let makeSnapshot: (past: Past) => CcaSnapshot;
/** @internal What it stands for; undefined where that is gone. */
export let pastOf: (snapshot: CcaSnapshot) => Past | undefined;

/** A point that a {@link CcaState} can be rolled back to: {@link CcaState.snapshot}. Holds no keys. */
export class CcaSnapshot implements Disposable {
  #past: Past | undefined;

  static {
    makeSnapshot = (past) => new CcaSnapshot(own, past);
    pastOf = (snapshot) => {
      if (typeof snapshot !== 'object' || snapshot === null || !(#past in snapshot))
        throw invalidType('ERR_ARGUMENT_TYPE', `snapshot must be a CcaSnapshot, got ${describe(snapshot)}`);
      return snapshot.#past;
    };
  }

  private constructor(key: typeof own, past: Past) {
    if (key !== own) throw invalidType('ERR_ARGUMENT_TYPE', 'snapshots are made by state.snapshot()');
    this.#past = past;
  }

  /** Gives it up. Idempotent. */
  dispose(): void {
    if (this.#past) disposePast(this.#past);
    this.#past = undefined;
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The same tensors, by views of their own. */
export function sharedPast({ length, history, delayed }: Past): Past {
  return { length, history: history?.reshape(history.shape), delayed: delayed?.reshape(delayed.shape) };
}

export function disposePast({ history, delayed }: Past): void {
  history?.dispose();
  delayed?.dispose();
}
