// What scripts/gpu-bundle/run.sh does where nothing works: every step says why, and the summary can be read.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';

const scripts = path.resolve(__dirname, '../../scripts/gpu-bundle');
const steps =
  'unpack info conformance parity sharing repeat memcheck racecheck queueing designs sparse torch loss'.split(' ');

interface Step {
  step: string;
  exit: number;
  message: string;
}

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-bundle-'));
  fs.cpSync(scripts, folder, { recursive: true });
  fs.mkdirSync(path.join(folder, 'package'));
  fs.writeFileSync(path.join(folder, 'facts.json'), '{}');
  fs.writeFileSync(path.join(folder, 'simt_conformance'), '#!/bin/sh\necho \'{"status": "failed"}\'\n');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs the bundle with `node` as its Node, on a machine that has nothing else of its own. */
function run(node: string): Step[] {
  fs.writeFileSync(path.join(folder, 'node.gz'), zlib.gzipSync(node));
  const env = { PATH: '/usr/bin:/bin', CUDA_HOME: path.join(folder, 'nowhere') };
  const ended = spawnSync('bash', ['run.sh', 'out'], { cwd: folder, env, encoding: 'utf8' });
  expect(ended.status).toBe(1);
  return JSON.parse(fs.readFileSync(path.join(folder, 'out', 'summary.json'), 'utf8')) as Step[];
}

test('every failed step says why', () => {
  const summary = run('#!/bin/sh\n[ "$1" = --version ] || { echo \'Error: "no" \\device\' >&2; exit 3; }\n');
  expect(summary.map(({ step }) => step)).toEqual(steps);
  for (const { step, exit, message } of summary) {
    expect(exit === 0).toBe(step === 'unpack');
    if (exit === 3) expect(message).toBe('Error: "no" \\device');
    if (exit !== 0) expect(message).toMatch(/\w/);
  }
});

test('a Node that does not start is told of, and the other steps are tried', () => {
  const [unpack, ...others] = run('#!/nowhere/sh\n');
  expect(unpack).toMatchObject({ step: 'unpack', message: expect.stringContaining('not found') as string });
  expect(others.map(({ step }) => step)).toEqual(steps.slice(1));
});

test('all limits together stay below nine minutes', () => {
  const text = fs.readFileSync(path.join(scripts, 'run.sh'), 'utf8');
  const limits = [...text.matchAll(/^step \w+ (\d+)/gm)].map(([, seconds]) => Number(seconds) + 5);
  expect(limits).toHaveLength(steps.length);
  expect(limits.reduce((sum, limit) => sum + limit)).toBeLessThan(9 * 60);
});
