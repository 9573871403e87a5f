// The gate between CMake and nvcc, fed with what ptxas prints.

import { spawnSync } from 'node:child_process';
import path from 'node:path';

const gate = path.resolve(__dirname, '../../scripts/ptxas-gate.mjs');

/** Runs the gate on a compiler that prints `text` on standard error and ends with `status`. */
function gated(text: string, status = 0) {
  const compiler = `process.stderr.write(${JSON.stringify(text)}); process.exitCode = ${status};`;
  return spawnSync(process.execPath, [gate, process.execPath, '-e', compiler], { encoding: 'utf8' });
}

const clean = `ptxas info    : Compiling entry function 'attention' for 'sm_90a'
ptxas info    : Function properties for attention
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 168 registers, used 4 barriers`;

test('a clean kernel passes, and what the compiler said is passed on', () => {
  const run = gated(clean);
  expect(run.status).toBe(0);
  expect(run.stderr).toContain('Used 168 registers');
});

test.each([
  ['a stack frame', clean.replace('0 bytes stack frame', '64 bytes stack frame')],
  ['spilled registers', clean.replace('0 bytes spill stores', '16 bytes spill stores')],
  ['reloaded registers', clean.replace('0 bytes spill loads', '120 bytes spill loads')],
  ['serialised wgmma', `${clean}\nptxas info : (C7510) Potential Performance Loss: wgmma.mma_async serialized`],
])('a kernel with %s fails and is named', (_, text) => {
  const run = gated(text);
  expect(run.status).toBe(1);
  expect(run.stderr).toContain('ptxas-gate: attention ');
});

test("a failing compiler's exit code is kept", () => {
  expect(gated('error: no such file', 3).status).toBe(3);
});
