/** What crosses the border of this package: memory of a GPU that others own, or that others are to open. */

import { expectDType } from './checks/dtypes.js';
import { describe, readFields, readOptions } from './checks/options.js';
import { expectSizes } from './checks/shapes.js';
import { expectDevice, type Device } from './device.js';
import type { DType } from './dtype.js';
import { invalidRange, invalidType } from './errors.js';

/** Options of tensors in memory that is not this package's alone. */
export interface DeviceMemoryOptions<D extends DType = DType> {
  /** The GPU, such as `'cuda:0'`. */
  device: Device;
  /** Element type. Default `'float32'`. */
  dtype?: D;
}

/** A tensor as another process of this machine can open it: `Tensor.fromShared`. */
export interface SharedTensor {
  readonly device: Device;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Names the memory; opaque. */
  readonly handle: Uint8Array;
}

const memoryNames: ReadonlySet<string> = new Set<keyof DeviceMemoryOptions>(['device', 'dtype']);
const sharedNames: ReadonlySet<string> = new Set<keyof SharedTensor>(['device', 'dtype', 'shape', 'handle']);

/** @internal */
export function readDeviceMemory<D extends DType>(
  what: string,
  options: DeviceMemoryOptions<D>,
): { readonly device: Device; readonly dtype: D } {
  const { device, dtype = 'float32' as D } = readOptions(what, options, memoryNames);
  expectDType('dtype', dtype);
  expectGpu('device', device);
  return { device: expectDevice('device', device), dtype };
}

/** @internal Reads each field once. */
export function readShared(shared: SharedTensor): SharedTensor {
  const given = readFields('shared', shared, sharedNames, 'what share() gave: { device, dtype, shape, handle }');
  const { device, dtype, shape, handle } = given;
  expectGpu('shared.device', device);
  expectDType('shared.dtype', dtype);
  if (!(handle instanceof Uint8Array))
    throw invalidType('ERR_ARGUMENT_TYPE', `shared.handle must be a Uint8Array, got ${describe(handle)}`);
  return { device: expectDevice('shared.device', device), dtype, shape: expectSizes('shared.shape', shape), handle };
}

/** @internal Refuses the CPU, whose memory has no device pointers. */
export function expectGpu(name: string, device: Device | undefined): void {
  if (device === undefined || device === 'cpu')
    throw invalidRange('ERR_DEVICE', `${name} needs a GPU such as 'cuda:0', got ${describe(device)}`);
}

/** @internal An address above 0, aligned to `bytes`. */
export function expectAddress(name: string, address: number | bigint, bytes: number): bigint {
  if (typeof address !== 'bigint' && typeof address !== 'number')
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be a number or a bigint, got ${describe(address)}`);
  if (typeof address === 'number' && !Number.isSafeInteger(address))
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be a safe integer, got ${address}`);
  const bits = BigInt(address);
  if (bits <= 0n || bits >= 1n << 64n)
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be the address of device memory, got ${bits}`);
  if (bits % BigInt(bytes) !== 0n)
    throw invalidRange(
      'ERR_ARGUMENT_VALUE',
      `${name} must be a multiple of ${bytes}, the bytes of an element, got ${bits}`,
    );
  return bits;
}
