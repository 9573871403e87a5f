import type { Device } from '../device.js';
import type { DType } from '../dtype.js';
import type { Stream } from '../stream.js';
import { allocate, type Tensor } from '../tensor.js';

/** What one buffer holds of each token. */
export interface TokenRow {
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** Axes of what is read and written, of which 0 counts tokens. */
  readonly order: readonly number[];
}

/**
 * Contiguous buffers that grow together to twice their size. Tokens are the outermost axis: those of one call lie
 * together, so that work which fails leaves no doubt about others, and growing is one copy, or a few.
 */
export class TokenBuffers {
  readonly #rows: readonly TokenRow[];
  readonly #device: Device;
  #capacity: number;
  #buffers: readonly Tensor[];

  constructor(rows: readonly TokenRow[], capacity: number, device: Device) {
    this.#rows = rows;
    this.#device = device;
    this.#capacity = capacity;
    this.#buffers = this.#make(capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Room for tokens `[from, to)`, whatever they held; what lies in front stays. `kept`: how many tokens somebody may
   * come back to. Where it throws, nothing has changed.
   */
  write(from: number, to: number, stream: Stream, kept: Iterable<number>): Tensor[] {
    if (to > this.#capacity) this.#grow([...kept, from], Math.max(to, 2 * this.#capacity), stream);
    return this.#views(from, to);
  }

  /** Tokens `[0, to)`. */
  read(to: number): Tensor[] {
    return this.#views(0, to);
  }

  dispose(): void {
    for (const buffer of this.#buffers) buffer.dispose();
  }

  #views(from: number, to: number): Tensor[] {
    return this.#buffers.map((buffer, n) => {
      using part = buffer.slice([[from, to]]);
      return part.transpose(this.#rows[n]!.order);
    });
  }

  #make(capacity: number): readonly Tensor[] {
    const into: Tensor[] = [];
    try {
      for (const { shape, dtype } of this.#rows)
        into.push(allocate(Object.freeze([capacity, ...shape]), dtype, this.#device));
      return into;
    } catch (error) {
      for (const each of into) each.dispose();
      throw error;
    }
  }

  /** The old buffers stay until all copies are queued: the queue may be full. */
  #grow(ends: readonly number[], capacity: number, stream: Stream): void {
    const larger = this.#make(capacity);
    try {
      larger.forEach((buffer, n) => copyParts(this.#buffers[n]!, buffer, ends, stream));
    } catch (error) {
      for (const each of larger) each.dispose();
      throw error;
    }
    this.dispose();
    this.#buffers = larger;
    this.#capacity = capacity;
  }
}

/** Parts by themselves, since a copy fails as a whole: what failed behind one of `ends` must not touch what is before. */
function copyParts(from: Tensor, to: Tensor, ends: readonly number[], stream: Stream): void {
  let start = 0;
  for (const end of [...ends].sort((a, b) => a - b)) {
    if (end === start) continue;
    using source = from.slice([[start, end]]);
    using target = to.slice([[start, end]]);
    target.copyFrom(source, { stream });
    start = end;
  }
}
