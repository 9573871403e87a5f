/** Shapes: lists of sizes, and what fits what. */

import { invalidRange, invalidType } from '../errors.js';
import { describe } from './options.js';

/** Axes a tensor may have: `kMaxRank` of `native/core/extents.h`. */
export const maxRank = 8;

/** `[2, 3, 4]` */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}

/** A frozen copy of `shape` if it is an array of at most 8 safe integers >= `least`; every element is read once. */
export function expectSizes(name: string, shape: unknown, least = 0): readonly number[] {
  if (!Array.isArray(shape))
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be an array of sizes, got ${describe(shape)}`);
  if (shape.length > maxRank)
    throw invalidRange('ERR_SHAPE', `${name} has ${shape.length} axes; at most ${maxRank} are supported`);
  const sizes: number[] = [];
  for (let axis = 0; axis < shape.length; ++axis) {
    const size: unknown = shape[axis];
    if (typeof size !== 'number')
      throw invalidType('ERR_ARGUMENT_TYPE', `${name}[${axis}] must be a number, got ${describe(size)}`);
    if (!Number.isSafeInteger(size) || size < least)
      throw invalidRange('ERR_SHAPE', `${name}[${axis}] must be an integer of at least ${least}, got ${size}`);
    sizes.push(size === 0 ? 0 : size); // -0 is 0
  }
  return Object.freeze(sizes);
}

/** Number of elements; refuses a product that no number holds exactly, whatever zeros are among the sizes. */
export function countElements(name: string, shape: readonly number[], bytesPerElement = 1): number {
  let product = bytesPerElement;
  let isEmpty = false;
  for (const size of shape) {
    if (size === 0) isEmpty = true;
    else product *= size;
    if (product > Number.MAX_SAFE_INTEGER)
      throw invalidRange('ERR_SHAPE', `${name} ${formatShape(shape)} has more elements than can be addressed`);
  }
  return isEmpty ? 0 : product / bytesPerElement;
}

/** Whether a tensor of `shape` can stand for one of `target`: axes of size 1 repeat, missing ones are on the left. */
export function broadcasts(shape: readonly number[], target: readonly number[]): boolean {
  const missing = target.length - shape.length;
  if (missing < 0) return false;
  return shape.every((size, axis) => size === 1 || size === target[axis + missing]);
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; ++axis) if (a[axis] !== b[axis]) return false;
  return true;
}
