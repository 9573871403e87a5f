// The files that the rules look at, and how a rule reports.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

export const root = path.join(import.meta.dirname, '..', '..');

/** Every file git tracks or would track, with its text; binary files are left out. */
export function readFiles() {
  const names = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' });
  return [...new Set(names.split('\0'))]
    .filter((name) => name !== '' && fs.existsSync(path.join(root, name)))
    .map((name) => ({ name, text: fs.readFileSync(path.join(root, name), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'))
    .map((file) => ({ ...file, lines: file.text.split('\n') }));
}

export const isCpp = (name) => /^(?:native|test\/native|test\/simt)\/.*\.(?:h|cpp|cu|cuh)$/.test(name);
export const isScript = (name) => /\.(?:ts|mts|cts|js|mjs|cjs)$/.test(name);

/** `native/backends/cpu` files that exist once per instruction set, and the one that chooses among them. */
export const isInstructionSetFile = (name) =>
  /^native\/backends\/cpu\/(?:simd\/|instruction_path\.cpp$|.*_(?:baseline|avx2|avx512|avx512bf16|neon)\.cpp$)/.test(
    name,
  );

/** Collects findings; `fail` breaks the check, `warn` only shows. */
export class Findings {
  failures = [];
  warnings = [];

  fail(name, line, message) {
    this.failures.push(`${name}${line ? `:${line}` : ''}: ${message}`);
  }

  warn(name, line, message) {
    this.warnings.push(`${name}${line ? `:${line}` : ''}: ${message}`);
  }
}
