import type { Device } from './device.js';
import { guarded } from './errors.js';
import { native } from './native.js';

/** What the tensors of this thread (the main one, or a worker) occupy on one device. */
export interface MemoryUsage {
  readonly device: Device;
  /** Tensors that are neither disposed of nor collected. */
  readonly tensors: number;
  /** Of their storages, each counted once however many views there are. */
  readonly bytes: number;
}

/** Live tensors and their bytes, one entry per device. Work in flight may hold storages beyond these. */
export function memoryUsage(): readonly MemoryUsage[] {
  return guarded(() => native.memoryUsage());
}
