import type { Device } from '../../device.js';
import type { FloatDType } from '../../dtype.js';
import type { Stream } from '../../stream.js';
import { allocate, type Tensor } from '../../tensor.js';

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

interface Sizes {
  readonly b: number;
  readonly hKv: number;
  readonly d: number;
}

/**
 * One contiguous buffer each for keys and values, which grow to twice their size. Tokens are the outermost axis: those
 * of one call lie together, so that work which fails leaves no doubt about others, and growing is one copy, or a few.
 */
export class KeyBuffers implements KeyStore {
  readonly #sizes: Sizes;
  readonly #dtype: FloatDType;
  readonly #device: Device;
  #capacity: number;
  #k: Tensor;
  #v: Tensor;

  constructor(sizes: Sizes, capacity: number, dtype: FloatDType, device: Device) {
    this.#sizes = sizes;
    this.#dtype = dtype;
    this.#device = device;
    this.#capacity = capacity;
    this.#k = this.#buffer(capacity);
    this.#v = this.#buffer(capacity);
  }

  get capacity(): number {
    return this.#capacity;
  }

  write(from: number, to: number, stream: Stream, kept: Iterable<number>): KeyViews {
    if (to > this.#capacity) this.#grow([...kept, from], Math.max(to, 2 * this.#capacity), stream);
    return { k: tokens(this.#k, from, to), v: tokens(this.#v, from, to) };
  }

  read(to: number): KeyViews {
    return { k: tokens(this.#k, 0, to), v: tokens(this.#v, 0, to) };
  }

  dispose(): void {
    this.#k.dispose();
    this.#v.dispose();
  }

  #buffer(capacity: number): Tensor {
    const { b, hKv, d } = this.#sizes;
    return allocate(Object.freeze([capacity, b, hKv, d]), this.#dtype, this.#device);
  }

  /** The old buffers stay until all copies are queued: the queue may be full. */
  #grow(ends: readonly number[], capacity: number, stream: Stream): void {
    const larger: Tensor[] = [];
    try {
      for (const old of [this.#k, this.#v]) {
        const buffer = this.#buffer(capacity);
        larger.push(buffer);
        copyParts(old, buffer, ends, stream);
      }
    } catch (error) {
      for (const each of larger) each.dispose();
      throw error;
    }
    this.dispose();
    [this.#k, this.#v] = larger as [Tensor, Tensor];
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

/** `[b, to - from, hKv, d]` of `[tokens, b, hKv, d]`. */
function tokens(buffer: Tensor, from: number, to: number): Tensor {
  const part = buffer.slice([[from, to]]);
  const turned = part.transpose(0, 1);
  part.dispose();
  return turned;
}
