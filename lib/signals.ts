/** Abort signals: those that end a wait, and those that revoke queued work. */

import { describe } from './checks/options.js';
import { invalidType } from './errors.js';
import type { AbortHandle } from './native-module.js';
import { native } from './native.js';

/** A signal that queued work knows of, and its one listener. It does not keep the signal. */
interface Watch {
  readonly signal: WeakRef<AbortSignal>;
  readonly flag: AbortHandle;
  readonly raise: () => void;
}

const flags = new WeakMap<AbortSignal, AbortHandle>();
const watches = new Set<Watch>();
const leastToSweep = 64;
let sweepAt = leastToSweep;

/** Signals of other realms, and of polyfills, are as good. */
export function expectSignal(signal: unknown): asserts signal is AbortSignal {
  const { throwIfAborted, addEventListener } = Object(signal) as Partial<AbortSignal>;
  if (typeof throwIfAborted !== 'function' || typeof addEventListener !== 'function')
    throw invalidType('ERR_ARGUMENT_TYPE', `signal must be an AbortSignal, got ${describe(signal)}`);
}

/**
 * What queued work looks at to learn that `signal` was aborted: one flag and one listener for each signal, however many
 * calls it revokes. Throws `signal.reason` where that has happened already.
 */
export function abortFlag(signal: AbortSignal | undefined): AbortHandle | undefined {
  if (signal === undefined) return undefined;
  expectSignal(signal);
  signal.throwIfAborted();
  return flags.get(signal) ?? watch(signal);
}

function watch(signal: AbortSignal): AbortHandle {
  if (watches.size >= sweepAt) sweep();
  const flag = native.abortCreate();
  const raise = (): void => {
    native.abortRaise(flag);
    watches.delete(watched);
  };
  const watched: Watch = { signal: new WeakRef(signal), flag, raise };
  signal.addEventListener('abort', raise, { once: true });
  flags.set(signal, flag);
  watches.add(watched);
  return flag;
}

/**
 * Gives up the signals whose work is done: Node keeps those of AbortSignal.any() and timeout() alive while somebody
 * listens, so that a server which makes one for each request would collect them. Comes often enough that those kept
 * for nothing are at most as many as those in use, or a few.
 */
function sweep(): void {
  for (const watched of watches) {
    if (native.abortInUse(watched.flag)) continue;
    const signal = watched.signal.deref();
    signal?.removeEventListener('abort', watched.raise);
    if (signal !== undefined) flags.delete(signal);
    watches.delete(watched);
  }
  sweepAt = Math.max(leastToSweep, 2 * watches.size);
}
