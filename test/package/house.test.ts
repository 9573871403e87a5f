// Every rule of scripts/check-house.mjs catches the mistake it is there for, and lets the right thing pass.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const checkout = path.resolve(__dirname, '../..');
let folder: string;

beforeAll(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-house-'));
  spawnSync('git', ['init', '-q'], { cwd: folder });
  fs.cpSync(path.join(checkout, 'scripts'), path.join(folder, 'scripts'), { recursive: true });
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Runs the check on a repository that consists of the scripts and one more file. */
function checkWith(name: string, text: string, ...options: string[]) {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  const run = spawnSync(process.execPath, ['scripts/check-house.mjs', ...options], { cwd: folder, encoding: 'utf8' });
  fs.rmSync(file);
  return run;
}

const lines = (count: number) => 'export {};\n'.repeat(count);
const elsewhere = ['', 'home', 'somebody', 'project'].join('/');

test.each([
  ['core includes Node-API', 'native/core/a.cpp', '#include <napi.h>', 'may not include <napi.h>'],
  ['core includes a backend', 'native/core/a.cpp', '#include "backends/cpu/a.h"', 'may not include "backends'],
  ['a backend includes the binding', 'native/backends/cpu/a.cpp', '#include "binding/a.h"', 'may not include "binding'],
  ['the CPU backend includes CUDA', 'native/backends/cpu/a.cpp', '#include <cuda_runtime.h>', 'may not include <cuda'],
  ['an include by another path', 'native/core/a.cpp', '#include "core/nothing.h"', 'not a path relative to native/'],
  ['intrinsics in shared code', 'native/backends/cpu/a.h', '#pragma once\n#include <immintrin.h>', 'instruction-set'],
  [
    'the standard library in a kernel',
    'native/kernels/a.h',
    '#pragma once\n#include <vector>',
    'only include <cstdint>',
  ],
  ['threadIdx in a kernel', 'native/kernels/a.h', '#pragma once\nint i = threadIdx.x;', 'primitives of simt/'],
  ['a macro', 'native/core/a.cpp', '#define CHECK(x) x', 'macro CHECK'],
  ['#if in shared code', 'native/backends/cpu/a.cpp', '#ifdef __AVX2__\n#endif', '#if outside simt/'],
  ['a header without its guard', 'native/core/a.h', 'int a();', '#pragma once'],
  [
    'a primitive without a check',
    'native/simt/a.h',
    '#pragma once\nFATTN_DEVICE void vote(int id);',
    'native/simt/a.h:2: vote has no check',
  ],
  [
    'a check of nothing',
    'test/simt/checks.h',
    '#pragma once\nreturn {{{"vote"}, Needs::kSm80, check}};',
    'checks vote, which native/simt/ does not declare',
  ],
  ['a C++ file in kebab-case', 'native/core/a-b.cpp', '', 'snake_case'],
  ['a folder nobody planned', 'native/extra/a.cpp', '', 'does not know'],
  ['lib imports a native file', 'lib/a.ts', "import '../native/core/a.js';", "may not import '../native"],
  ['lib loads the addon itself', 'lib/a.ts', "const a = require('node-gyp-build');", 'may not import'],
  ['lib imports the command line', 'lib/ops/a.ts', "import { b } from '../cli/b.js';", 'may not import'],
  ['a test reaches into lib', 'test/parity/a.test.ts', "import { b } from '../../lib/tensor.js';", 'may not import'],
  ['the oracle imports lib', 'test/oracle/a.ts', "import { b } from '../../lib/index.js';", 'may not import'],
  ['a file named utils', 'lib/string-utils.ts', '', 'name the thing'],
  ['a TypeScript file in snake_case', 'lib/a_b.ts', '', 'kebab-case'],
  ['a file of 301 lines in lib', 'lib/a.ts', lines(301), '200 is the limit'],
  ['unfinished work', 'lib/a.ts', ['// TO', 'DO: later'].join(''), 'issue number'],
  ['a path of one machine', 'docs.md', `see ${elsewhere}`, 'a path of one machine'],
  ['a download address', 'package-lock.json', ['{ "resolved": "ht', 'tp://x/y.tgz" }'].join(''), 'a download address'],
])('%s is refused', (_, name, text, message) => {
  const run = checkWith(name, text);
  expect(run.stderr).toContain(message);
  expect(run.status).toBe(1);
});

test.each([
  ['a file as the table wants it', 'lib/ops/a.ts', "import { b } from '../tensor.js';\n"],
  ['#if in the dispatching file', 'native/backends/cpu/instruction_path.cpp', '#ifdef A\n#endif\n'],
  ['a comment that mentions an import', 'lib/a.ts', "// import { b } from '../native/b.js';\nexport {};\n"],
])('%s passes', (_, name, text) => {
  const run = checkWith(name, text);
  expect(run.stderr).not.toContain('FAIL');
  expect(run.status).toBe(0);
});

describe('symbols', () => {
  /** Compiles `source` to an object of the avx512 path and checks it. */
  function checkObject(source: string) {
    const target = path.join(folder, 'build-cmake', 'native', 'backends', 'cpu');
    fs.mkdirSync(target, { recursive: true });
    const object = path.join(target, 'kernels_avx512.cpp.o');
    const compiled = spawnSync('c++', ['-x', 'c++', '-std=c++20', '-O0', '-c', '-', '-o', object], { input: source });
    expect(compiled.status).toBe(0);
    return checkWith('.gitignore', 'build-*\n', '--objects');
  }

  test('an inline function that does not name its path is refused', () => {
    const run = checkObject(
      'inline int twice(int x) { return 2 * x; } namespace avx512 { int f() { return twice(2); } }',
    );
    expect(run.stderr).toContain('exports twice(int), which does not name avx512');
    expect(run.status).toBe(1);
  });

  test('the name of another path does not count', () => {
    const run = checkObject('struct Avx512Bf16; template <class> int f() { return 1; } template int f<Avx512Bf16>();');
    expect(run.stderr).toContain('does not name avx512');
  });

  test('a namespace or a template argument names the path', () => {
    const run = checkObject(`
      struct Avx512; template <class> int f() { return 1; } template int f<Avx512>();
      namespace avx512 { inline int g() { return 2; } int h() { return g(); } }
      namespace { int hidden() { return 3; } } int (*kernels_avx512())() { return hidden; }`);
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  test('missing objects are a failure only where they are asked for', () => {
    fs.rmSync(path.join(folder, 'build-cmake'), { recursive: true, force: true });
    expect(checkWith('a.md', '').status).toBe(0);
    expect(checkWith('a.md', '', '--objects').status).toBe(1);
  });
});
