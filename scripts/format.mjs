// One formatter per language: clang-format for C++, prettier for the rest. Style is settled here and nowhere else.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const HELP = `usage: node scripts/format.mjs --check | --write [FILE…]

  --check      name the files that are not formatted; exit code 1 if there are any
  --write      format them
  FILE…        only these (default: everything)
  --help       show this text`;

const root = path.join(import.meta.dirname, '..');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean' }, write: { type: 'boolean' }, help: { type: 'boolean' } },
});
if (options.help || Boolean(options.check) === Boolean(options.write)) {
  console.log(HELP);
  process.exit(options.help ? 0 : 2);
}
process.chdir(root);
const isCpp = (file) => /\.(?:cpp|h|cu|cuh)$/.test(file);
const ok = [formatCpp(), formatRest()];
process.exit(ok.every(Boolean) ? 0 : 1);

function formatCpp() {
  const files = positionals.length > 0 ? positionals.filter(isCpp) : cppFiles();
  if (files.length === 0) return true;
  const mode = options.write ? ['-i'] : ['--dry-run', '-Werror', '--ferror-limit=1'];
  return run(['node_modules/clang-format/index.js', ...mode, ...files]);
}

function cppFiles() {
  const list = (folder) => fs.readdirSync(folder, { recursive: true }).map((file) => path.join(folder, file));
  const written = (file) => !file.startsWith(path.join('native', 'generated'));
  return ['native', 'test/native'].flatMap(list).filter(isCpp).filter(written).sort();
}

/** Prettier knows the kinds of files and reads .prettierignore. */
function formatRest() {
  const others = positionals.filter((file) => !isCpp(file));
  if (positionals.length > 0 && others.length === 0) return true;
  const files = others.length > 0 ? others : ['**/*.{ts,mts,cts,js,mjs,cjs,json,md}'];
  const mode = options.write ? '--write' : '--check';
  return run(['node_modules/prettier/bin/prettier.cjs', mode, '--log-level', 'warn', '--ignore-unknown', ...files]);
}

function run(args) {
  const result = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (result.error) console.error(`format: ${result.error.message}`);
  return result.status === 0;
}
