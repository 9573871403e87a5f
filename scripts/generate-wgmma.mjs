// Writes native/simt/cuda/wgmma_forms.h: the instruction wgmma.mma_async once per width, because its
// operands are one register each and a template cannot list them. `--check` fails when the file is
// not what would be written.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const target = fileURLToPath(new URL('../native/simt/cuda/wgmma_forms.h', import.meta.url));
const range = (length, from = 0) => Array.from({ length }, (_, i) => from + i);

/** `items` in lines of `perLine`, each line made by `wrap`. */
const lines = (items, perLine, wrap) =>
  range(Math.ceil(items.length / perLine))
    .map((i) => wrap(items.slice(i * perLine, (i + 1) * perLine), (i + 1) * perLine >= items.length))
    .join('\n');

/** One instruction: `a` are the operands of the first factor, as constraints and C++ expressions. */
function instruction(n, a, majors) {
  const sums = n / 2;
  let next = sums;
  const take = (count) => range(count, (next += count) - count).map((i) => `%${i}`);
  const factor = take(a.length);
  const [b, accumulate, types] = [take(1), take(1), take(1)].flat();
  const transposed = take(majors.length);
  const registers = range(sums).map((i) => `%${i}`);
  return `    asm volatile(
        "{\\n"
        ".reg .pred p;\\n"
        "setp.ne.b32 p, ${accumulate}, 0;\\n"
        "wgmma.mma_async.sync.aligned.m64n${n}k16.${types} "
${lines(registers, 16, (part, last) => `        "${part[0] === '%0' ? '{' : ''}${part.join(', ')}${last ? '}, ' : ', '}"`)}
        "${a.length > 1 ? `{${factor.join(', ')}}` : factor[0]}, ${b}, p, 1, 1, ${transposed.join(', ')};\\n"
        "}"
${lines(range(sums), 8, (part) => `        ${part[0] === 0 ? ': ' : ', '}${part.map((i) => `"+f"(d[${i}])`).join(', ')}`)}
        : ${a.map(([constraint, value]) => `"${constraint}"(${value})`).join(', ')}, "l"(b),
          "r"(static_cast<int>(accumulate)), "C"(Types::kName), ${majors.map((m) => `"n"(${m})`).join(', ')});`;
}

const form = (n) => `template <>
struct WgmmaForm<${n}> {
  template <class Types, int kMajorA, int kMajorB>
  static FATTN_DEVICE void from_shared(float (&d)[${n / 2}], uint64_t a, uint64_t b, bool accumulate) {
${instruction(n, [['l', 'a']], ['kMajorA', 'kMajorB'])}
  }
  template <class Types, int kMajorB>
  static FATTN_DEVICE void from_registers(float (&d)[${n / 2}], uint32_t const (&a)[4], uint64_t b,
                                          bool accumulate) {
${instruction(
  n,
  range(4).map((i) => ['r', `a[${i}]`]),
  ['kMajorB'],
)}
  }
};
`;

const text = `// Long because written by scripts/generate-wgmma.mjs: wgmma.mma_async (PTX ISA 9.7.15.5), once per
// width. Types::kName completes the name of the instruction.
// clang-format off
#pragma once

#include <cstdint>

#include "simt/annotations.h"

namespace fattn::simt {

template <int kN>
struct WgmmaForm;

${range(32, 1)
  .map((i) => form(8 * i))
  .join('\n')}
}  // namespace fattn::simt
`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('native/simt/cuda/wgmma_forms.h is stale: run node scripts/generate-wgmma.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
