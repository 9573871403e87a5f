// The command line as a process: exit codes, what goes where, and the JSON file.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const main = path.resolve(__dirname, '../../dist/cli/main.js');
const designs = ['MHA', 'MQA', 'GQA', 'SQA', 'sSQA', 'xSQA', 'xSMQA'];
const headCounts = ['8/8', '8/1', '8/2', '4/2', '4/4', '2/2', '2/1'];
const small = ['--seq', '32,48', '--heads', '8', '--head-dim', '16', '--rounds', '2'];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-command-line-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
jest.setTimeout(60_000);

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

interface Result {
  design: string;
  headsQ: number;
  headsKv: number;
  mode: string;
  seq: number;
  times: number[];
  speedUp: { median: number };
  cost: { flops: number };
  share: number;
}

test('bench writes every design, mode and length, as a table and as JSON', () => {
  const file = path.join(folder, 'results.json');
  const { status, stdout, stderr } = run('bench', ...small, '--json', file);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(/prefill, length 32 .*\n[^]*decode/) });
  for (const word of [...designs, 'prefill', 'decode', 'GFLOP/s', 'of ceiling']) expect(stdout).toContain(word);

  const { results } = JSON.parse(fs.readFileSync(file, 'utf8')) as { results: Result[] };
  const works = ['prefill', 'decode'].flatMap((mode) => [32, 48].map((seq) => ({ mode, seq })));
  expect(results.map(({ mode, seq, design, headsQ, headsKv }) => [mode, seq, design, `${headsQ}/${headsKv}`])).toEqual(
    works.flatMap(({ mode, seq }) => designs.map((design, index) => [mode, seq, design, headCounts[index]])),
  );
  for (const { times, share } of results) {
    expect(times).toHaveLength(2);
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(share).toBeGreaterThan(0);
  }
  const multiHead = results.filter(({ design }) => design === 'MHA');
  expect(multiHead.map(({ speedUp }) => speedUp.median)).toEqual([1, 1, 1, 1]);
  expect(multiHead[0]!.cost.flops).toBe(4 * ((32 * 33) / 2) * 8 * 16); // visible pairs of the causal triangle
  expect(fs.readdirSync(folder)).toEqual(['results.json']); // nothing temporary is left
});

test('--no-causal counts every pair', () => {
  const file = path.join(folder, 'full.json');
  expect(run('bench', ...small, '--mode', 'prefill', '--no-causal', '--json', file).status).toBe(0);
  const { results } = JSON.parse(fs.readFileSync(file, 'utf8')) as { results: Result[] };
  expect(results[0]!.cost.flops).toBe(4 * 32 * 32 * 8 * 16);
});

test('a bench that cannot run writes no file', () => {
  const file = path.join(folder, 'none.json');
  const { status, stderr } = run('bench', ...small, '--device', 'cuda:99', '--json', file);
  expect(status).toBe(2);
  expect(stderr).toMatch(/--device cuda:99/);
  expect(fs.existsSync(file)).toBe(false);
});

test.each([
  [['bench', '--seq', '0'], /--seq/],
  [['bench', '--seq', '16,many'], /--seq/],
  [['bench', '--heads', '6'], /multiple of 4/],
  [['bench', '--head-dim', '1.5'], /--head-dim/],
  [['bench', '--dtype', 'int8'], /float32, float16, bfloat16/],
  [['bench', '--mode', 'training'], /prefill, decode, both/],
  [['bench', '--rounds', '-1'], /--rounds/],
  [['bench', '--json', path.join(folder, 'missing', 'a.json')], /does not exist/],
  [['bench', '--json', folder], /is a folder/],
  [['bench', '--unknown'], /--unknown/],
  [['paint'], /paint/],
])('%j is refused with exit code 2', (args, message) => {
  const { status, stdout, stderr } = run(...args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(message);
});

test('info tells the same to people and to machines', () => {
  const text = run('info');
  const json = run('info', '--json');
  expect([text.status, json.status]).toEqual([0, 0]);
  const facts = JSON.parse(json.stdout) as {
    version: string;
    devices: { name: string; path: string; paths: string[]; threads: number }[];
    cuda: { available: boolean; reason?: string };
  };
  const cpu = facts.devices.find(({ name }) => name === 'cpu')!;
  expect(cpu.paths).toContain(cpu.path);
  expect(cpu.threads).toBeGreaterThan(0);
  for (const word of [facts.version, cpu.path, `${cpu.threads} thread`]) expect(text.stdout).toContain(word);
  if (!facts.cuda.available) expect(text.stdout).toContain(facts.cuda.reason);
});

test('help shows examples and succeeds', () => {
  const { status, stdout } = run('bench', '--help');
  expect(status).toBe(0);
  expect(stdout).toContain('Examples:');
});
