// Builds the binary that is published for this platform, then checks what users depend on: the exported symbols,
// the libraries it needs, and the oldest C library it starts on.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const HELP = `usage: node scripts/prebuild.mjs [options]

Writes prebuilds/<platform>-<arch>/fused-attention.<libc>.node and checks it.

  --max-glibc X.Y   fail where the binary needs a newer C library (a release passes 2.28)
  --check-only      check the file that is there, build nothing
  --help            show this text`;

const { values: options } = parseArgs({
  options: {
    'max-glibc': { type: 'string' },
    'check-only': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const root = path.join(import.meta.dirname, '..');
process.chdir(root);
if (!options['check-only']) build();
for (const file of prebuilds()) check(file);

function build() {
  const env = { ...process.env };
  // node-gyp wants Node's headers even for a target that compiles nothing; the local ones spare it a download.
  const prefix = path.join(path.dirname(process.execPath), '..');
  if (!env.npm_config_nodedir && fs.existsSync(path.join(prefix, 'include', 'node', 'node_api.h')))
    env.npm_config_nodedir = fs.realpathSync(prefix);
  fs.rmSync(folder(), { recursive: true, force: true });
  // Through npm, which brings the node-gyp that prebuildify looks for.
  const prebuildify = ['exec', '--', 'prebuildify', '--napi', '--strip', '--tag-libc'];
  const result = spawnSync('npm', prebuildify, { env, stdio: 'inherit' });
  if (result.status !== 0) fail(`prebuildify ended with ${result.status ?? result.error?.message}`);
  // prebuildify moves the addon away from where a checkout loads it.
  execFileSync(process.execPath, ['scripts/build-native.cjs'], { stdio: 'inherit' });
}

function folder() {
  return path.join('prebuilds', `${process.platform}-${process.arch}`);
}

function prebuilds() {
  const files = fs.existsSync(folder()) ? fs.readdirSync(folder()).filter((name) => name.endsWith('.node')) : [];
  if (files.length === 0) fail(`no prebuilt binary in ${folder()}`);
  return files.map((name) => path.join(folder(), name));
}

function check(file) {
  console.log(`${file}: ${(fs.statSync(file).size / 1e6).toFixed(2)} MB`);
  if (process.platform !== 'linux') return;
  const dynamic = execFileSync('readelf', ['--wide', '--dynamic', file], { encoding: 'utf8' });
  const symbols = execFileSync('nm', ['--dynamic', file], { encoding: 'utf8' });

  const exported = [...symbols.matchAll(/^[0-9a-f]+ [A-Z] (\S+)$/gm)]
    .map((match) => match[1].replace(/@.*/, ''))
    .sort();
  expectSame('exported symbols', exported, ['napi_register_module_v1', 'node_api_module_get_api_version_v1']);

  // Everything else, the C++ and the CUDA runtime included, is linked in.
  const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1]);
  const strangers = needed.filter((name) => !/^(?:libc|libm|ld-linux-[\w-]+)\.so\.\d+$/.test(name));
  if (strangers.length > 0) fail(`${file} needs ${strangers.join(', ')}`);
  console.log(`  needs ${needed.join(', ')}`);

  const floor = [...symbols.matchAll(/@GLIBC_([\d.]+)/g)]
    .map((match) => match[1])
    .sort(compareVersions)
    .at(-1);
  console.log(`  starts on glibc ${floor} or later`);
  const limit = options['max-glibc'];
  if (limit && compareVersions(floor, limit) > 0) fail(`${file} needs glibc ${floor}, at most ${limit} was promised`);
}

function compareVersions(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  return x[0] - y[0] || x[1] - y[1] || (x[2] ?? 0) - (y[2] ?? 0);
}

function expectSame(what, actual, expected) {
  if (actual.join() !== expected.join())
    fail(`${what}: ${actual.join(', ') || 'none'}; expected ${expected.join(', ')}`);
  console.log(`  ${what}: ${actual.join(', ')}`);
}

function fail(message) {
  console.error(`prebuild: ${message}`);
  process.exit(1);
}
