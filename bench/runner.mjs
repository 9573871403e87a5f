// Runs benches row by row: options, progress on standard error, a table on standard output, results on disk.

import { parseArgs } from 'node:util';
import { configure } from '../dist/esm.mjs';
import { machineFacts, slug } from './machine.mjs';
import { judge, resultsFolder, resultText, spreadText, targetText, verdictText, writeResults } from './results.mjs';

const options = {
  only: { type: 'string' },
  rounds: { type: 'string', default: '7' },
  threads: { type: 'string', default: '2' },
  list: { type: 'boolean', default: false },
  'no-save': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

const helpOf = (command) => `usage: node ${command} [options]

  --only REGEX   only the rows whose bench or name matches; such a run gets a file name of its own
  --rounds N     rounds of each row, at least 5 unless --no-save (default: ${options.rounds.default})
  --threads N    threads on both sides of a comparison (default: ${options.threads.default})
  --list         name the rows, run nothing
  --no-save      print only, write nothing to bench/results
  --help         show this text

Exit code: 0 when every row ran, 1 when one failed to run, 2 for bad options. A missed target is a result, not a failure.`;

/**
 * @param {object} run
 * @param {string} run.command As in the usage text.
 * @param {ReturnType<typeof import('./define.mjs').defineBench>[]} run.benches
 * @param {Record<string, string>} [run.versions] Of the libraries compared with.
 * @param {string} [run.label] Tells this runner's files from those of another.
 */
export async function runBenches({ command, benches, versions = {}, label }) {
  const flags = parseFlags(command);
  const rows = benches
    .flatMap((bench) => bench.rows.map((row) => ({ bench: bench.name, row })))
    .filter(({ bench, row }) => flags.only === undefined || flags.only.test(`${bench}: ${row.name}`));
  if (rows.length === 0) fail(command, `--only ${flags.only.source} matches no row; --list shows them`);
  if (flags.list) return rows.forEach(({ bench, row }) => console.log(`${bench}: ${row.name}  ${targetText(row)}`));

  configure({ threads: flags.threads });
  const run = {
    date: new Date().toISOString(),
    rounds: flags.rounds,
    machine: machineFacts(flags.threads, versions),
    rows: [],
  };
  const name = nameOf(run, label, flags.only);
  let failures = 0;
  for (const [index, { bench, row }] of rows.entries()) {
    process.stderr.write(`[${index + 1}/${rows.length}] ${bench}: ${row.name}\n`);
    try {
      const result = judge(bench, row, await row.measure(flags));
      run.rows.push(result);
      printRow(result);
      if (flags.save) writeResults(name, run); // after every row: an interrupted run keeps what it has
    } catch (error) {
      failures++;
      console.error(`failed: ${error.stack}`);
    }
  }
  if (flags.save) console.log(`\nwritten: ${resultsFolder}${name}.json and .md`);
  if (failures > 0) console.error(`${failures} of ${rows.length} rows failed to run`);
  process.exitCode = failures > 0 ? 1 : 0;
}

function printRow(row) {
  const verdict = verdictText(row);
  const target = targetText(row) && `, target ${targetText(row)}`;
  const spread = spreadText(row) && ` (${spreadText(row)})`;
  console.log(`${verdict.padEnd(5)}${row.name}: ${resultText(row)}${spread}${target}`);
}

function nameOf({ date, machine }, label, only) {
  const parts = [date.slice(0, 10), 'cpu', slug(machine.processor), label, only && `only-${slug(only.source)}`];
  return parts.filter(Boolean).join('-');
}

function parseFlags(command) {
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    fail(command, error.message);
  }
  if (values.help) {
    console.log(helpOf(command));
    process.exit(0);
  }
  const whole = (name, least) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < least)
      fail(command, `--${name} is ${values[name]}, expected ${least} or more`);
    return value;
  };
  const save = !values['no-save'];
  return {
    rounds: whole('rounds', save ? 5 : 1),
    threads: whole('threads', 1),
    list: values.list,
    save,
    only: values.only === undefined ? undefined : patternOf(command, values.only),
  };
}

function patternOf(command, text) {
  try {
    return new RegExp(text, 'i');
  } catch (error) {
    return fail(command, `--only: ${error.message}`);
  }
}

function fail(command, message) {
  console.error(`error: ${message}\n\n${helpOf(command)}`);
  process.exit(2);
}
