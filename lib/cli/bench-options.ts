import { InvalidArgumentError, Option, type Command } from 'commander';
import { devices } from '../index.js';
import { checkTarget } from './json-file.js';

export const modes = ['prefill', 'decode', 'layer'] as const;
export type Mode = (typeof modes)[number];
/** What is compared. */
export const designNames = [
  ...(['MHA', 'MQA', 'GQA', 'SQA', 'sSQA', 'xSQA', 'xSMQA'] as const),
  ...(['CCA', 'CCGQA', 'window', 'DMA'] as const),
] as const;
export type DesignName = (typeof designNames)[number];
export const benchDtypes = ['float32', 'float16', 'bfloat16'] as const;
export type BenchDtype = (typeof benchDtypes)[number];

/** Bad options: exit code 2. */
export class UsageError extends Error {}

/** As commander delivers them. */
export interface BenchFlags {
  seq?: number[];
  heads: number;
  headDim: number;
  dtype?: BenchDtype;
  mode: Mode | 'all';
  designs?: DesignName[];
  causal: boolean;
  rounds: number;
  threads?: number;
  device?: string;
  json?: string;
}

export interface Work {
  mode: Mode;
  seq: number;
}

export interface BenchPlan {
  /** What is timed, in order; one design after the other within each. */
  works: Work[];
  /** MHA is among them in any case; default: all. */
  designs?: DesignName[];
  heads: number;
  headDim: number;
  dtype: BenchDtype;
  causal: boolean;
  rounds: number;
  threads?: number;
  device?: string;
  json?: string;
}

// At 16 heads of 64 one call of everything is 1355 GFLOP: 780 of head counts, 130 of CCA and CCGQA, 320 of windows and
// DMA, 125 of layers. With 5 rounds and a warm-up these are 8.1 TFLOP, 54 s on two cores that can do 200 GFLOP/s in all
// and reach three quarters of it; decoding adds a second or two. So everything takes under a minute.
const defaultLengths: Record<Mode, number[]> = {
  prefill: [1024, 4096, 8192],
  decode: [4096, 16384, 32768],
  layer: [1024, 2048],
};

const EXAMPLES = `
Examples:
  $ fused-attention bench
  $ fused-attention bench --mode prefill --seq 2048,16384 --heads 32 --head-dim 128
  $ fused-attention bench --mode decode --dtype bfloat16 --threads 1
  $ fused-attention bench --mode layer --seq 16384 --head-dim 128 --designs cca,ccgqa
  $ fused-attention bench --json results.json

Within a round every design runs once, so that a change of the machine's speed meets all of them; "vs MHA" is the
median of the rounds' ratios. MHA takes part whatever --designs says. Times are of the work on the device, inputs come
from memory no cache holds, and "of ceiling" is the share of what the device's arithmetic or memory could do: measured
in the same run on a CPU, by clocks and widths on a GPU. Windows and DMA take part with 512, 1024 and 2048 keys, as far
as these are fewer than the length. What cannot take part is named on standard error.
Exit code: 0 when everything ran, 1 when something failed, 2 for bad options.`;

export function addBenchOptions(command: Command): Command {
  return command
    .description(`compare the attention designs (${designNames.join(', ')}) on this machine`)
    .option(
      '--seq <lengths>',
      'sequence lengths, comma-separated; in decode the number of keys ' +
        `(default: ${modes.map((mode) => `${defaultLengths[mode].join()} for ${mode}`).join('; ')})`,
      lengths,
    )
    .option('--heads <n>', 'heads of the multi-head design, a multiple of 4', wholeNumber(4, 1024), 16)
    .option('--head-dim <n>', 'extent of a head', wholeNumber(1, 1024), 64)
    .addOption(
      new Option(
        '--dtype <dtype>',
        'type of q, k and v (default: float32 on the CPU, bfloat16 on a GPU, whose tensor cores take no float32)',
      ).choices(benchDtypes),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'prefill: as many queries as keys; decode: one query; layer: prefill with all projections',
      )
        .choices([...modes, 'all'])
        .default('all'),
    )
    .option('--designs <names>', 'only these, comma-separated (default: all that a mode has)', designList)
    .option('--causal', 'queries do not see later keys', true)
    .option('--no-causal', 'every query sees every key')
    .option('--rounds <n>', 'timed runs of each design', wholeNumber(1, 1000), 5)
    .option('--threads <n>', 'CPU threads (default: all physical cores)', wholeNumber(1, 1024))
    .option('--device <name>', "'cpu' or 'cuda:N' (default: the best one that serves the work)")
    .option('--json <file>', 'also write everything, raw times included, to this file')
    .addHelpText('after', EXAMPLES);
}

/** @throws {UsageError} Where options do not fit one another, or the JSON file could not be written. */
export function benchPlan({ seq, mode, ...flags }: BenchFlags): BenchPlan {
  if (flags.heads % 4 !== 0)
    throw new UsageError(
      `--heads is ${flags.heads}; the designs take a half and a quarter of it: give a multiple of 4`,
    );
  if (flags.json !== undefined) {
    const problem = checkTarget(flags.json);
    if (problem !== undefined) throw new UsageError(`--json ${flags.json}: ${problem}`);
  }
  const chosen = mode === 'all' ? modes : [mode];
  const works = chosen.flatMap((each) => (seq ?? defaultLengths[each]).map((length) => ({ mode: each, seq: length })));
  const onCpu = (flags.device ?? devices().at(-1)!.name) === 'cpu';
  return { ...flags, dtype: flags.dtype ?? (onCpu ? 'float32' : 'bfloat16'), works };
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

function designList(text: string): DesignName[] {
  return text.split(',').map((part) => {
    const found = designNames.find((name) => name.toLowerCase() === part.trim().toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`Expected some of ${designNames.join(', ')}.`);
    return found;
  });
}

function lengths(text: string): number[] {
  return [...new Set(text.split(',').map((part) => wholeNumber(1, 2 ** 24)(part.trim())))];
}
