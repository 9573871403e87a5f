// No code compiled for one instruction path may be linked into another: every function that an object of a
// path exports, weak ones above all, names its path, as a namespace or as a template argument. Without this
// the linker may keep the AVX-512 copy of an inline function for everybody.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const pathObject = /_(baseline|avx2|avx512|avx512bf16|neon)\.cpp\.o$/;

export function checkSymbols(buildFolder, required, findings) {
  const objects = fs.existsSync(buildFolder)
    ? fs
        .readdirSync(buildFolder, { recursive: true })
        .map((name) => path.join(buildFolder, name))
        .filter((name) => pathObject.test(name) && name.includes(path.join('backends', 'cpu')))
    : [];
  if (objects.length === 0) {
    const report = required ? 'fail' : 'warn';
    findings[report](buildFolder, 0, 'no objects of instruction paths to check: run `npm run build:native` first');
  }
  for (const object of objects) checkObject(object, pathObject.exec(object)[1], findings);
  return objects.length;
}

function checkObject(object, instructionPath, findings) {
  const nm = spawnSync('nm', ['-C', '--defined-only', object], { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (nm.status !== 0) return findings.fail(object, 0, `nm failed: ${nm.stderr ?? nm.error?.message}`);
  for (const line of nm.stdout.split('\n')) {
    // T: a function of this unit alone; W: an inline or template function, one of several copies is kept.
    const symbol = /^[0-9a-f]* ([TWi]) (.*)$/.exec(line);
    if (symbol && !namesPath(symbol[2], instructionPath))
      findings.fail(path.basename(object), 0, `exports ${symbol[2]}, which does not name ${instructionPath}`);
  }
}

/** 'fattn::cpu::prefill<Avx512Bf16>' names avx512bf16, and not avx512. */
function namesPath(symbol, instructionPath) {
  return symbol.split(/\W+/).some((word) => word.toLowerCase().replaceAll('_', '').endsWith(instructionPath));
}
