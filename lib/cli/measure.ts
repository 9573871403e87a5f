import type { Stream } from '../index.js';
import type { PreparedCall } from './contestants.js';

// A call of some microseconds is timed in a batch of this length, where the clock's and the queue's share vanishes.
const BATCH_MILLISECONDS = 5;
const MOST_CALLS = 64;

/** Something to time against others: makes calls, each with inputs of its own. */
export interface Entrant {
  prepare(): PreparedCall;
}

/**
 * Milliseconds of one call of each entrant in each round: `times[entrant][round]`. All entrants run in every round,
 * each round starting with the next one, so that drift of the machine's speed meets all of them alike. The first,
 * untimed round warms up and finds how many calls make a batch.
 */
export async function measureInterleaved(
  entrants: readonly Entrant[],
  rounds: number,
  stream: Stream,
  done: (entrant: number) => void,
): Promise<number[][]> {
  const batches: number[] = [];
  for (const [index, entrant] of entrants.entries()) {
    const cold = await timePerCall(entrant, 1, stream);
    // A call that long is a batch of its own, however much faster the next one would be.
    const once = cold > 2 * BATCH_MILLISECONDS ? cold : await timePerCall(entrant, 1, stream);
    batches.push(Math.min(MOST_CALLS, Math.ceil(BATCH_MILLISECONDS / Math.max(once, 1e-3))));
    done(index);
  }
  const times: number[][] = entrants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < entrants.length; turn++) {
      const index = (round + turn) % entrants.length;
      times[index]!.push(await timePerCall(entrants[index]!, batches[index]!, stream));
      done(index);
    }
  }
  return times;
}

/** Time on the device, between two events around the calls; the stream is idle before and after. */
async function timePerCall(entrant: Entrant, calls: number, stream: Stream): Promise<number> {
  const prepared = Array.from({ length: calls }, () => entrant.prepare());
  try {
    await stream.synchronize();
    const start = stream.record();
    for (const call of prepared) call.queue();
    const end = stream.record();
    await stream.synchronize(); // where a failed call would say so
    return (await end.elapsedSince(start)) / calls;
  } finally {
    for (const call of prepared) call[Symbol.dispose]();
  }
}
