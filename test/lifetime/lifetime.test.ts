/**
 * Lifetimes, each in a process of its own, so that a crash is a failed assertion. The scripts in children/ use what
 * `npm run build` made, throw where something is wrong, and print 'done' as their last word.
 */

import { spawnSync } from 'node:child_process';
import path from 'node:path';

interface Child {
  says: string;
  script: string;
  flags?: string[];
  /** The script ends before it could print: exiting is what it tests. */
  silent?: boolean;
}

const children: Child[] = [
  { says: 'tensors are disposed of while work on them is in flight', script: 'dispose-in-flight' },
  { says: "a caller's array is transferred right after the call", script: 'transfer-input' },
  { says: "a caller's buffer shrinks right after the call", script: 'shrink-input' },
  { says: 'streams are closed and forgotten with work in flight', script: 'forget-streams', flags: ['--expose-gc'] },
  {
    says: 'tensors are collected while work on them is in flight',
    script: 'collect-in-flight',
    flags: ['--expose-gc'],
  },
  { says: '10,000 tensors are never disposed of', script: 'never-dispose', flags: ['--expose-gc'] },
  { says: 'worker threads are terminated amid a flood of calls', script: 'terminate-workers' },
  { says: 'worker threads end by themselves with work in flight', script: 'end-workers' },
  { says: 'the process exits with work in flight', script: 'exit-with-work', silent: true },
  { says: 'the process ends with work that nobody waits for', script: 'end-with-work' },
  { says: 'a promise that nobody awaits keeps the process until it is settled', script: 'pending-promise' },
  { says: 'index tensors are overwritten while calls read them', script: 'rewrite-indices' },
  { says: 'a worker ends with tens of thousands of streams ready', script: 'many-streams' },
  {
    says: 'one signal revokes 100,000 calls, and 10,000 signals are made of it',
    script: 'signals',
    flags: ['--expose-gc'],
  },
  { says: 'the event loop goes on during a long call', script: 'event-loop' },
];

test.each(children)(
  '$says',
  ({ script, flags = [], silent }) => {
    const file = path.join(__dirname, 'children', `${script}.mjs`);
    const run = spawnSync(process.execPath, [...flags, file], { encoding: 'utf8', timeout: 120_000 });
    expect({ status: run.status, signal: run.signal, stderr: run.stderr }).toEqual({
      status: 0,
      signal: null,
      stderr: '',
    });
    expect(run.stdout).toBe(silent ? '' : 'done\n');
  },
  150_000,
);
