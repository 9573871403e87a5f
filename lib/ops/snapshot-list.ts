/** The snapshots of a state whose tokens lie in buffers: those of more tokens end where the state goes back. */
export class SnapshotList<Snapshot extends Disposable> {
  /** Tokens of a snapshot; undefined where it has been disposed of. */
  readonly #lengthOf: (snapshot: Snapshot) => number | undefined;
  /** Weak: whoever forgets to dispose of snapshots must not fill the memory. */
  readonly #live = new Set<WeakRef<Snapshot>>();

  constructor(lengthOf: (snapshot: Snapshot) => number | undefined) {
    this.#lengthOf = lengthOf;
  }

  add(snapshot: Snapshot): Snapshot {
    for (const other of this.#live) if (this.#length(other) === undefined) this.#live.delete(other);
    this.#live.add(new WeakRef(snapshot));
    return snapshot;
  }

  /** How many tokens the state may come back to. */
  *lengths(): Generator<number> {
    for (const snapshot of this.#live) {
      const length = this.#length(snapshot);
      if (length !== undefined) yield length;
    }
  }

  /** Disposes of the snapshots of more tokens than that. */
  endAfter(length: number): void {
    for (const snapshot of this.#live) {
      if ((this.#length(snapshot) ?? Infinity) <= length) continue;
      snapshot.deref()?.[Symbol.dispose]();
      this.#live.delete(snapshot);
    }
  }

  #length(reference: WeakRef<Snapshot>): number | undefined {
    const snapshot = reference.deref();
    return snapshot && this.#lengthOf(snapshot);
  }
}
