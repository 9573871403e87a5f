import Table from 'cli-table3';
import type { DeviceInfo } from '../index.js';
import type { BenchPlan, DesignName, Mode } from './bench-options.js';
import type { Contestant } from './contestants.js';
import { summarize, type Summary } from './statistics.js';

/** What --json writes. */
export interface Report {
  version: string;
  date: string;
  device: DeviceInfo;
  plan: BenchPlan;
  results: Result[];
}

export interface Result extends Contestant {
  /** Milliseconds per call, one value per round. */
  times: number[];
  milliseconds: Summary;
  /** Time of the first design over this one's, from the same round. */
  speedUp: Summary;
  gigaflops: number;
  gigabytesPerSecond: number;
  /** Of what this machine's arithmetic or memory allows, whichever binds; 1 is the ceiling. */
  share: number;
}

/** @param times Milliseconds, `times[contestant][round]`. */
export function resultsOf(group: readonly Contestant[], times: readonly number[][]): Result[] {
  return group.map((contestant, index) => {
    const mine = times[index]!;
    const milliseconds = summarize(mine);
    const { flops, bytes, timeBound } = contestant.cost;
    const perSecond = 1e3 / milliseconds.median;
    return {
      ...contestant,
      times: mine,
      milliseconds,
      speedUp: summarize(mine.map((time, round) => times[0]![round]! / time)),
      gigaflops: (flops * perSecond) / 1e9,
      gigabytesPerSecond: (bytes * perSecond) / 1e9,
      share: timeBound.seconds * perSecond,
    };
  });
}

export function printReport({ device, plan, results }: Report): void {
  const { cost } = results[0]!;
  const { f32Flops, bf16Flops, readBytes } = cost.ceilings;
  const arithmetic = [
    `${(f32Flops / 1e9).toFixed(0)} GFLOP/s float32`,
    ...(bf16Flops > 0 ? [`${(bf16Flops / 1e9).toFixed(0)} GFLOP/s 16-bit floats`] : []),
  ];
  const onCpu = device.name === 'cpu';
  const threads = onCpu ? `${counted(device.threads, 'thread')}, ` : '';
  console.log(`${device.model}, ${device.name}, ${threads}${device.path} instructions`);
  const source = onCpu ? 'ceilings measured in this run' : 'ceilings by clocks and widths';
  console.log(`${source}: ${arithmetic.join(', ')}, ${(readBytes / 1e9).toFixed(1)} GB/s read`);
  for (const mode of new Set(results.map((result) => result.mode))) {
    const rows = results.filter((result) => result.mode === mode);
    console.log(`\n${headline(mode, plan)}`);
    if (mode === 'prefill') for (const note of notes(rows)) console.log(`  ${note}`);
    console.log(tableOf(rows));
  }
}

function headline(mode: Mode, { heads, headDim, dtype, causal, rounds }: BenchPlan): string {
  const visible = causal ? 'causal' : 'every key visible';
  const what = {
    prefill: `prefill, ${visible}`,
    decode: 'decode, one query',
    layer: `whole layers of width ${heads * headDim}, projections included, ${visible}`,
  }[mode];
  return `${what}: ${dtype}, batch 1, ${heads} heads of ${headDim}, ${counted(rounds, 'round')}, speed-up over MHA`;
}

/** What the rows of prefill are, where their names do not say it. */
function notes(rows: readonly Result[]): string[] {
  const has = (...designs: DesignName[]) => rows.some(({ design }) => designs.includes(design));
  return [
    ...(has('CCA', 'CCGQA')
      ? ['CCA, CCGQA: from the latent projections on, convolutions, norms and rope included']
      : []),
    ...(has('window') ? ['window: so many nearest keys, with the heads of GQA'] : []),
    ...(has('DMA') ? ['DMA: so many keys of the best scores, which are random; choosing them included'] : []),
  ];
}

function tableOf(results: readonly Result[]): string {
  const columns = ['length', 'design', 'heads q/kv', 'time', 'p10 – p90', 'vs MHA', 'GFLOP/s', 'GB/s', 'of ceiling'];
  const table = new Table({
    head: columns,
    colAligns: columns.map((column) => (column === 'design' ? 'left' : 'right')),
    style: process.stdout.isTTY ? { head: ['bold'], border: ['grey'] } : { head: [], border: [] },
    chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  });
  let previous = results[0]!.seq;
  for (const result of results) {
    if (result.seq !== previous) table.push(columns.map(() => ''));
    previous = result.seq;
    table.push(cells(result));
  }
  return table.toString();
}

function cells(result: Result): (string | number)[] {
  const { seq, design, keep, headsQ, headsKv, milliseconds, speedUp } = result;
  const { gigaflops, gigabytesPerSecond, share, cost } = result;
  return [
    seq,
    keep === undefined ? design : `${design} ${keep}`,
    `${headsQ}/${headsKv}`,
    duration(milliseconds.median),
    `${duration(milliseconds.p10)} – ${duration(milliseconds.p90)}`,
    `${speedUp.median.toFixed(2)}x`,
    gigaflops.toFixed(0),
    gigabytesPerSecond.toFixed(1),
    `${(100 * share).toFixed(0)} % ${cost.timeBound.limitedBy}`,
  ];
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** Three digits, and the unit that needs no zeros before them. */
function duration(milliseconds: number): string {
  const [value, unit] =
    milliseconds >= 1e3
      ? [milliseconds / 1e3, 's']
      : milliseconds >= 1
        ? [milliseconds, 'ms']
        : [milliseconds * 1e3, 'µs'];
  return `${value >= 100 ? value.toFixed(0) : value.toPrecision(3)} ${unit}`;
}
