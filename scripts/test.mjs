// What `npm test` runs: the C++ unit tests, the Jest suites, and the parity suite once more for each further
// instruction path of this machine and for an emulated GPU. The last line sums everything up.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const HELP = `usage: node scripts/test.mjs [options] [PATTERN…]

Without PATTERN: fattn_tests, every Jest suite on the best instruction path, test/parity on each further path
(FUSED_ATTENTION_CPU_LEVEL), and the suites of GPUs on an emulated one. With PATTERN: only the Jest suites whose
path matches.

  --emulated   with PATTERN: on the emulated GPU (FUSED_ATTENTION_EMULATION pins its schedule: see emulated_backend.cpp)
  --package    only test/package: what a user installs (run scripts/prebuild.mjs first)
  --help       show this text`;

const root = path.join(import.meta.dirname, '..');
const total = { passed: 0, failed: 0, skipped: 0 };

const { values: options, positionals: patterns } = parseArgs({
  allowPositionals: true,
  options: {
    emulated: { type: 'boolean', default: false },
    package: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}

/** The addon whose GPU is emulated, and that GPU as the only device under test. */
const emulated = {
  FUSED_ATTENTION_PREBUILD: path.join(root, 'build-emulated'),
  FUSED_ATTENTION_TEST_DEVICES: 'emulated:0',
};

/** Suites that mostly compare numbers: their oracles keep one core busy each, so that every core takes suites. */
const everyCore = ['--maxWorkers=100%'];

if (options.package) jest('package', ['test/package']);
else if (patterns.length > 0) jest('selected suites', patterns, ['/test/package/'], options.emulated ? emulated : {});
else everything();

console.log(`Tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function everything() {
  nativeTests();
  const { path: best, paths, gpus } = machine();
  const others = ['/test/package/', '/test/parity/', ...(gpus > 0 ? [] : ['/test/gpu/'])];
  jest(`all suites but parity, ${best}`, [], others);
  for (const level of [best, ...paths.filter((name) => name !== best)])
    jest(`parity, ${level}`, ['test/parity'], ['/test/package/'], { FUSED_ATTENTION_CPU_LEVEL: level }, everyCore);
  if (fs.existsSync(emulated.FUSED_ATTENTION_PREBUILD))
    jest('parity and GPU suites, emulated:0', ['test/parity', 'test/gpu'], ['/test/package/'], emulated, everyCore);
  else if (process.platform === 'linux')
    failed('the addon with an emulated GPU is not built: run `npm run setup -- --tests`');
}

function nativeTests() {
  heading('fattn_tests');
  const folders = ['build-emulated', 'build-cmake'].flatMap((folder) => [`${folder}/Release`, folder]);
  const program = folders.map((folder) => path.join(root, folder, 'fattn_tests')).find((file) => fs.existsSync(file));
  if (!program) return failed('fattn_tests is not built: run `npm run setup -- --tests`');
  const run = spawnSync(program, [`--jobs=${os.availableParallelism()}`], { encoding: 'utf8', maxBuffer: 1 << 28 });
  process.stdout.write(run.stdout + run.stderr);
  const counts = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m.exec(run.stdout);
  if (!counts) return failed(`fattn_tests ended without a summary (${run.signal ?? `exit code ${run.status}`})`);
  add({ passed: Number(counts[1]), failed: Number(counts[2]), skipped: Number(counts[3] ?? 0) });
  if (run.status !== 0 && counts[2] === '0') failed(`fattn_tests ended with ${run.signal ?? run.status}`);
}

/** The instruction path in use, all that this machine can run, and its GPUs, asked in a process of its own. */
function machine() {
  const script = `
    const native = require('node-gyp-build')(process.cwd());
    const { path, paths } = native.devices().find(({ name }) => name === 'cpu');
    console.log(JSON.stringify({ path, paths, gpus: native.devices().length - 1 }));`;
  const run = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  if (run.status === 0) return JSON.parse(run.stdout);
  failed(`the addon does not load:\n${run.stderr}`);
  return { path: 'unknown', paths: [], gpus: 0 };
}

function jest(what, selection, ignored = [], environment = {}, flags = []) {
  heading(`jest: ${what}`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-jest-'));
  const report = path.join(folder, 'report.json');
  const program = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const skips = ['/node_modules/', ...ignored].flatMap((pattern) => ['--testPathIgnorePatterns', pattern]);
  const args = [program, '--json', `--outputFile=${report}`, ...flags, ...skips, '--', ...selection];
  // The report also goes to standard output, which nobody needs twice; the readable one is on standard error.
  const run = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...environment },
  });
  try {
    addReport(JSON.parse(fs.readFileSync(report, 'utf8')), what, run.status);
  } catch (error) {
    failed(`jest (${what}) wrote no report: ${error.message}`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function addReport(report, what, status) {
  add({
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  });
  // A suite that does not even load has no failed test to be counted by.
  for (let i = 0; i < report.numRuntimeErrorTestSuites; ++i) failed(`a suite of jest (${what}) did not run`);
  if (report.numTotalTests === 0) failed(`jest (${what}) ran nothing`);
  else if (status !== 0 && report.numFailedTests + report.numRuntimeErrorTestSuites === 0)
    failed(`jest (${what}) ended with ${status}`);
}

function add({ passed, failed, skipped }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

function failed(message) {
  total.failed += 1;
  console.error(`FAIL ${message}`);
}

function heading(text) {
  console.log(`\n== ${text}`);
}
