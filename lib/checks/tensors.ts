/** Tensors as arguments: kind, dtype, device, shape, layout. Messages name the argument, what is expected, what came. */

import type { Device } from '../device.js';
import type { DType } from '../dtype.js';
import { AttentionError, invalidRange, invalidType } from '../errors.js';
import { isTensor, storageOf, type Tensor } from '../tensor.js';
import { describe } from './options.js';
import { broadcasts, formatShape, sameShape } from './shapes.js';

/** What a check of sizes needs to know of a tensor. */
export interface Described {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A tensor that has not been disposed of. */
export function expectTensor(name: string, value: unknown): asserts value is Tensor {
  if (!isTensor(value)) throw invalidType('ERR_NOT_A_TENSOR', `${name} must be a Tensor, got ${describe(value)}`);
  if (value.disposed) throw new AttentionError('ERR_DISPOSED', `${name} has been disposed of`);
}

/** The dtype of `tensor`; `reason` says where the expectation comes from. */
export function expectTensorDType(name: string, tensor: Described, dtype: DType, reason = ''): void {
  if (tensor.dtype !== dtype) throw invalidType('ERR_DTYPE', `${name} must be ${dtype}${reason}, got ${tensor.dtype}`);
}

/** The device of `tensor`: data never moves by itself. */
export function expectTensorDevice(name: string, tensor: Tensor, device: Device): void {
  if (tensor.device !== device)
    throw invalidRange('ERR_DEVICE', `${name} must be on '${device}', got a tensor on '${tensor.device}'`);
}

/** The error of a shape that does not match; names stand for sizes that are free. */
export function wrongShape(
  name: string,
  given: Pick<Described, 'shape'>,
  expected: readonly (number | string)[],
  note = '',
): RangeError {
  return invalidRange(
    'ERR_SHAPE',
    `${name} must have shape ${formatShape(expected)}, got ${formatShape(given.shape)}${note}`,
  );
}

/** Exactly this shape. */
export function expectShape(name: string, given: Described, shape: readonly number[]): void {
  if (!sameShape(given.shape, shape)) throw wrongShape(name, given, shape);
}

/** A shape that broadcasts to this one. */
export function expectBroadcast(name: string, given: Described, shape: readonly number[]): void {
  if (!broadcasts(given.shape, shape))
    throw invalidRange(
      'ERR_SHAPE',
      `${name} must broadcast to shape ${formatShape(shape)}, got ${formatShape(given.shape)}`,
    );
}

/** A tensor of this dtype and device, of exactly this shape, or of what `expect` takes for it. */
export function expectOperand(
  name: string,
  value: unknown,
  dtype: DType,
  device: Device,
  shape: readonly number[],
  expect = expectShape,
): asserts value is Tensor {
  expectTensor(name, value);
  expectTensorDType(name, value, dtype);
  expectTensorDevice(name, value, device);
  expect(name, value, shape);
}

/** A parameter of tensors `like` it: on their device, float32 or of their dtype. `reason` names them. */
export function expectParameter(
  name: string,
  value: unknown,
  like: Pick<Tensor, 'dtype' | 'device'>,
  reason: string,
): asserts value is Tensor {
  expectTensor(name, value);
  if (value.dtype !== 'float32' && value.dtype !== like.dtype) {
    const own = like.dtype === 'float32' ? '' : ` or ${like.dtype}${reason}`;
    throw invalidType('ERR_DTYPE', `${name} must be float32${own}, got ${value.dtype}`);
  }
  expectTensorDevice(name, value, like.device);
}

/** Kernels read rows of the last axis as one piece of memory. */
export function expectRows(name: string, tensor: Tensor): void {
  const last = tensor.rank - 1;
  if (tensor.strides[last] === 1 || tensor.shape[last] === 1 || tensor.size === 0) return;
  throw invalidRange(
    'ERR_LAYOUT',
    `${name} must have stride 1 on its last axis, got strides ${formatShape(tensor.strides)}: copy it with to() first`,
  );
}

/** What is written to has one place for each element; that other views overlap is seen by the native check. */
export function expectWritable(name: string, tensor: Tensor): void {
  const { shape, strides } = tensor;
  for (let axis = 0; axis < shape.length; ++axis)
    if (strides[axis] === 0 && shape[axis]! > 1 && tensor.size > 0)
      throw invalidRange('ERR_LAYOUT', `${name} is written to, so axis ${axis} must not be a repeated one`);
}

/** Where a result of this dtype, device and shape goes, row by row. */
export function expectTarget(
  name: string,
  value: unknown,
  dtype: DType,
  device: Device,
  shape: readonly number[],
): asserts value is Tensor {
  expectOperand(name, value, dtype, device, shape);
  expectRows(name, value);
  expectWritable(name, value);
}

/** What is written to shares no storage with what is read: the order of reads and writes is the kernel's own. */
export function expectApart(written: string, target: Tensor | undefined, read: string, source: Tensor): void {
  if (target !== undefined && storageOf(target) === storageOf(source))
    throw new AttentionError(
      'ERR_OPTION',
      `${written} must not share its storage with ${read}, which is read while ${written} is written`,
    );
}

/** The same for every tensor of a record; `what` names it. */
export function expectApartFrom(written: string, target: unknown, what: string, sources: object): void {
  if (target === undefined) return;
  expectTensor(written, target);
  for (const [name, source] of Object.entries(sources))
    expectApart(written, target, `${what}.${name}`, source as Tensor);
}
