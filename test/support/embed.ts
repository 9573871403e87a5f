/** Tensors that lie inside larger ones, so that whatever a kernel reads or writes outside them shows. */

import { Tensor, type DType } from '../../lib/index.js';
import { sizeOf } from './random.js';

/** How the elements of a [..., s, h, d] (or any) shape lie in memory; every layout keeps stride 1 on the last axis. */
export type Layout = 'dense' | 'aligned' | 'heads-first' | 'sliced';

export interface Embedded {
  /** What the kernel gets. */
  view: Tensor;
  /** The values under the view, in the order of its shape, once the work is done; fails if the margin changed. */
  read(): Promise<Float64Array>;
  dispose(): void;
}

export interface EmbedOptions {
  dtype: DType;
  device: string;
  layout?: Layout;
  /** What surrounds the view: NaN for inputs, a sentinel for outputs. */
  margin: number;
}

const { floor } = Math; // globals are slow to reach inside Jest
const { is } = Object;
const kFlat = 19; // elements on each side of a dense view: odd, so that rows are not aligned
const kAligned = 32; // of an aligned one: rows of whole 16 bytes are

interface Plan {
  whole: number[];
  /** Place in the whole tensor of every element of the view. */
  place: Int32Array;
  view(whole: Tensor): Tensor;
}

/** Places of the elements of `shape` in memory with `strides`, starting at `offset`. */
function places(shape: readonly number[], strides: readonly number[], offset: number): Int32Array {
  const result = new Int32Array(sizeOf(shape));
  for (let n = 0; n < result.length; ++n) {
    let rest = n;
    let at = offset;
    for (let axis = shape.length - 1; axis >= 0; --axis) {
      at += (rest % shape[axis]!) * strides[axis]!;
      rest = floor(rest / shape[axis]!);
    }
    result[n] = at;
  }
  return result;
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/** One block in the middle of a long vector. */
function block(shape: number[], margin: number): Plan {
  const n = sizeOf(shape);
  return {
    whole: [n + 2 * margin],
    place: places(shape, rowMajor(shape), margin),
    view: (whole) => whole.slice([[margin, margin + n]]).reshape(shape),
  };
}

/** [b, s, h, d] as a transposed view of [b, h, s, d]. */
function headsFirst(shape: number[]): Plan {
  const [s, h] = [shape.length - 3, shape.length - 2];
  const stored = shape.with(s, shape[h]!).with(h, shape[s]!);
  const strides = rowMajor(stored);
  return {
    whole: stored,
    place: places(shape, strides.with(s, strides[h]!).with(h, strides[s]!), 0),
    view: (whole) => whole.transpose(s, h),
  };
}

/** One element of margin before and two after on every axis. */
function sliced(shape: number[]): Plan {
  const whole = shape.map((n) => n + 3);
  const strides = rowMajor(whole);
  return {
    whole,
    place: places(
      shape,
      strides,
      strides.reduce((sum, stride) => sum + stride, 0),
    ),
    view: (tensor) => tensor.slice(shape.map((n): [number, number] => [1, n + 1])),
  };
}

const plans = {
  dense: (shape: number[]) => block(shape, kFlat),
  aligned: (shape: number[]) => block(shape, kAligned),
  'heads-first': headsFirst,
  sliced,
};

/** `values` (or one value for all) as a tensor of `shape`, surrounded by the margin. */
export function embed(values: ArrayLike<number> | number, shape: readonly number[], options: EmbedOptions): Embedded {
  const { dtype, device, margin, layout = 'dense' } = options;
  const plan = plans[layout]([...shape]);
  const contents = new Float64Array(sizeOf(plan.whole)).fill(margin);
  plan.place.forEach((at, n) => (contents[at] = typeof values === 'number' ? values : values[n]!));
  const whole = Tensor.from(contents, plan.whole, { dtype, device });
  const view = plan.view(whole);
  const inside = new Uint8Array(contents.length);
  for (const at of plan.place) inside[at] = 1;

  return {
    view,
    async read() {
      const found = (await whole.toArray()) as ArrayLike<number>;
      for (let at = 0; at < found.length; ++at)
        if (!inside[at] && !is(found[at], contents[at]))
          throw new Error(`wrote outside of the tensor: element ${at} of its storage became ${found[at]}`);
      return Float64Array.from(plan.place, (at) => found[at]!);
    },
    dispose() {
      view.dispose();
      whole.dispose();
    },
  };
}
