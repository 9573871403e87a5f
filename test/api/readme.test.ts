// What the README says works when pasted, works.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Tensor } from '../../lib/index.js';

const root = path.resolve(__dirname, '../..');
const readme = fs.readFileSync(path.join(root, 'README.md'), 'utf8');

test('the first example prints the shape and four numbers', () => {
  const [, example] = /^```js\n([^]*?)^```/m.exec(readme)!;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', example!], { cwd: root, encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
  expect(run.stdout).toMatch(/^\[ 1, 1024, 16, 64 \] Float32Array\(4\) \[(?:\s+-?\d[\d.e-]*,?){4}\s+\]\n$/);
});

test('the other examples run, and print a shape and the length that belongs to it', () => {
  const [, ...examples] = [...readme.matchAll(/^```js\n([^]*?)^```/gm)].map(([, code]) => code!);
  expect(examples.length).toBeGreaterThanOrEqual(4); // none is lost to the pattern
  for (const example of examples) {
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', example], { cwd: root, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    const [, shape, length] = /^\[ ([\d, ]+) \] (\d+)\n$/.exec(run.stdout)!;
    expect(shape!.split(', ').reduce((product, size) => product * Number(size), 1)).toBe(Number(length));
  }
});

test('every member of a tensor is listed', () => {
  const members = Object.getOwnPropertyNames(Tensor.prototype).filter((name) => name !== 'constructor');
  for (const name of members) expect(readme).toMatch(new RegExp('`(await )?' + name + '[`(]'));
});

test('every error code is explained, and none that does not exist', () => {
  const codes = fs.readFileSync(path.join(root, 'lib', 'errors.ts'), 'utf8').match(/\bERR_[A-Z_]+\b/g)!;
  expect(new Set(readme.match(/\bERR_[A-Z_]+\b/g))).toEqual(new Set(codes));
});

test('links lead to files', () => {
  for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g))
    expect([target, fs.existsSync(path.join(root, target!))]).toEqual([target, true]);
});
