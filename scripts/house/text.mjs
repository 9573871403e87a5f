// Rules about single files: preprocessor, names, sizes, and what no file may say.

import path from 'node:path';
import { isCpp, isInstructionSetFile, isScript } from './files.mjs';

export function checkText(files, findings) {
  for (const file of files) {
    checkName(file, findings);
    checkMachinePaths(file, findings);
    if (isCpp(file.name)) {
      checkPreprocessor(file, findings);
      checkKernelTokens(file, findings);
    }
    const written = file.name.startsWith('native/generated/'); // by a script, and checked by it
    if ((isCpp(file.name) || isScript(file.name)) && !written) {
      checkSize(file, findings);
      checkUnfinished(file, findings);
    }
  }
}

// The macros of the code base: what a compiler may do with a function, and a test needs a name and a body.
const macros = { 'native/simt/annotations.h': /^FATTN_[A-Z_]+$/, 'test/native/test.h': /^TEST$/ };

function checkPreprocessor({ name, lines }, findings) {
  const mayBranch =
    name.startsWith('native/simt/') || name === 'native/core/backends.cpp' || isInstructionSetFile(name);
  lines.forEach((line, index) => {
    const define = /^\s*#\s*define\s+(\w+)/.exec(line);
    if (define && !macros[name]?.test(define[1]))
      findings.fail(name, index + 1, `macro ${define[1]}: only ${Object.keys(macros).join(' and ')} define macros`);
    if (/^\s*#\s*(?:if|ifdef|ifndef)\b/.test(line) && !mayBranch)
      findings.fail(name, index + 1, '#if outside simt/, core/backends.cpp and the instruction-set files');
  });
  if (name.endsWith('.h') && !lines.some((line) => line === '#pragma once'))
    findings.fail(name, 1, 'header without #pragma once');
}

// Kernels say what they do in the vocabulary of simt/, so that the host compiler can read them too.
const notInKernels = /\b(?:threadIdx|blockIdx|blockDim|gridDim|__syncthreads|__shfl\w*|__global__|__shared__|asm)\b/;

function checkKernelTokens({ name, lines }, findings) {
  if (!name.startsWith('native/kernels/')) return;
  lines.forEach((line, index) => {
    const found = notInKernels.exec(line.replace(/\/\/.*$/, ''));
    if (found) findings.fail(name, index + 1, `${found[0]}: kernels use the primitives of simt/ only`);
  });
}

const vague = /(?:^|[-_.])(?:utils?|common|misc|helpers?)(?:[-_.]|$)/;

function checkName({ name }, findings) {
  const base = path.basename(name);
  if (isCpp(name) && !/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*\.(?:h|cpp|cu|cuh)$/.test(base))
    findings.fail(name, 0, 'C++ files are snake_case');
  if (isScript(name) && !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?:\.[a-z]+)*$/.test(base))
    findings.fail(name, 0, 'TypeScript and JavaScript files are kebab-case');
  if (vague.test(base)) findings.fail(name, 0, 'says nothing about what is inside: name the thing');
}

/** Lines a file may have; a longer one says in its first line why ("Long because …"). */
function sizeLimit(name) {
  return name.startsWith('lib/') ? 200 : 300;
}

function checkSize({ name, lines }, findings) {
  const count = lines.length - 1;
  const limit = sizeLimit(name);
  if (count > limit && !/\blong\b/i.test(lines[0])) {
    const message = `${count} lines, ${limit} is the limit: split it, or say in its first line why it is long`;
    if (count > 1.5 * limit) findings.fail(name, 0, message);
    else findings.warn(name, 0, message);
  }
}

function checkUnfinished({ name, lines }, findings) {
  lines.forEach((line, index) => {
    if (/\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(line) && !name.startsWith('scripts/house/'))
      findings.fail(name, index + 1, 'unfinished work carries an issue number: TODO(#12)');
  });
}

// Folders of one machine, and where one package manager downloads from, are of no use to anybody else.
const machinePath = /(?:^|[\s'"`(=:])\/(?:work|root|home|Users)\/\w/;
const download = /https?:\/\/[^\s"']*\bregistry\b|"resolved":\s*"http/;

function checkMachinePaths({ name, lines }, findings) {
  lines.forEach((line, index) => {
    if (machinePath.test(line)) findings.fail(name, index + 1, 'a path of one machine');
    if (download.test(line)) findings.fail(name, index + 1, 'a download address');
  });
}
