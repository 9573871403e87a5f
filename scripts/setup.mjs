// Brings a checkout to the point where it runs: dependencies, native addon, compiled TypeScript. Runs before
// `npm test` and `npm run bench`, so it does nothing, quickly, where everything is up to date.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const HELP = `usage: node scripts/setup.mjs [options]

  --tests      also build fattn_tests, the C++ unit tests
  --peers      also install bench/peers, the libraries that the benches compare with
  --fresh      compile dist/ from nothing, so that no file of a removed source is left
  --help       show this text`;

const root = fileURLToPath(new URL('..', import.meta.url)); // older Nodes must get as far as expectNode()
const at = (...parts) => path.join(root, ...parts);

const { values: options } = parseArgs({
  options: {
    tests: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
expectNode();
installPackages(root);
const build = (what, ...flags) => run(what, process.execPath, ['scripts/build-native.cjs', ...flags]);
const emulates = process.platform === 'linux'; // the emulator of the GPU is an instrument of the tests, for Linux
build('native addon', ...(options.tests && !emulates ? ['--tests'] : []));
if (options.tests && emulates) build('addon with an emulated GPU, C++ tests', '--emulated', '--tests');
compileTypeScript();
if (options.peers) installPackages(at('bench', 'peers'));

function expectNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 17)) return;
  console.error(`fused-attention needs Node 20.17 or later; this is ${process.version}.`);
  process.exit(1);
}

/** `npm ci` where node_modules is missing or older than the lock file. */
function installPackages(folder) {
  const installed = modified(path.join(folder, 'node_modules', '.package-lock.json'));
  if (installed >= modified(path.join(folder, 'package-lock.json'))) return;
  // Scripts stay off: no dependency needs one, and ours would build what is built next anyway.
  run(`packages of ${path.relative(root, folder) || 'the checkout'}`, 'npm', ['ci', '--ignore-scripts'], folder);
}

/** tsc, unless every file in dist/ is newer than every source. */
function compileTypeScript() {
  if (options.fresh) fs.rmSync(at('dist'), { recursive: true, force: true });
  const sources = [at('tsconfig.json'), at('package.json'), ...filesIn(at('lib'))];
  if (modified(at('dist', 'index.js')) > Math.max(...sources.map(modified))) return;
  run('TypeScript', process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.']);
}

function filesIn(folder) {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

/** Milliseconds since 1970, 0 for a file that is not there. */
function modified(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function run(what, command, args, cwd = root) {
  const result = spawnSync(command, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.status === 0) return;
  console.error(`setup: ${what} failed${result.error ? `: ${result.error.message}` : ''}`);
  process.exit(1);
}
