// The part of the CUDA gate that comes after compiling (ptxas-gate.mjs watches the compiler): the addon is built
// with CUDA, loads whether or not there is a driver, and says why CUDA cannot be used.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

process.chdir(path.join(import.meta.dirname, '..'));
const ask = `
  const native = require('node-gyp-build')(process.cwd());
  console.log(JSON.stringify({ cuda: native.buildInfo().cuda, status: native.cudaStatus() }));`;
const { cuda, status } = JSON.parse(execFileSync(process.execPath, ['-e', ask], { encoding: 'utf8' }));
console.log(JSON.stringify({ cuda, status }, null, 2));

const problems = [];
if (!cuda?.architectures) problems.push('the addon was built without CUDA');
if (!status.available) {
  const hasDriver = fs.existsSync('/proc/driver/nvidia/version');
  if (!hasDriver && status.reason !== 'no-driver') problems.push(`no driver here, yet the reason is ${status.reason}`);
  if (!/\w/.test(status.message)) problems.push('the status has no message');
}
for (const problem of problems) console.error(`FAIL check-cuda: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);
