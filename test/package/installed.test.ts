// What a user gets: the tarball installed into an empty folder, with install scripts off and no tool on the path.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const checkout = path.resolve(__dirname, '../..');
const manifest = JSON.parse(fs.readFileSync(path.join(checkout, 'package.json'), 'utf8')) as { version: string };
const empty = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-package-'));
const tarball = path.join(empty, `fused-attention-${manifest.version}.tgz`);
const installed = path.join(empty, 'node_modules', 'fused-attention');
jest.setTimeout(300_000);

function run(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const result = spawnSync(command, args, { cwd: empty, encoding: 'utf8', ...options });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}\n${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** Runs Node where nothing but the published files can help: no tools, no local build. */
function node(...args: string[]) {
  return run(process.execPath, args, { env: { PATH: '', PREBUILDS_ONLY: '1' } });
}

beforeAll(() => {
  run('npm', ['pack', '--silent', '--pack-destination', empty], { cwd: checkout });
  fs.writeFileSync(path.join(empty, 'package.json'), '{ "private": true }\n');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', tarball]);
});
afterAll(() => fs.rmSync(empty, { recursive: true, force: true }));

const firstUse = `
  const q = Tensor.from(Float32Array.of(1, 0, 0, 1), [1, 2, 1, 2]);
  const out = await attention(q, q, q, { causal: true, scale: 0 }).toArray();
  console.log(JSON.stringify([...out]));`;
const names = '{ Tensor, attention }';

test('require() gives a working package', () => {
  const out = node('-e', `(async () => { const ${names} = require('fused-attention'); ${firstUse} })()`);
  expect(JSON.parse(out)).toEqual([1, 0, 0.5, 0.5]); // the second query weighs both keys alike
});

test('import gives a working package', () => {
  const out = node('--input-type=module', '-e', `import ${names} from 'fused-attention'; ${firstUse}`);
  expect(JSON.parse(out)).toEqual([1, 0, 0.5, 0.5]);
});

test('both entries have the same classes and the same names', () => {
  const script = `
    import * as imported from 'fused-attention';
    import { createRequire } from 'node:module';
    const required = createRequire(process.cwd() + '/')('fused-attention');
    const namesOf = (module) => Object.keys(module).filter((name) => !/^(default|module.exports|__esModule)$/.test(name)).sort();
    console.log(JSON.stringify([imported.Tensor === required.Tensor, namesOf(imported), namesOf(required)]));`;
  const [same, imported, required] = JSON.parse(node('--input-type=module', '-e', script)) as [
    boolean,
    string[],
    string[],
  ];
  expect(same).toBe(true);
  expect(imported).toEqual(required);
  expect(imported).toContain('AttentionError');
});

test('the command line answers', () => {
  const bin = path.join(installed, 'dist', 'cli', 'main.js');
  expect(fs.readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(fs.existsSync(path.join(empty, 'node_modules', '.bin', 'fused-attention'))).toBe(true);
  const info = JSON.parse(node(bin, 'info', '--json')) as { version: string };
  expect(info.version).toBe(manifest.version);
  expect(node(bin, 'info')).toContain(manifest.version);
});

test('the tarball holds what is needed and nothing else', () => {
  const files = run('tar', ['-tzf', tarball]).trim().split('\n');
  const tops = new Set(files.map((file) => file.split('/')[1]));
  const expected = ['dist', 'native', 'prebuilds', 'scripts', 'binding.gyp', 'CMakeLists.txt', 'package.json'];
  expect([...tops].sort()).toEqual([...expected, 'CHANGELOG.md', 'LICENSE', 'README.md'].sort());
  expect(files.filter((file) => file.startsWith('package/scripts/'))).toEqual(['package/scripts/build-native.cjs']);
  expect(files.filter((file) => /prebuilds\/.*\.node$/.test(file)).length).toBeGreaterThan(0);
  expect(files.filter((file) => /\.test\.|\.tsbuildinfo$/.test(file))).toEqual([]);
  expect(fs.statSync(tarball).size).toBeLessThan(50e6);
});

test('publint finds nothing', () => {
  const publint = path.join(checkout, 'node_modules', 'publint', 'src', 'cli.js');
  const out = run(process.execPath, [publint, 'run', installed, '--strict']);
  expect(out).toContain('All good');
});

test.each(['mts', 'cts'])('the declarations serve a user whose file is .%s', (extension) => {
  const file = path.join(empty, `user.${extension}`);
  fs.writeFileSync(
    file,
    `import { Tensor } from 'fused-attention';\nexport const shape = Tensor.zeros([2, 3]).shape;\n`,
  );
  const tsc = path.join(checkout, 'node_modules', 'typescript', 'bin', 'tsc');
  const language = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,esnext.disposable'];
  const node = ['--types', 'node', '--typeRoots', path.join(checkout, 'node_modules', '@types')];
  expect(run(process.execPath, [tsc, '--noEmit', ...language, ...node, file])).toBe('');
});

test('the sources configure without any development dependency', () => {
  const out = run('cmake', ['-S', installed, '-B', path.join(empty, 'build-user'), '-DFATTN_CUDA=OFF']);
  expect(out).toContain(`fused-attention ${manifest.version}, Release`);
});
