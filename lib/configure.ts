import { expectInteger, readOptions } from './checks/options.js';
import { guarded } from './errors.js';
import { native } from './native.js';

/** What {@link configure} can set. */
export interface Configuration {
  /** CPU threads for all streams of the process together, 1 to 1024. */
  threads?: number;
}

const configurationNames: ReadonlySet<string> = new Set<keyof Configuration>(['threads']);
/** `kMaxThreads` of `native/backends/cpu/worker_pool.h`. */
const mostThreads = 1024;

/**
 * Settings of the whole process.
 *
 * The number of CPU threads does not change results: they are the same, bit for bit, for any number.
 *
 * @throws {RangeError} `ERR_ARGUMENT_VALUE`, {@link TypeError} `ERR_ARGUMENT_TYPE`, {@link AttentionError} `ERR_OPTION`.
 */
export function configure(configuration: Configuration): void {
  const { threads } = readOptions('configure', configuration, configurationNames);
  if (threads === undefined) return;
  expectInteger('threads', threads, 1, mostThreads);
  guarded(() => native.setThreads(threads));
}
