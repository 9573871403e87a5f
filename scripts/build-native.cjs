'use strict';
// Builds the native addon with CMake and puts it where the loader looks. Published: installs without a
// prebuilt binary come here through binding.gyp.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');

const HELP = `usage: node scripts/build-native.cjs [options]

Builds build-cmake/fused_attention.node (Release) and copies it to build/Release/. CMake decides what
is stale: nothing is compiled when nothing changed.

  --out FILE            copy the addon here instead
  --emulated            build with an emulated GPU instead of CUDA, for tests, in build-emulated/; the addon goes
                        to build-emulated/build/Release/ (FUSED_ATTENTION_PREBUILD=$PWD/build-emulated loads it)
  --tests               also build fattn_tests, the C++ unit tests
  -D NAME=VALUE         set a CMake cache variable, e.g. FATTN_CUDA=OFF, FATTN_CUDA_REQUIRED=ON, FATTN_WERROR=ON
  --jobs N              compilations at a time (default: the number of processors)
  --help                show this text`;

const root = path.join(__dirname, '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    emulated: { type: 'boolean', default: false },
    tests: { type: 'boolean', default: false },
    define: { type: 'string', short: 'D', multiple: true, default: [] },
    jobs: { type: 'string', default: String(os.availableParallelism()) },
    help: { type: 'boolean', default: false },
  },
});
const workFolder = path.join(root, values.emulated ? 'build-emulated' : 'build-cmake');
const cacheFile = path.join(workFolder, 'CMakeCache.txt');

function main() {
  if (values.help) return console.log(HELP);

  expectTools();
  const definitions = [...values.define];
  if (values.emulated && readCache('FATTN_EMULATED') !== 'ON') definitions.push('FATTN_EMULATED=ON', 'FATTN_CUDA=OFF');
  if (values.tests && readCache('FATTN_TESTS') !== 'ON') definitions.push('FATTN_TESTS=ON');
  configure(definitions);

  const targets = values.tests ? ['fused_attention', 'fattn_tests'] : ['fused_attention'];
  run('cmake', ['--build', workFolder, '--config', 'Release', '--parallel', values.jobs, '--target', ...targets]);

  const built = builtFile();
  const out = path.resolve(values.out ?? path.join(values.emulated ? workFolder : root, 'build', 'Release', path.basename(built)));
  copyIfNewer(built, out);
  console.log(`fused_attention.node: ${builtFor()} -> ${path.relative(root, out)}`);
}

function builtFor() {
  if (values.emulated) return 'with an emulated GPU';
  return /^(ON|TRUE|1|YES)$/i.test(readCache('FATTN_CUDA')) && hasCudaCompiler() ? 'with CUDA' : 'CPU only';
}

/** Configures where nothing is configured yet or something is to change; else the build does it by itself. */
function configure(definitions) {
  // A work folder that came along with a copied checkout points at the old place.
  const home = readCache('CMAKE_HOME_DIRECTORY');
  if (home && path.resolve(home) !== fs.realpathSync(root)) fs.rmSync(workFolder, { recursive: true, force: true });
  const configured = ['build.ninja', 'Makefile'].some((file) => fs.existsSync(path.join(workFolder, file)));
  if (configured && definitions.length === 0) return;

  const cmakeJs = resolveCmakeJs();
  if (cmakeJs) {
    const flags = definitions.map((definition) => `--CD${definition}`);
    run(process.execPath, [cmakeJs, 'configure', '-d', root, '-O', workFolder, '-B', 'Release', '-l', 'warn', ...flags]);
  } else {
    const generator = !readCache('CMAKE_GENERATOR') && works('ninja') ? ['-G', 'Ninja'] : [];
    const flags = ['CMAKE_BUILD_TYPE=Release', ...definitions].map((definition) => `-D${definition}`);
    run('cmake', ['-S', root, '-B', workFolder, ...generator, ...flags]);
  }
}

/** cmake-js drives CMake on a developer's machine; it is no dependency of the published package. */
function resolveCmakeJs() {
  try {
    return require.resolve('cmake-js/bin/cmake-js');
  } catch {
    return undefined;
  }
}

function readCache(name) {
  if (!fs.existsSync(cacheFile)) return undefined;
  return new RegExp(`^${name}:[A-Z]+=(.*)$`, 'm').exec(fs.readFileSync(cacheFile, 'utf8'))?.[1];
}

function hasCudaCompiler() {
  const compiler = readCache('CMAKE_CUDA_COMPILER');
  return Boolean(compiler) && !compiler.endsWith('NOTFOUND');
}

/** Single-configuration generators build beside the cache, cmake-js and the others in a folder of their own. */
function builtFile() {
  const candidates = ['Release', ''].map((folder) => path.join(workFolder, folder, 'fused_attention.node'));
  const found = candidates.find((file) => fs.existsSync(file));
  if (!found) fail(`The build succeeded, but no fused_attention.node lies in ${workFolder}.`);
  return found;
}

/** Replaces the file instead of writing into it: a process may have the old one mapped. */
function copyIfNewer(from, to) {
  const wanted = fs.statSync(from);
  const present = fs.statSync(to, { throwIfNoEntry: false });
  if (present && present.size === wanted.size && present.mtimeMs >= wanted.mtimeMs) return;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  const partial = `${to}.partial`;
  fs.copyFileSync(from, partial);
  fs.renameSync(partial, to);
}

function works(tool) {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0;
}

function expectTools() {
  const missing = [];
  if (!works('cmake')) missing.push('CMake');
  const compilers = process.env.CXX ? [process.env.CXX] : ['c++', 'g++', 'clang++'];
  if (process.platform !== 'win32' && !compilers.some(works)) missing.push('a C++ compiler');
  if (missing.length === 0) return;
  fail(`${missing.join(' and ')} not found. Building fused-attention from source needs CMake 3.21 and a C++20
compiler (GCC 11, Clang 14 or later). On Debian and Ubuntu: apt-get install cmake ninja-build g++;
on macOS: xcode-select --install, then brew install cmake ninja.`);
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.error) fail(`Cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) fail(`${path.basename(command)} ${args[0]} failed (see above).`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

main();
