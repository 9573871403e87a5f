/** Options of the functions that make tensors. */

import { expectDType } from './checks/dtypes.js';
import { expectOptions } from './checks/options.js';
import { expectDevice, type Device } from './device.js';
import type { DType } from './dtype.js';
import { AttentionError, invalidRange, invalidType } from './errors.js';
import { defaultStream, isStream, type Stream } from './stream.js';

/** What a new tensor is like. A tensor can stand for it: `Tensor.empty(shape, likeThis)`. */
export interface TensorOptions {
  /** Element type. Default `'float32'`, or that of the data it is made from. */
  dtype?: DType;
  /** Where it lies. Default `'cpu'`, or where the tensor lies that it is made from. */
  device?: Device;
  /** Where the work of filling it is queued. Default: the default stream of the device. */
  stream?: Stream;
}

/** Options of {@link Tensor.randn}. */
export interface RandomOptions extends TensorOptions {
  /** The same seed gives the same numbers, on every machine and for any number of threads. Default: another each time. */
  seed?: number | bigint;
}

/** Options of {@link Tensor.copyFrom}. */
export interface CopyOptions {
  /** Where the copy is queued. Default: the default stream of the device. */
  stream?: Stream;
}

const tensorNames: ReadonlySet<string> = new Set<keyof TensorOptions>(['dtype', 'device', 'stream']);
const randomNames: ReadonlySet<string> = new Set<keyof RandomOptions>(['dtype', 'device', 'stream', 'seed']);
const copyNames: ReadonlySet<string> = new Set<keyof CopyOptions>(['stream']);

/** @internal Checked options of a new tensor. */
export interface Placement {
  readonly dtype: DType;
  readonly device: Device;
  /** Undefined: the device's default, looked up where there is something to queue. */
  readonly stream: Stream | undefined;
}

/** @internal `likeDType`, `likeDevice`: what holds where the options say nothing. */
export function readPlacement(
  what: string,
  options: TensorOptions,
  likeDType: DType = 'float32',
  likeDevice: Device = 'cpu',
  names = tensorNames,
): Placement {
  expectOptions(what, options, names);
  const { dtype = likeDType, device = likeDevice, stream } = options;
  expectDType('dtype', dtype);
  expectDevice('device', device);
  if (stream !== undefined) expectStream(stream, device);
  return { dtype, device, stream };
}

/** @internal The same, and a seed of 64 bits. */
export function readRandomPlacement(what: string, options: RandomOptions): Placement & { readonly seed: bigint } {
  const placement = readPlacement(what, options, 'float32', 'cpu', randomNames);
  return { ...placement, seed: expectSeed(options.seed) };
}

/** @internal */
export function readCopyStream(what: string, options: CopyOptions, device: Device): Stream {
  expectOptions(what, options, copyNames);
  return expectStream(options.stream, device);
}

/** @internal The stream for work on `device`: open, and of that device. Absent: the device's default. */
export function expectStream(stream: Stream | undefined, device: Device): Stream {
  if (stream === undefined) return defaultStream(device);
  if (!isStream(stream)) throw invalidType('ERR_NOT_A_STREAM', 'stream must be a Stream');
  if (stream.closed) throw new AttentionError('ERR_STREAM_CLOSED', 'stream is closed');
  if (stream.device !== device)
    throw invalidRange('ERR_DEVICE', `stream must be of device '${device}', got one of '${stream.device}'`);
  return stream;
}

function expectSeed(seed: unknown): bigint {
  if (seed === undefined) return BigInt(Math.floor(Math.random() * 2 ** 53));
  if (typeof seed !== 'bigint' && typeof seed !== 'number')
    throw invalidType('ERR_ARGUMENT_TYPE', 'seed must be a number or a bigint');
  if (typeof seed === 'number' && !Number.isSafeInteger(seed))
    throw invalidRange('ERR_ARGUMENT_VALUE', `seed must be a safe integer, got ${seed}`);
  const bits = BigInt(seed);
  if (bits < 0n || bits >= 1n << 64n)
    throw invalidRange('ERR_ARGUMENT_VALUE', `seed must lie within 0 to 2^64 - 1, got ${bits}`);
  return bits;
}
