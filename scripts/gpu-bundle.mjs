// Makes a folder that a machine with a GPU, a driver, CUDA and PyTorch, but without Node or a network, can run:
// `bash run.sh` there checks and measures everything a GPU is needed for, and writes JSON.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';

const HELP = `usage: node scripts/gpu-bundle.mjs [options]

  --out FOLDER   where to put it (default: build-gpu-bundle); what is there is replaced
  --fast         compress Node less: quicker to make, some megabytes larger
  --help         show this text

Needs nvcc. The folder holds the addon with CUDA, the kernels as a library for PyTorch's process, the conformance
program of the primitives, Node, the compiled suites, the benches and run.sh.`;

const root = path.join(import.meta.dirname, '..');
const at = (...parts) => path.join(root, ...parts);
const LIMIT_MEGABYTES = 60;

const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: at('build-gpu-bundle') },
    fast: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const bundle = path.resolve(options.out);
const workFolder = at('build-gpu');

buildPrograms();
fs.rmSync(bundle, { recursive: true, force: true });
fs.mkdirSync(path.join(bundle, 'package', 'build', 'Release'), { recursive: true });
copyPrograms();
compileSuites();
copyPackages(['expect', 'node-gyp-build', 'cli-progress', 'cli-table3', 'commander']);
copyScripts();
compressNode();
report();

/** Everything that nvcc has a part in, in a work folder of its own: the addon here may be built without CUDA. */
function buildPrograms() {
  const flags = ['FATTN_CUDA_REQUIRED=ON', 'FATTN_GPU_PROGRAMS=ON', 'CMAKE_BUILD_TYPE=Release'];
  run('cmake', ['-S', root, '-B', workFolder, '-G', 'Ninja', ...flags.map((flag) => `-D${flag}`)]);
  run('cmake', ['--build', workFolder, '--target', 'fused_attention', 'fattn_kernels', 'simt_conformance']);
}

function copyPrograms() {
  copy(path.join(workFolder, 'fused_attention.node'), 'package/build/Release/fused_attention.node');
  copy(path.join(workFolder, 'libfattn_kernels.so'), 'libfattn_kernels.so');
  copy(path.join(workFolder, 'simt_conformance'), 'simt_conformance');
}

/** lib/ and the suites for GPUs as CommonJS, in one tree, where the suites find lib/ as in the checkout. */
function compileSuites() {
  const config = path.join(bundle, 'tsconfig.json');
  fs.writeFileSync(
    config,
    JSON.stringify({
      extends: at('test', 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        outDir: path.join(bundle, 'package'),
        rootDir: root,
        typeRoots: [at('node_modules', '@types')],
      },
      include: ['lib', 'test/gpu', 'test/parity', 'test/support', 'test/oracle'].map((folder) => at(folder)),
    }),
  );
  run(process.execPath, [at('node_modules', 'typescript', 'bin', 'tsc'), '-p', config]);
  fs.rmSync(config);
  const { version } = JSON.parse(fs.readFileSync(at('package.json'), 'utf8'));
  fs.writeFileSync(path.join(bundle, 'package', 'package.json'), JSON.stringify({ version, type: 'commonjs' }) + '\n');
}

/** The packages and all that they need, without what only a compiler or a reader looks at. */
function copyPackages(names) {
  const wanted = new Set(names);
  for (const name of wanted) {
    const { dependencies = {} } = JSON.parse(fs.readFileSync(at('node_modules', name, 'package.json'), 'utf8'));
    for (const needed of Object.keys(dependencies)) wanted.add(needed);
    fs.cpSync(at('node_modules', name), path.join(bundle, 'package', 'node_modules', name), {
      recursive: true,
      filter: (file) => !/\.(?:md|map|d\.[cm]?ts)$/.test(file),
    });
  }
}

function copyScripts() {
  for (const name of fs.readdirSync(at('scripts', 'gpu-bundle'))) copy(at('scripts', 'gpu-bundle', name), name);
  copy(at('bench', 'gpu', 'versus_torch.py'), 'versus_torch.py');
  for (const name of ['queueing.mjs', 'sparse.mjs']) copy(at('bench', 'gpu', name), name);
  const git = spawnSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root, encoding: 'utf8' });
  const changed = spawnSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' }).stdout !== '';
  const commit = git.status === 0 ? git.stdout.trim() + (changed ? ' with changes' : '') : 'unknown';
  fs.writeFileSync(path.join(bundle, 'facts.json'), JSON.stringify({ commit, node: process.version }) + '\n');
}

function compressNode() {
  const stripped = path.join(bundle, 'node');
  fs.copyFileSync(process.execPath, stripped);
  spawnSync('strip', ['-s', stripped]); // a larger file where there is no strip
  const level = options.fast ? 4 : 9;
  fs.writeFileSync(`${stripped}.gz`, zlib.gzipSync(fs.readFileSync(stripped), { level }));
  fs.rmSync(stripped);
}

function report() {
  const sizes = fs
    .readdirSync(bundle, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => fs.statSync(path.join(entry.parentPath ?? entry.path, entry.name)).size);
  const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
  const where = path.relative(process.cwd(), bundle) || '.';
  console.log(`${where}: ${sizes.length} files, ${megabytes.toFixed(1)} MB; run it with: bash run.sh`);
  if (megabytes > LIMIT_MEGABYTES) fail(`the bundle is larger than ${LIMIT_MEGABYTES} MB`);
}

function copy(from, to) {
  fs.copyFileSync(from, path.join(bundle, to));
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) fail(`${path.basename(command)} failed${result.error ? `: ${result.error.message}` : ''}`);
}

function fail(message) {
  console.error(`gpu-bundle: ${message}`);
  process.exit(1);
}
