// The rules of CONTRIBUTING.md that a machine can check.

import { parseArgs } from 'node:util';
import { Findings, readFiles, root } from './house/files.mjs';
import { checkImports } from './house/imports.mjs';
import { checkIncludes } from './house/includes.mjs';
import { checkPrimitives } from './house/primitives.mjs';
import { checkSymbols } from './house/symbols.mjs';
import { checkText } from './house/text.mjs';

const HELP = `usage: node scripts/check-house.mjs [options]

Checks who includes and imports whom, macros and #if, names and sizes of files, paths of one machine,
that every primitive of native/simt has its check, and the symbols of the objects in build-cmake/. Warnings do not fail the check.

  --objects    fail where no objects are built, instead of warning
  --help       show this text`;

const { values: options } = parseArgs({ options: { objects: { type: 'boolean' }, help: { type: 'boolean' } } });
if (options.help) {
  console.log(HELP);
  process.exit(0);
}

process.chdir(root);
const findings = new Findings();
const files = readFiles();
checkIncludes(files, findings);
checkImports(files, findings);
checkPrimitives(files, findings);
checkText(files, findings);
const objects = checkSymbols('build-cmake', options.objects, findings);

for (const warning of findings.warnings) console.warn(`warning: ${warning}`);
for (const failure of findings.failures) console.error(`FAIL ${failure}`);
console.log(
  `House: ${files.length} files and ${objects} objects checked, ` +
    `${findings.failures.length} broken rules, ${findings.warnings.length} warnings`,
);
process.exit(findings.failures.length > 0 ? 1 : 0);
