/** Lifetimes on a GPU, in processes of their own, as in test/lifetime. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { gpus } from '../support/gpus.js';

const children = [
  { says: 'tensors are disposed of and collected while work is in flight', script: 'gpu-in-flight' },
  { says: 'workers and the process end with work in flight', script: 'gpu-workers' },
];

describe.each(gpus)('lifetimes, %s', (device) => {
  test.each(children)(
    '$says',
    ({ script }) => {
      const file = path.join(__dirname, '..', 'lifetime', 'children', `${script}.mjs`);
      const run = spawnSync(process.execPath, ['--expose-gc', file, device], { encoding: 'utf8', timeout: 120_000 });
      expect({ status: run.status, signal: run.signal, stderr: run.stderr }).toEqual({
        status: 0,
        signal: null,
        stderr: '',
      });
      expect(run.stdout).toBe('done\n');
    },
    150_000,
  );
});
