// How time is taken: contestants take turns within every round, so that a change of the machine's speed meets all of
// them, and a ratio is formed within a round.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile } from '../dist/cli/statistics.js';

const TURN_MILLISECONDS = 150; // short calls are repeated, and the median of the turn counts
const MOST_CALLS = 300;
// Other libraries' idle threads spin for a while before they sleep; a turn starts after that, not during it.
const PAUSE_MILLISECONDS = 50;

/** @typedef {{ name: string, run(): Promise<void>, dispose(): Promise<void> }} Contestant */

/**
 * Milliseconds per call, `times[contestant][round]`. Every contestant warms up first, untimed, which also tells how
 * often its call fits into a turn.
 * @param {Contestant[]} contestants
 */
export async function alternate(contestants, rounds) {
  const calls = [];
  for (const contestant of contestants) calls.push(await warmUp(contestant));
  const times = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contestants.length; turn++) {
      const index = (round + turn) % contestants.length;
      times[index].push(await takeTurn(contestants[index], calls[index]));
    }
  }
  return times;
}

/** The number of calls that make a turn. */
async function warmUp(contestant) {
  await contestant.run();
  const once = await takeTurn(contestant, 2);
  return Math.max(1, Math.min(MOST_CALLS, Math.round(TURN_MILLISECONDS / once)));
}

/** Median milliseconds of the turn's calls. */
async function takeTurn(contestant, calls) {
  await sleep(PAUSE_MILLISECONDS);
  const times = [];
  for (let call = 0; call < calls; call++) {
    const start = performance.now();
    await contestant.run();
    times.push(performance.now() - start);
  }
  return quantile(times, 0.5);
}

/**
 * A row's result: how many times faster `fast` is than the quickest of `others`, round by round. Disposes all.
 * @param {Contestant} fast
 * @param {Contestant[]} others
 */
export async function ratioOfTimes(fast, others, { rounds }) {
  const contestants = [fast, ...others];
  try {
    const times = await alternate(contestants, rounds);
    const values = times[0].map((time, round) => Math.min(...times.slice(1).map((other) => other[round])) / time);
    return { values, detail: { milliseconds: byName(contestants, times) } };
  } finally {
    for (const contestant of contestants) await contestant.dispose();
  }
}

/**
 * A row's result: percent of a ceiling of this machine, which a process of its own measures afresh in every round.
 * @param {Contestant} contestant
 * @param {number} work Of one call, in the unit of the ceiling times seconds.
 * @param {'f32Flops' | 'bf16Flops' | 'readBytes'} ceiling
 */
export async function shareOfCeiling(contestant, work, ceiling, { rounds, threads }) {
  try {
    const calls = await warmUp(contestant);
    const [milliseconds, ceilings] = [[], []];
    for (let round = 0; round < rounds; round++) {
      ceilings.push(measureCeilings(threads)[ceiling]);
      milliseconds.push(await takeTurn(contestant, calls));
    }
    const values = milliseconds.map((time, round) => (100 * work * 1e3) / time / ceilings[round]);
    return { values, detail: { milliseconds: byName([contestant], [milliseconds]), work, [ceiling]: ceilings } };
  } finally {
    await contestant.dispose();
  }
}

const byName = (contestants, times) => Object.fromEntries(contestants.map(({ name }, index) => [name, times[index]]));

export const measureCeilings = (threads) => runChild('ceilings.mjs', threads);

/** What a script of bench/child prints as JSON, from a process that has done nothing else. */
export function runChild(script, threads, flags = []) {
  const file = fileURLToPath(new URL(`child/${script}`, import.meta.url));
  const output = execFileSync(process.execPath, [...flags, file], {
    encoding: 'utf8',
    env: { ...process.env, FUSED_ATTENTION_THREADS: String(threads) },
  });
  return JSON.parse(output);
}
