import { readOptions } from './checks/options.js';
import { fromNative } from './errors.js';
import { expectSignal } from './signals.js';

/** Options of everything that waits. */
export interface WaitOptions {
  /**
   * Ends the wait, which rejects with `signal.reason`. The work that was waited for goes on, unless it was queued with
   * the signal too.
   */
  signal?: AbortSignal;
}

const waitNames: ReadonlySet<string> = new Set<keyof WaitOptions>(['signal']);
const noOptions: WaitOptions = Object.freeze({});

/**
 * @internal Starts a native operation and waits for it, until `signal` says otherwise. What the addon throws or rejects
 * with becomes an error of this package.
 */
export async function waitFor<T>(what: string, options: WaitOptions | undefined, start: () => Promise<T>): Promise<T> {
  const { signal } = options === undefined ? noOptions : readOptions(what, options, waitNames);
  if (signal !== undefined) expectSignal(signal);
  signal?.throwIfAborted();
  try {
    const work = start();
    return await (signal === undefined ? work : abandonable(work, signal));
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error;
    throw fromNative(error);
  }
}

async function abandonable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abandon!: () => void;
  const abandoned = new Promise<never>((_, reject) => {
    abandon = () => reject(signal.reason as Error);
  });
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await Promise.race([work, abandoned]);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}
