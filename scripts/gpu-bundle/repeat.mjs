// Same input, same bits: every kind of kernel many times over, with others under way, compared bit by bit.
// usage: node repeat.mjs OUT.json

import fs from 'node:fs';
import { calls } from './calls.mjs';

const [out] = process.argv.slice(2);
const SECONDS = 20;
const all = Object.entries(calls(1000));
const report = all.map(([name]) => ({ name, runs: 0, different: 0 }));
const bitsOf = async (tensor) => {
  const bits = await tensor.toBits();
  tensor.dispose();
  return Buffer.from(bits.buffer);
};
const first = [];
for (const [, call] of all) first.push(await bitsOf(call()));

const end = Date.now() + SECONDS * 1000;
while (Date.now() < end) {
  const round = await Promise.all(all.map(([, call]) => bitsOf(call())));
  round.forEach((bits, index) => {
    report[index].runs++;
    if (!bits.equals(first[index])) report[index].different++;
  });
}
fs.writeFileSync(out, JSON.stringify(report, null, 2) + '\n');
console.table(report);
process.exitCode = report.some(({ different }) => different > 0) ? 1 : 0;
