// Who may include whom in native/: arrows point downwards only (binding -> core <- backends -> kernels -> simt).

import fs from 'node:fs';
import path from 'node:path';
import { isCpp, isInstructionSetFile, root } from './files.mjs';

// The first folder that matches decides. `ours`: prefixes of quoted includes; `system`: angle includes besides
// the C++ standard library; `standard`: the only standard headers allowed, where not all are.
const table = [
  { folder: 'native/binding/', ours: ['binding/', 'core/'], system: /^(?:napi|node_api)\.h$/ },
  { folder: 'native/core/backends.cpp', ours: ['core/', 'backends/'] },
  { folder: 'native/core/', ours: ['core/'] },
  { folder: 'native/kernels/', ours: ['kernels/', 'simt/'], standard: ['cstdint', 'cstddef', 'type_traits'] },
  { folder: 'native/simt/cuda/', ours: ['simt/'], system: /^cuda/ },
  {
    folder: 'native/simt/host/',
    ours: ['simt/', 'core/half.h'],
    system: /^(?:ucontext|sys\/mman|sanitizer\/\w+)\.h$/,
  },
  { folder: 'native/simt/', ours: ['simt/'] },
  {
    folder: 'native/backends/cpu/',
    ours: [
      'backends/cpu/',
      'core/',
      'kernels/attention/variants.h',
      'kernels/elementwise/normals.h',
      'kernels/elementwise/sincos.h',
      'kernels/matrix_rows.h',
      'simt/annotations.h',
      'simt/numeric.h',
    ],
    system: /^(?!napi|node_api|cuda|uv).*\.h$/, // what the operating system offers: threads, memory, processors
  },
  { folder: 'native/backends/gpu/', ours: ['backends/gpu/', 'core/', 'generated/', 'kernels/', 'simt/kernel.h'] },
  {
    folder: 'native/backends/cuda/',
    ours: ['backends/cuda/', 'backends/gpu/', 'core/', 'simt/kernel.h', 'simt/tensor_map.h'],
    system: /^cuda/,
  },
  {
    folder: 'native/backends/emulated/',
    ours: ['backends/emulated/', 'backends/gpu/', 'core/', 'simt/kernel.h', 'simt/host/'],
  },
  { folder: 'native/generated/', ours: ['backends/gpu/', 'generated/', 'kernels/', 'simt/'] },
  {
    folder: 'test/simt/',
    ours: ['backends/cuda/', 'simt/simt.h', ''],
    system: /^(?:cuda_runtime_api|unistd)\.h$/,
  },
  {
    folder: 'test/native/',
    ours: ['backends/', 'core/', 'generated/', 'kernels/', 'simt/', ''],
    system: /^(?!napi|node_api).*\.h$/,
  },
];
const intrinsics = /^(?:immintrin|arm_neon|x86intrin|emmintrin)\.h$/;

export function checkIncludes(files, findings) {
  for (const { name, lines } of files.filter((file) => isCpp(file.name))) {
    const rule = table.find(({ folder }) => name.startsWith(folder));
    if (!rule) {
      findings.fail(name, 0, 'lies in a folder that the table of who may include whom does not know');
      continue;
    }
    lines.forEach((line, index) => {
      const include = /^\s*#\s*include\s*(["<])([^">]+)[">]/.exec(line);
      if (include) checkInclude(name, index + 1, include[1] === '"', include[2], rule, findings);
    });
  }
}

function checkInclude(name, line, quoted, target, rule, findings) {
  if (quoted) {
    if (!rule.ours.some((prefix) => target.startsWith(prefix)))
      findings.fail(name, line, `${rule.folder} may not include "${target}"`);
    const tests = { 'test/native/': ['test/native', 'test/simt'], 'test/simt/': ['test/simt'] };
    const homes = ['native', ...(tests[rule.folder] ?? [])];
    if (!homes.some((home) => fs.existsSync(path.join(root, home, target))))
      findings.fail(name, line, `"${target}" is not a path relative to native/`);
  } else if (intrinsics.test(target)) {
    if (!isInstructionSetFile(name)) findings.fail(name, line, `<${target}> belongs in the instruction-set files`);
  } else if (target.includes('.')) {
    if (!rule.system?.test(target)) findings.fail(name, line, `${rule.folder} may not include <${target}>`);
  } else if (rule.standard && !rule.standard.includes(target)) {
    findings.fail(name, line, `${rule.folder} may only include <${rule.standard.join('>, <')}>`);
  }
}
