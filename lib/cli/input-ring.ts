import { Tensor, type Stream } from '../index.js';
import type { BenchDtype } from './bench-options.js';
import { lastLevelCacheBytes } from './last-level-cache.js';

const ALIGNMENT = 64; // elements: at least one cache line of every dtype

/**
 * Random inputs cut one after the other out of one large block, round and round: by the time a place comes up again,
 * more than the last-level cache has been read since.
 */
export class InputRing implements Disposable {
  readonly #block: Tensor;
  #next = 0;

  /** @param largestSet Elements of the largest group of inputs that one call takes. */
  constructor(largestSet: number, dtype: BenchDtype, device: string, stream: Stream) {
    const bytesPer = dtype === 'float32' ? 4 : 2;
    const elements = Math.max(2 * largestSet, (4 * lastLevelCacheBytes()) / bytesPer) + 4 * ALIGNMENT;
    this.#block = Tensor.randn([elements], { dtype, device, stream, seed: 1 });
  }

  /** A contiguous tensor on the next part of the block; the caller disposes it. */
  take(shape: readonly number[]): Tensor {
    const size = shape.reduce((product, extent) => product * extent, 1);
    const start = this.#next + size > this.#block.size ? 0 : this.#next;
    this.#next = Math.ceil((start + size) / ALIGNMENT) * ALIGNMENT;
    using part = this.#block.slice([[start, start + size]]);
    return part.reshape(shape);
  }

  [Symbol.dispose](): void {
    this.#block.dispose();
  }
}
