import { expectInteger, expectOptions } from './checks/options.js';
import type { Device } from './device.js';
import { guarded } from './errors.js';
import { native } from './native.js';

/** What {@link configure} can set. */
export interface Configuration {
  /** CPU threads for all streams of the process together, at least 1. */
  threads?: number;
}

/** What the tensors of this thread (the main one, or a worker) occupy on one device. */
export interface MemoryUsage {
  readonly device: Device;
  /** Tensors that are neither disposed of nor collected. */
  readonly tensors: number;
  /** Of their storages, each counted once however many views there are. */
  readonly bytes: number;
}

const configurationNames: ReadonlySet<string> = new Set<keyof Configuration>(['threads']);

/**
 * Settings of the whole process.
 *
 * The number of CPU threads does not change results: they are the same, bit for bit, for any number.
 *
 * @throws {RangeError} `ERR_ARGUMENT_VALUE`, {@link TypeError} `ERR_ARGUMENT_TYPE`, {@link AttentionError} `ERR_OPTION`.
 */
export function configure(configuration: Configuration): void {
  expectOptions('configure', configuration, configurationNames);
  const { threads } = configuration;
  if (threads === undefined) return;
  expectInteger('threads', threads, 1, 2 ** 31 - 1);
  guarded(() => native.setThreads(threads));
}

/** Live tensors and their bytes, one entry per device. Work in flight may hold storages beyond these. */
export function memoryUsage(): readonly MemoryUsage[] {
  return guarded(() => native.memoryUsage());
}
