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
import { elements, prepareCall, type Contestant } from './contestants.js';
import { fieldOf } from './field.js';
import { InputRing } from './input-ring.js';
import { writeJson } from './json-file.js';
import { measureInterleaved } from './measure.js';
import { createProgress } from './progress.js';
import { printReport, resultsOf, type Report } from './report.js';

/** The main job: times every design at every length of the plan and prints what came out. */
export async function bench(plan: BenchPlan, version: string): Promise<void> {
  if (plan.threads !== undefined) configure({ threads: plan.threads });
  const device = await chooseDevice(plan);
  const groups = await groupsOf(plan, device.name);
  const report = await measureAll(plan, device, groups, version);
  printReport(report);
  if (plan.json !== undefined) writeJson(plan.json, report);
}

/** Who takes part, for each piece of work; says on standard error who does not. */
async function groupsOf(plan: BenchPlan, device: string): Promise<Contestant[][]> {
  const groups: Contestant[][] = [];
  const reasons = new Set<string>();
  for (const work of plan.works) {
    const { contestants, leftOut } = await fieldOf(work, plan, device);
    if (contestants.length > 0) groups.push(contestants);
    for (const { designs, reason } of leftOut) reasons.add(`${designs.join(', ')}: ${reason}`);
  }
  for (const reason of reasons) console.error(`left out: ${reason}`);
  if (groups.length === 0) throw new UsageError('nothing is left to compare: no mode and length has such designs');
  return groups;
}

async function measureAll(
  plan: BenchPlan,
  device: DeviceInfo,
  groups: Contestant[][],
  version: string,
): Promise<Report> {
  using stream = new Stream(device.name);
  const all = groups.flat();
  const { dtype } = plan;
  const largest = Math.max(...all.map(({ inputs }) => elements(...Object.values(inputs))));
  using ring = new InputRing(largest, dtype, device.name, stream);
  const results = Math.max(...all.map(({ output }) => elements(output)));
  using outputs = Tensor.empty([results], { dtype, device: device.name, stream });

  // A warm-up call and at least one timed call per round of everything, weighed by the time they should take.
  const seconds = (group: Contestant[]): number[] => group.map(({ cost }) => Math.max(cost.timeBound.seconds, 5e-3));
  const total = groups.flatMap(seconds).reduce((sum, each) => sum + each, 0) * (plan.rounds + 1);
  const progress = createProgress();
  const report: Report = { version, date: new Date().toISOString(), device, plan, results: [] };
  let done = 0;
  try {
    for (const [index, group] of groups.entries()) {
      const { mode, seq } = group[0]!;
      progress.begin(`${mode}, length ${seq} (${index + 1} of ${groups.length})`);
      const entrants = group.map((each) => ({ prepare: () => prepareCall(each, ring, outputs, stream) }));
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
