// Stands between CMake and nvcc (CUDA_COMPILER_LAUNCHER): runs the compiler and fails the compilation where ptxas
// says that a kernel is slower than its source reads. Needs `-Xptxas=-v` on the command line.
//
//   node scripts/ptxas-gate.mjs nvcc -c file.cu …

import { spawnSync } from 'node:child_process';

const rules = [
  { pattern: /\b[1-9]\d* bytes stack frame/, broken: 'uses a stack frame: an array is indexed at run time' },
  { pattern: /\b[1-9]\d* bytes spill (?:stores|loads)/, broken: 'spills registers' },
  { pattern: /\bC75\d\d\b/, broken: 'has wgmma serialised or setmaxnreg ignored' },
];

const [compiler, ...args] = process.argv.slice(2);
if (!compiler) {
  console.error('usage: node scripts/ptxas-gate.mjs COMPILER ARGS…');
  process.exit(2);
}
const run = spawnSync(compiler, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
if (run.error) {
  console.error(`ptxas-gate: cannot run ${compiler}: ${run.error.message}`);
  process.exit(2);
}
process.stdout.write(run.stdout);
process.stderr.write(run.stderr);
if (run.status !== 0) process.exit(run.status ?? 1);

// ptxas names a kernel on one line and its resources on the following ones.
let kernel = 'a kernel';
const broken = [];
for (const line of `${run.stdout}\n${run.stderr}`.split('\n')) {
  const named = /(?:Compiling entry function|Function properties for) '?([^' ]+)'?/.exec(line);
  if (named) kernel = named[1];
  for (const rule of rules) if (rule.pattern.test(line)) broken.push(`${kernel} ${rule.broken}: ${line.trim()}`);
}
for (const message of broken) console.error(`ptxas-gate: ${message}`);
process.exit(broken.length > 0 ? 1 : 0);
