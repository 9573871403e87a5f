// Runs compiled test suites on Node's own runner, several processes at a time, and writes what happened as JSON.
// usage: node run-tests.mjs OUT.json SUITE.test.js …

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from 'node:test';

const [out, ...files] = process.argv.slice(2);
if (out === undefined || files.length === 0) {
  console.error('usage: node run-tests.mjs OUT.json SUITE.test.js …');
  process.exit(2);
}
process.env.NODE_OPTIONS = `--require ${path.join(import.meta.dirname, 'jest-globals.cjs')}`;

const report = { passed: 0, failed: 0, skipped: 0, failures: [] };
const started = Date.now();
const events = run({
  files: files.map((file) => path.resolve(file)),
  concurrency: Math.max(1, Math.min(8, os.availableParallelism())),
});
events.on('test:pass', ({ skip, details }) => {
  if (details.type === 'suite') return; // suites and files, whose tests have been counted
  if (skip === undefined) report.passed++;
  else report.skipped++;
});
events.on('test:fail', ({ name, details, file }) => {
  if (details.type === 'suite' && details.error?.failureType === 'subtestsFailed') return;
  report.failed++;
  report.failures.push({
    file: file && path.basename(file),
    name,
    error: String(details.error?.cause ?? details.error),
  });
});
events.on('test:stderr', ({ message }) => process.stderr.write(message));
events.resume();
events.on('end', () => finish());
// Out of time: what is known by then is told all the same.
process.on('SIGTERM', () => {
  report.unfinished = true;
  finish();
  process.exit(1);
});

function finish() {
  report.seconds = (Date.now() - started) / 1000;
  fs.writeFileSync(out, JSON.stringify(report, null, 2) + '\n');
  for (const { name, error } of report.failures.slice(0, 20))
    console.error(`FAIL ${name}\n     ${error.slice(0, 600)}`);
  const { passed, failed, skipped, unfinished } = report;
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped${unfinished ? ', and not finished' : ''}`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
