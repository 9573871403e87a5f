// Who may import whom in TypeScript and JavaScript.

import path from 'node:path';
import { isScript, root } from './files.mjs';

const builtin = /^node:/;

// The first folder that matches decides. `own`: what relative imports may reach; `packages`: the others.
const table = [
  { folder: 'lib/native.ts', own: ['lib/'], packages: /^(?:node:.*|node-gyp-build)$/ },
  { folder: 'lib/cli/', own: ['lib/', 'package.json'], packages: /^(?:node:.*|commander|cli-progress|cli-table3)$/ },
  { folder: 'lib/checks/', own: ['lib/'], not: ['lib/native'], packages: builtin },
  { folder: 'lib/', own: ['lib/'], not: ['lib/cli/'], packages: builtin },
  { folder: /^test\/oracle\/.*\.test\.ts$/, own: ['test/oracle/', 'test/support/'], packages: builtin },
  { folder: 'test/oracle/', own: ['test/oracle/'], packages: /^$/ }, // it must be able to disagree
  { folder: 'test/api/', own: ['test/', 'lib/index', 'lib/checks/', 'lib/time-bound'], packages: builtin },
  { folder: 'test/lifetime/', own: ['test/', 'dist/index'], packages: builtin }, // processes of their own
  { folder: 'test/package/', own: [''], packages: /./ }, // tests of the package and of these scripts
  { folder: 'test/', own: ['test/', 'lib/index', 'bench/', 'package.json'], packages: builtin },
  {
    folder: 'bench/',
    own: ['bench/', 'lib/index', 'dist/', 'package.json'],
    packages: /^(?:node:.*|onnxruntime-node|fused-attention)$/,
  },
  { folder: 'scripts/gpu-bundle/', own: ['scripts/gpu-bundle/'], packages: /^(?:node:.*|expect)$/ }, // part of Jest
  { folder: 'scripts/', own: ['scripts/'], packages: /^(?:node:.*|cmake-js\/bin\/cmake-js|node-gyp-build)$/ },
  { folder: '', own: [''], packages: /./ }, // configuration of tools at the root
];
// A statement at the start of a line (the last line of one that spans several), or a call anywhere.
const imports = [
  /^\s*(?:import|export|\})(?:[^'"\n]*\bfrom)?\s*(['"])([^'"\n]+)\1/gm,
  /\b(?:import|require|require\.resolve)\(\s*(['"])([^'"\n$]+)\1/g,
];

export function checkImports(files, findings) {
  for (const { name, text } of files.filter((file) => isScript(file.name))) {
    const rule = table.find(({ folder }) => (folder instanceof RegExp ? folder.test(name) : name.startsWith(folder)));
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, (comment) => comment.replace(/[^\n]/g, ' '));
    for (const match of imports.flatMap((pattern) => [...code.matchAll(pattern)])) {
      const line = code.slice(0, match.index + match[0].length).split('\n').length;
      checkImport(name, line, match[2], rule, findings);
    }
  }
}

function checkImport(name, line, target, rule, findings) {
  const folder = rule.folder === '' ? 'the root' : String(rule.folder);
  if (!target.startsWith('.')) {
    if (!rule.packages.test(target)) findings.fail(name, line, `${folder} may not import '${target}'`);
    return;
  }
  const reached = path
    .relative(root, path.resolve(root, path.dirname(name), target))
    .split(path.sep)
    .join('/');
  const allowed = rule.own.some((prefix) => reached.startsWith(prefix));
  const refused = rule.not?.some((prefix) => reached.startsWith(prefix) && !reached.startsWith('lib/native-module'));
  if (!allowed || refused) findings.fail(name, line, `${folder} may not import '${target}'`);
}
