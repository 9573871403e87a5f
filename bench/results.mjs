// Results on disk: raw rounds as JSON, a summary for people beside it, and an index of all of them.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJson } from '../dist/cli/json-file.js';
import { summarize } from '../dist/cli/statistics.js';

export const resultsFolder = fileURLToPath(new URL('results/', import.meta.url));

/** What `measure` of a row gave, judged. `pass` is null where there is no target or nothing was measured. */
export function judge(bench, { name, unit, atLeast, atMost, judge: by = 'median' }, measured) {
  const row = { bench, name, unit, ...(atLeast !== undefined && { atLeast }), ...(atMost !== undefined && { atMost }) };
  if (measured.skipped !== undefined) return { ...row, pass: null, skipped: measured.skipped };
  const { values, detail } = measured;
  const summary = { ...summarize(values), least: Math.min(...values), most: Math.max(...values) };
  const worst = atMost !== undefined ? summary.most : summary.least;
  const judged = by === 'worst' ? worst : summary.median;
  const pass = atLeast !== undefined ? judged >= atLeast : atMost !== undefined ? judged <= atMost : null;
  return { ...row, judgedBy: by, ...summary, pass, values, ...(detail && { detail }) };
}

export const targetText = ({ atLeast, atMost, unit }) =>
  atLeast !== undefined ? `≥ ${atLeast} ${unit}` : atMost !== undefined ? `≤ ${atMost} ${unit}` : '';

export function resultText(row) {
  if (row.skipped !== undefined) return `skipped: ${row.skipped}`;
  const value = row.judgedBy === 'worst' ? (row.atMost !== undefined ? row.most : row.least) : row.median;
  return `${digits(value)} ${row.unit}`;
}

export const spreadText = (row) => (row.skipped === undefined ? `${digits(row.least)} – ${digits(row.most)}` : '');
export const verdictText = ({ pass }) => (pass === null ? '' : pass ? 'pass' : 'miss');

const digits = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** Writes NAME.json, NAME.md and the index, each whole or not at all. */
export function writeResults(name, run) {
  writeJson(path.join(resultsFolder, `${name}.json`), run);
  writeText(path.join(resultsFolder, `${name}.md`), markdownOf(name, run));
  writeText(path.join(resultsFolder, 'README.md'), indexText());
}

function writeText(file, text) {
  const temporary = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(temporary, text, { flush: true });
  fs.renameSync(temporary, file);
}

function markdownOf(name, { date, rounds, machine, rows }) {
  const versions = Object.entries(machine.versions).map(([what, version]) => `${what} ${version}`);
  const table = rows.map((row) => [row.name, targetText(row), resultText(row), spreadText(row), verdictText(row)]);
  return `# ${machine.processor}, ${date.slice(0, 10)}

${machine.threads} threads of ${machine.cores} cores, ${machine.instructions} instructions, ${(machine.lastLevelCacheBytes / 2 ** 20).toFixed(0)} MiB last-level cache,
${machine.system}; ${versions.join(', ')}; commit ${machine.commit}.

The result is the median of ${rounds} rounds (the worst round where the target is on the longest delay); the spread is from the
least round to the greatest. Raw rounds: [${name}.json](${name}.json). How they are taken: [bench/README.md](../README.md).

| work | target | result | spread | |
| --- | --- | --- | --- | --- |
${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

function indexText() {
  const runs = fs
    .readdirSync(resultsFolder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .reverse()
    .map((file) => ({ file, run: JSON.parse(fs.readFileSync(path.join(resultsFolder, file), 'utf8')) }));
  const lines = runs.map(({ file, run: { date, machine, rows } }) => {
    const judged = rows.filter(({ pass }) => pass !== null);
    const passed = judged.filter(({ pass }) => pass).length;
    const name = file.replace(/\.json$/, '');
    return `| [${name}](${name}.md) | ${date.slice(0, 10)} | ${machine.processor} | ${machine.threads} | ${passed} of ${judged.length} |`;
  });
  return `# Results

Written by \`npm run bench:peers\` and \`node bench/run.mjs\`; how to read them is in [bench/README.md](../README.md). What waits
for a GPU is in [GPU-QUEUE.md](GPU-QUEUE.md).

| run | date | processor | threads | targets met |
| --- | --- | --- | --- | --- |
${lines.join('\n')}

What was missed, and why: [SHORTFALLS.md](SHORTFALLS.md).
`;
}
