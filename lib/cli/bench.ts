import {
  configure,
  cudaStatus,
  devices,
  explain,
  Stream,
  supports,
  Tensor,
  type AttentionRequest,
  type DeviceInfo,
} from '../index.js';
import { UsageError, type BenchPlan } from './bench-options.js';
import { contestantsOf, prepareCall, shapesOf, type Contestant } from './contestants.js';
import { InputRing } from './input-ring.js';
import { writeJson } from './json-file.js';
import { measureInterleaved } from './measure.js';
import { createProgress } from './progress.js';
import { printReport, resultsOf, type Report } from './report.js';

/** The main job: times every design at every length of the plan and prints what came out. */
export async function bench(plan: BenchPlan, version: string): Promise<void> {
  if (plan.threads !== undefined) configure({ threads: plan.threads });
  const device = await chooseDevice(plan);
  const groups: Contestant[][] = [];
  for (const work of plan.works) groups.push(await contestantsOf(work, plan, device.name));
  const report = await measureAll(plan, device, groups, version);
  printReport(report);
  if (plan.json !== undefined) writeJson(plan.json, report);
}

async function measureAll(
  plan: BenchPlan,
  device: DeviceInfo,
  groups: Contestant[][],
  version: string,
): Promise<Report> {
  using stream = new Stream(device.name, { queueDepth: 256 });
  const sizes = groups.flat().map((contestant) => elementsOf(contestant, plan));
  const { dtype } = plan;
  using ring = new InputRing(Math.max(...sizes.map(({ inputs }) => inputs)), dtype, device.name, stream);
  using outputs = Tensor.empty([Math.max(...sizes.map(({ output }) => output))], {
    dtype,
    device: device.name,
    stream,
  });

  // Two warm-up calls and at least one timed call per round of everything, weighed by the time they should take.
  const seconds = (group: Contestant[]): number[] => group.map(({ cost }) => Math.max(cost.timeBound.seconds, 5e-3));
  const total = groups.flatMap(seconds).reduce((sum, each) => sum + each, 0) * (plan.rounds + 1);
  const progress = createProgress();
  const report: Report = { version, date: new Date().toISOString(), device, plan, results: [] };
  let done = 0;
  try {
    for (const [index, group] of groups.entries()) {
      const { mode, seq } = group[0]!;
      progress.begin(`${mode}, length ${seq} (${index + 1} of ${groups.length})`);
      const entrants = group.map((each) => ({ prepare: () => prepareCall(each, plan, ring, outputs, stream) }));
      const weights = seconds(group);
      const times = await measureInterleaved(entrants, plan.rounds, stream, (entrant) => {
        progress.advance((done += weights[entrant]!) / total);
      });
      report.results.push(...resultsOf(group, times));
    }
  } finally {
    progress.stop();
  }
  return report;
}

function elementsOf(contestant: Contestant, { headDim }: BenchPlan): { inputs: number; output: number } {
  const { q, kv } = shapesOf(contestant, headDim);
  const [ofQ, ofKv] = [q, kv].map((shape) => shape.reduce((product, extent) => product * extent, 1)) as [
    number,
    number,
  ];
  return { inputs: ofQ + 2 * ofKv, output: ofQ };
}

/** The device named, or the best that serves the work: the CPU comes last. */
async function chooseDevice({ device, works, heads, headDim, dtype, causal }: BenchPlan): Promise<DeviceInfo> {
  const { seq } = works[0]!;
  const work = { b: 1, sQ: seq, sKv: seq, hQ: heads, hKv: heads, d: headDim, dtype, causal };
  const request = (name: string): AttentionRequest => ({ op: 'attention', device: name, ...work });
  const known = devices();
  if (device === undefined) {
    const best = known.filter(({ name }) => supports(request(name))).sort(cpuLast)[0];
    if (best === undefined) throw new UsageError('no device of this machine serves this work');
    return best;
  }
  const named = known.find(({ name }) => name === device);
  if (named === undefined) {
    const status = cudaStatus();
    const reason = device.startsWith('cuda') && !status.available ? `: ${status.message}` : '';
    throw new UsageError(`--device ${device}: this machine has ${known.map(({ name }) => name).join(', ')}${reason}`);
  }
  const { supported, reason } = await explain(request(device));
  if (!supported) throw new UsageError(`--device ${device}: ${reason}`);
  return named;
}

const cpuLast = (a: DeviceInfo, b: DeviceInfo): number => Number(a.name === 'cpu') - Number(b.name === 'cpu');
