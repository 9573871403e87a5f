/** Where the elements of a view lie: shapes, strides and offsets of the views a tensor offers. Pure. */

import { describe, expectInteger } from './checks/options.js';
import { broadcasts, countElements, expectSizes, formatShape } from './checks/shapes.js';
import { invalidRange, invalidType } from './errors.js';

/** One view of a storage; strides and offset count elements. */
export interface Geometry {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Strides of a tensor whose elements lie in a row, the last axis fastest. */
export function contiguousStrides(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= Math.max(shape[axis]!, 1);
  }
  return Object.freeze(strides);
}

/** @throws {RangeError} `ERR_SHAPE` for another number of elements, `ERR_LAYOUT` where elements would have to move. */
export function reshaped({ shape, strides, offset }: Geometry, wanted: readonly number[]): Geometry {
  const size = countElements('shape', shape);
  const target = withInferredSize(wanted, size);
  if (countElements('shape', target) !== size)
    throw invalidRange(
      'ERR_SHAPE',
      `shape ${formatShape(target)} does not hold the ${size} elements of ${formatShape(shape)}`,
    );
  const found = size === 0 ? contiguousStrides(target) : stridesOfReshape(shape, strides, target);
  if (found === undefined)
    throw invalidRange(
      'ERR_LAYOUT',
      `a tensor of shape ${formatShape(shape)} and strides ${formatShape(strides)} cannot be seen as ` +
        `${formatShape(target)} without a copy: copy it with to() first`,
    );
  return { shape: target, strides: found, offset };
}

/** Replaces a -1 by what is left of `size`. */
function withInferredSize(wanted: readonly number[], size: number): readonly number[] {
  const sizes = expectSizes('shape', wanted, -1);
  const unknown = sizes.indexOf(-1);
  if (unknown < 0) return sizes;
  if (sizes.lastIndexOf(-1) !== unknown)
    throw invalidRange('ERR_SHAPE', `shape ${formatShape(sizes)} has more than one -1`);
  const withSize = (size: number): number[] => sizes.map((each, axis) => (axis === unknown ? size : each));
  const known = countElements('shape', withSize(1));
  if (known === 0 || size % known !== 0)
    throw invalidRange('ERR_SHAPE', `no size for -1 in ${formatShape(sizes)} gives ${size} elements`);
  return Object.freeze(withSize(size / known));
}

/**
 * Both shapes are cut into the shortest runs of axes with equally many elements. A run of the old axes has to step
 * evenly through memory, and then the new axes divide it among themselves. Neither shape has an axis of size 0.
 */
function stridesOfReshape(
  shape: readonly number[],
  strides: readonly number[],
  target: readonly number[],
): readonly number[] | undefined {
  const result = new Array<number>(target.length).fill(1);
  const old = [...shape.keys()].filter((axis) => shape[axis] !== 1);
  let from = old.length;
  let to = target.length;
  while (from > 0) {
    let [oldCount, newCount] = [shape[old[--from]!]!, 1];
    let stride = strides[old[from]!]!;
    let evenStride = stride * oldCount; // what the axis before must have to be of the same run
    while (oldCount !== newCount) {
      if (newCount < oldCount) {
        result[--to] = stride;
        stride *= target[to]!;
        newCount *= target[to]!;
      } else {
        if (strides[old[--from]!] !== evenStride) return undefined;
        oldCount *= shape[old[from]!]!;
        evenStride *= shape[old[from]!]!;
      }
    }
  }
  for (; to > 0; --to) result[to - 1] = (result[to] ?? 1) * (target[to] ?? 1); // axes of size 1 in front
  return Object.freeze(result);
}

/** Two axes to exchange, or the whole order: axis `n` of the result is axis `order[n]` of the tensor. */
export function transposed({ shape, strides, offset }: Geometry, first: unknown, second?: unknown): Geometry {
  const order = Array.isArray(first) ? expectOrder(first, shape.length) : [...shape.keys()];
  if (!Array.isArray(first)) {
    const [a, b] = [expectAxis('a', first, shape.length), expectAxis('b', second, shape.length)];
    [order[a], order[b]] = [b, a];
  } else if (second !== undefined) {
    throw invalidType('ERR_ARGUMENT_TYPE', `b must be absent after an order of axes, got ${describe(second)}`);
  }
  return {
    shape: Object.freeze(order.map((axis) => shape[axis]!)),
    strides: Object.freeze(order.map((axis) => strides[axis]!)),
    offset,
  };
}

/** Negative axes count from the end. */
function expectAxis(name: string, axis: unknown, rank: number): number {
  expectInteger(name, axis);
  if (axis < -rank || axis >= rank)
    throw invalidRange('ERR_BOUNDS', `${name} must be an axis of a tensor of rank ${rank}, got ${axis}`);
  return axis < 0 ? axis + rank : axis;
}

function expectOrder(order: readonly unknown[], rank: number): number[] {
  const axes = order.map((axis, n) => expectAxis(`order[${n}]`, axis, rank));
  if (axes.length !== rank || new Set(axes).size !== rank)
    throw invalidRange('ERR_SHAPE', `order must name each of the ${rank} axes once, got ${formatShape(axes)}`);
  return axes;
}

/** Per axis `[start, end)` or null for all of it; axes that are left out stay whole. */
export function sliced({ shape, strides, offset }: Geometry, ranges: unknown): Geometry {
  if (!Array.isArray(ranges))
    throw invalidType('ERR_ARGUMENT_TYPE', `ranges must be an array of [start, end] or null, got ${describe(ranges)}`);
  if (ranges.length > shape.length)
    throw invalidRange('ERR_SHAPE', `ranges has ${ranges.length} entries for ${shape.length} axes`);
  const sizes = [...shape];
  let first = offset;
  for (let axis = 0; axis < ranges.length; ++axis) {
    const range: unknown = ranges[axis];
    if (range === null || range === undefined) continue;
    const [start, end] = expectRange(`ranges[${axis}]`, range, shape[axis]!);
    sizes[axis] = end - start;
    first += start * strides[axis]!;
  }
  // An empty view has no first element; pointing behind the storage would be out of bounds all the same.
  return { shape: Object.freeze(sizes), strides, offset: sizes.includes(0) ? offset : first };
}

function expectRange(name: string, range: unknown, size: number): [number, number] {
  if (!Array.isArray(range) || range.length !== 2)
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be [start, end] or null, got ${describe(range)}`);
  const [start, end] = range as [unknown, unknown];
  expectInteger(`${name}[0]`, start);
  expectInteger(`${name}[1]`, end);
  if (start < 0 || end < start || end > size)
    throw invalidRange('ERR_BOUNDS', `${name} must lie within 0 to ${size}, got [${start}, ${end}]`);
  return [start, end];
}

/** Repeats axes of size 1, and adds axes on the left, by stride 0. */
export function expanded({ shape, strides, offset }: Geometry, wanted: unknown): Geometry {
  const target = expectSizes('shape', wanted);
  countElements('shape', target);
  if (!broadcasts(shape, target))
    throw invalidRange('ERR_SHAPE', `${formatShape(shape)} does not broadcast to shape ${formatShape(target)}`);
  const added = target.length - shape.length;
  const stride = (size: number, axis: number): number => (shape[axis - added] === size ? strides[axis - added]! : 0);
  return { shape: target, strides: Object.freeze(target.map(stride)), offset };
}
