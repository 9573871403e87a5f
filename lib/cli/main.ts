#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { addBenchOptions, benchPlan, UsageError, type BenchFlags } from './bench-options.js';

const USAGE_EXIT_CODE = 2;
const FAILURE_EXIT_CODE = 1;

/** Everything else is loaded when a command runs, so that --help works where the native addon does not. */
function createProgram(): Command {
  const program = new Command('fused-attention')
    .description('Fused attention on this machine: what it can do, and how fast.')
    .version(packageVersion())
    .showHelpAfterError('(--help shows the options)')
    .exitOverride();

  program
    .command('info')
    .description('version, build, instruction paths, threads, devices and CUDA: what a bug report needs')
    .option('--json', 'print JSON for machines')
    .action(async ({ json = false }: { json?: boolean }) => {
      const { printInfo } = await import('./info.js');
      if (!printInfo(packageVersion(), json)) process.exitCode = FAILURE_EXIT_CODE;
    });

  addBenchOptions(program.command('bench')).action(async (flags: BenchFlags) => {
    const plan = benchPlan(flags);
    const { bench } = await import('./bench.js');
    await bench(plan, packageVersion());
  });
  return program;
}

function packageVersion(): string {
  const text = readFileSync(path.join(__dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** Commander has printed its own complaint by the time it throws. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
  const { message, code } = error as Error & { code?: string };
  if (error instanceof UsageError) {
    console.error(`error: ${message}\n(--help shows the options)`);
    return USAGE_EXIT_CODE;
  }
  console.error(`error: ${message}${code ? ` [${code}]` : ''}`);
  return FAILURE_EXIT_CODE;
}

createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = exitCodeOf(error);
  });
