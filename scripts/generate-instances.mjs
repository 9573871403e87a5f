// Writes native/generated/ from native/instances.json, the list of GPU kernels that are built: a source per kernel,
// sources that hand the same kernels to the compiler of the emulator, and the table of all of them.
//
// A family of instances.json is one kernel template. `dtypes`, `headDims` and `scores` are what it is instantiated for,
// in this order of template arguments; `scores` stands for a bool that is true for "any" and false for "plain".
// `tile` names the constants of the kernel that are the rows of a block, and the keys of a step or the columns of a
// block; `leastSm` is the least compute capability, times ten.

import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const folder = path.join(import.meta.dirname, '..', 'native', 'generated');
const source = path.join(import.meta.dirname, '..', 'native', 'instances.json');
const notice = '// Written by scripts/generate-instances.mjs from native/instances.json: do not edit.\n';
const dtypes = {
  float32: { short: 'f32', element: 'float' },
  float16: { short: 'f16', element: 'simt::F16' },
  bfloat16: { short: 'bf16', element: 'simt::BF16' },
};

const HELP = `usage: node scripts/generate-instances.mjs [options]

Writes native/generated/ from native/instances.json.

  --check    write nothing; exit code 1 if something is stale
  --help     show this text`;

const { values: options } = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } });
if (options.help) {
  console.log(HELP);
  process.exit(0);
}

const instances = JSON.parse(fs.readFileSync(source, 'utf8')).families.flatMap(instancesOf);
const wanted = new Map([
  ...instances.map((instance) => [`${instance.name}.cu`, instanceSource(instance)]),
  ...emulatedUnits(instances),
  ['kernel_table.cpp', tableSource(instances)],
]);

const present = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
const stale = [
  ...[...wanted].filter(([name, text]) => !present.includes(name) || read(name) !== text).map(([name]) => name),
  ...present.filter((name) => !wanted.has(name)),
];
if (options.check) {
  for (const name of stale)
    console.error(`FAIL native/generated/${name} is stale: node scripts/generate-instances.mjs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  fs.mkdirSync(folder, { recursive: true });
  for (const name of stale) {
    const file = path.join(folder, name);
    if (wanted.has(name)) fs.writeFileSync(file, wanted.get(name));
    else fs.rmSync(file);
  }
}
console.log(`Instances: ${instances.length} kernels, ${stale.length} files ${options.check ? 'stale' : 'written'}`);

function read(name) {
  return fs.readFileSync(path.join(folder, name), 'utf8');
}

/** Every combination of what the family is instantiated for. */
function instancesOf(family) {
  const axes = {
    dtype: family.dtypes ?? [undefined],
    headDim: family.headDims ?? [undefined],
    scores: family.scores ?? [undefined],
  };
  return axes.dtype.flatMap((dtype) =>
    axes.headDim.flatMap((headDim) => axes.scores.map((scores) => instanceOf(family, dtype, headDim, scores))),
  );
}

function instanceOf(family, dtype, headDim, scores) {
  if (dtype !== undefined && !dtypes[dtype]) throw new Error(`instances.json: unknown dtype ${dtype}`);
  const name = [
    family.op,
    family.path,
    dtype && dtypes[dtype].short,
    headDim && `d${headDim}`,
    scores === 'any' ? 'general' : undefined,
  ]
    .filter(Boolean)
    .join('_');
  const args = [
    ...(dtype ? [dtypes[dtype].element] : []),
    ...(headDim ? [headDim] : []),
    ...(scores ? [scores === 'any'] : []),
  ];
  return { ...family, name, dtype, headDim, scores, type: family.kernel + (args.length ? `<${args.join(', ')}>` : '') };
}

function instanceSource({ name, type, header, tile = [] }) {
  const tiles = tile.map((constant) => `, Kernel::${constant}`).join('');
  return `${notice}
#include "${header}"

#include "backends/gpu/kernel_row.h"

namespace fattn::gpu::instances {

KernelInstance ${name}() {
  using Kernel = ${type};
  return {simt::compile_kernel<Kernel>("${name}")${tiles}};
}

}  // namespace fattn::gpu::instances
`;
}

/** What g++ compiles: a unit per family, or per dtype of it where there are many, since each costs the same headers. */
function emulatedUnits(all) {
  const units = new Map();
  for (const { name, op, path: kernelPath, dtype, headDim } of all) {
    const parts = ['emulated', op, kernelPath, headDim && dtypes[dtype].short];
    const unit = `${parts.filter(Boolean).join('_')}.cpp`;
    const include = `#include "generated/${name}.cu"\n`;
    units.set(unit, (units.get(unit) ?? `${notice}\n`) + include);
  }
  return units;
}

function tableSource(all) {
  const rows = all.map(
    ({ name, op, path: kernelPath, dtype, headDim, scores, leastSm }) =>
      `    {"${name}", "${op}", "${kernelPath ?? ''}", ${dtype ? `DType::${dtypes[dtype].short}` : 'std::nullopt'},\n` +
      `     ${headDim ?? 0}, ${scores === 'plain'}, ${leastSm}, instances::${name}},`,
  );
  return `${notice}
#include "backends/gpu/kernel_row.h"

namespace fattn::gpu {
namespace instances {

${all.map(({ name }) => `KernelInstance ${name}();`).join('\n')}

}  // namespace instances

namespace {

constexpr KernelRow kRows[] = {
${rows.join('\n')}
};

}  // namespace

std::span<KernelRow const> kernel_rows() { return kRows; }

}  // namespace fattn::gpu
`;
}
