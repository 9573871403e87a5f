import type { Device } from '../../device.js';
import type { FloatDType } from '../../dtype.js';
import type { Stream } from '../../stream.js';
import type { Tensor } from '../../tensor.js';
import { TokenBuffers } from '../token-buffers.js';

/** Views of keys and values, `[b, tokens, hKv, d]`; whoever gets them disposes of them. */
export interface KeyViews {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** What a state needs of the place where its keys and values lie. */
export interface KeyStore {
  /**
   * Room for tokens `[from, to)`, whatever they held; what lies in front stays. `kept`: how many tokens the state may
   * come back to. Where it throws, nothing has changed.
   */
  write(from: number, to: number, stream: Stream, kept: Iterable<number>): KeyViews;
  /** Tokens `[0, to)`. */
  read(to: number): KeyViews;
  dispose(): void;
}

/** One contiguous buffer each for keys and values. */
export class KeyBuffers implements KeyStore {
  readonly #buffers: TokenBuffers;

  constructor(
    { b, hKv, d }: { readonly b: number; readonly hKv: number; readonly d: number },
    capacity: number,
    dtype: FloatDType,
    device: Device,
  ) {
    const row = { shape: [b, hKv, d], dtype, order: [1, 0, 2, 3] };
    this.#buffers = new TokenBuffers([row, row], capacity, device);
  }

  get capacity(): number {
    return this.#buffers.capacity;
  }

  write(from: number, to: number, stream: Stream, kept: Iterable<number>): KeyViews {
    return named(this.#buffers.write(from, to, stream, kept));
  }

  read(to: number): KeyViews {
    return named(this.#buffers.read(to));
  }

  dispose(): void {
    this.#buffers.dispose();
  }
}

function named(views: Tensor[]): KeyViews {
  const [k, v] = views as [Tensor, Tensor];
  return { k, v };
}
