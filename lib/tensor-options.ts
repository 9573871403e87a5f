/** Options of the functions that make tensors. */

import { expectDType } from './checks/dtypes.js';
import { describe, readOptions } from './checks/options.js';
import { copyingDevice, expectDevice, type Device } from './device.js';
import type { DType } from './dtype.js';
import { invalidRange, invalidType } from './errors.js';
import type { AbortHandle } from './native-module.js';
import { abortFlag } from './signals.js';
import { expectStream, type Stream } from './stream.js';

/** What a new tensor is like. A tensor can stand for it: `Tensor.empty(shape, likeThis)`. */
export interface TensorOptions<D extends DType = DType> {
  /** Element type. Default `'float32'`, or that of the data it is made from. */
  dtype?: D;
  /** Where it lies. Default `'cpu'`, or where the tensor lies that it is made from. */
  device?: Device;
  /** Where the work of filling it is queued. Default: the default stream of the device; of a copy to the CPU, that of the source's. */
  stream?: Stream;
  /** Revokes that work: it does not start, or stops, and reading the tensor fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

/** Options of {@link Tensor.randn}. */
export interface RandomOptions<D extends DType = DType> extends TensorOptions<D> {
  /** The same seed gives the same numbers, on every machine and for any number of threads. Default: another each time. */
  seed?: number | bigint;
}

/** Options of {@link Tensor.copyFrom}. */
export interface CopyOptions {
  /** Where the copy is queued. Default: the default stream of the device that is not the CPU, if one of the two is not. */
  stream?: Stream;
  /** Revokes the copy: it does not start, or stops, and reading the target fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

const tensorNames: ReadonlySet<string> = new Set<keyof TensorOptions>(['dtype', 'device', 'stream', 'signal']);
const randomNames: ReadonlySet<string> = new Set<keyof RandomOptions>(['dtype', 'device', 'stream', 'signal', 'seed']);
const copyNames: ReadonlySet<string> = new Set<keyof CopyOptions>(['stream', 'signal']);

/** @internal Checked options of a new tensor. */
export interface Placement<D extends DType = DType> {
  readonly dtype: D;
  readonly device: Device;
  /** Undefined: the device's default, looked up where there is something to queue. */
  readonly stream: Stream | undefined;
  /** Undefined where nothing can revoke the work. */
  readonly abort: AbortHandle | undefined;
}

/**
 * @internal `likeDType`, `likeDevice`: what holds where the options say nothing, of the tensor that is copied if there
 * is one.
 */
export function readPlacement<D extends DType>(
  what: string,
  options: TensorOptions<D>,
  likeDType: DType = 'float32',
  likeDevice: Device = 'cpu',
): Placement<D> {
  return place(readTensorOptions(what, options), likeDType, likeDevice);
}

/** @internal Each option read once; their values are not checked yet. */
export function readTensorOptions<D extends DType>(what: string, options: TensorOptions<D>): TensorOptions<D> {
  return readOptions(what, options, tensorNames);
}

/** @internal Checks the values. Throws `signal.reason` where the signal has gone off. */
export function place<D extends DType>(
  options: TensorOptions<D>,
  likeDType: DType = 'float32',
  likeDevice: Device = 'cpu',
): Placement<D> {
  const { dtype = likeDType as D, device = likeDevice, stream, signal } = options;
  expectDType('dtype', dtype);
  expectDevice('device', device);
  if (stream !== undefined) expectStream(stream, copyingDevice(likeDevice, device));
  return { dtype, device, stream, abort: abortFlag(signal) };
}

/** @internal The same, and a seed of 64 bits. */
export function readRandomPlacement<D extends DType>(
  what: string,
  options: RandomOptions<D>,
): Placement<D> & { readonly seed: bigint } {
  const { seed, ...rest } = readOptions(what, options, randomNames);
  return { ...place(rest as TensorOptions<D>), seed: expectSeed(seed) };
}

/** @internal Where a copy that runs on `device` is queued, and what revokes it. */
export function readCopyOptions(
  what: string,
  options: CopyOptions,
  device: Device,
): { readonly stream: Stream; readonly abort: AbortHandle | undefined } {
  const { stream, signal } = readOptions(what, options, copyNames);
  return { stream: expectStream(stream, device), abort: abortFlag(signal) };
}

function expectSeed(seed: unknown): bigint {
  if (seed === undefined) return BigInt(Math.floor(Math.random() * 2 ** 53));
  if (typeof seed !== 'bigint' && typeof seed !== 'number')
    throw invalidType('ERR_ARGUMENT_TYPE', `seed must be a number or a bigint, got ${describe(seed)}`);
  if (typeof seed === 'number' && !Number.isSafeInteger(seed))
    throw invalidRange('ERR_ARGUMENT_VALUE', `seed must be a safe integer, got ${seed}`);
  const bits = BigInt(seed);
  if (bits < 0n || bits >= 1n << 64n)
    throw invalidRange('ERR_ARGUMENT_VALUE', `seed must lie within 0 to 2^64 - 1, got ${bits}`);
  return bits;
}
