import { describe } from './checks/options.js';
import { AttentionError, guarded, invalidRange, invalidType } from './errors.js';
import { native } from './native.js';

/** Where tensors lie and work runs: `'cpu'`, or `'cuda:0'`, `'cuda:1'`, … Any string is checked at run time. */
export type Device = 'cpu' | `cuda:${number}` | (string & Record<never, never>);

/** A device of this machine that the addon can use. */
export interface DeviceInfo {
  /** What `device` options take: `'cpu'`. */
  readonly name: Device;
  /** As the maker calls it. */
  readonly model: string;
  /** Instruction path in use, e.g. `'avx512'`. */
  readonly path: string;
  /** Every instruction path that this device can run. */
  readonly paths: readonly string[];
  /** Threads that work at a time; 0 where the notion does not apply. */
  readonly threads: number;
  /** Memory of the device in bytes. */
  readonly memoryBytes: number;
}

/** Whether CUDA devices can be used, and if not, why not: an answer, never an exception. */
export type CudaStatus =
  | {
      readonly available: true;
      /** 13020 is 13.2. */
      readonly driverVersion: number;
      readonly runtimeVersion: number;
      readonly devices: readonly DeviceInfo[];
    }
  | {
      readonly available: false;
      readonly reason: 'not-built' | 'no-driver' | 'driver-too-old' | 'no-device' | 'unsupported-device';
      /** What to do about it, in a sentence. */
      readonly message: string;
      /** 0 where there is none. */
      readonly driverVersion: number;
      readonly runtimeVersion: number;
    };

/** The devices of this machine that the addon can use, the CPU among them. */
export function devices(): readonly DeviceInfo[] {
  return guarded(() => native.devices());
}

/** Whether CUDA can be used here. The first call loads the driver where there is one. */
export function cudaStatus(): CudaStatus {
  return guarded(() => native.cudaStatus());
}

/**
 * @internal A device that can be used; absent: the CPU.
 * @throws {RangeError} `ERR_DEVICE`: not the name of a device.
 * @throws {AttentionError} `ERR_CUDA_UNAVAILABLE`, with the reason: another device is never taken instead.
 */
export function expectDevice(name: string, device: Device | undefined): Device {
  if (device === undefined || device === 'cpu') return 'cpu';
  if (usable.has(device)) return device;
  if (typeof device !== 'string')
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be 'cpu' or 'cuda:N', got ${describe(device)}`);
  for (const found of devices()) usable.add(found.name);
  if (usable.has(device)) return device;
  if (!/^cuda:(?:0|[1-9]\d{0,3})$/.test(device))
    throw invalidRange('ERR_DEVICE', `${name} must be 'cpu' or 'cuda:N', got ${describe(device)}`);
  const status = cudaStatus();
  if (!status.available) throw new AttentionError('ERR_CUDA_UNAVAILABLE', `${name} is '${device}': ${status.message}`);
  const names = status.devices.map((each) => `'${each.name}'`).join(', ');
  throw invalidRange('ERR_DEVICE', `${name} must be one of ${names}, got '${device}'`);
}

/** Devices that have been asked for and found: they stay while the process lives. */
const usable = new Set<Device>();

/** @internal Where a copy between two devices is queued: on the one that is not the CPU, if there is one. */
export function copyingDevice(from: Device, to: Device): Device {
  return to === 'cpu' ? from : to;
}
