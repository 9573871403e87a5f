// The command line as a process: exit codes, what goes where, and the JSON file.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const main = path.resolve(__dirname, '../../dist/cli/main.js');
const dense = ['MHA 8/8', 'MQA 8/1', 'GQA 8/2', 'SQA 4/2', 'sSQA 4/4', 'xSQA 2/2', 'xSMQA 2/1'];
const compressed = ['CCA 2/2', 'CCGQA 4/1'];
const designs = {
  prefill: [...dense, ...compressed],
  decode: dense,
  layer: ['MHA 8/8', 'GQA 8/2', ...compressed],
};
const small = ['--device', 'cpu', '--seq', '32,48', '--heads', '8', '--head-dim', '16', '--rounds', '2'];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-command-line-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
jest.setTimeout(60_000);

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

interface Result {
  design: string;
  keep?: number;
  headsQ: number;
  headsKv: number;
  mode: string;
  seq: number;
  times: number[];
  speedUp: { median: number };
  cost: { flops: number; bytes: number };
  share: number;
}

/** Runs it and reads what --json wrote. */
function results(...args: string[]) {
  const file = path.join(folder, 'results.json');
  const ran = run('bench', ...args, '--json', file);
  expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: expect.any(String) });
  const { results: rows } = JSON.parse(fs.readFileSync(file, 'utf8')) as { results: Result[] };
  return { ...ran, rows };
}
const nameOf = ({ design, headsQ, headsKv }: Result) => `${design} ${headsQ}/${headsKv}`;

test('bench writes every design, mode and length, as a table and as JSON', () => {
  const { stdout, stderr, rows } = results(...small);
  expect(stderr).toMatch(/^prefill, length 32 .*\n[^]*decode[^]*layer/);
  for (const word of [...designs.prefill.map((name) => name.split(' ')[0]), 'GFLOP/s', 'of ceiling', 'vs MHA'])
    expect(stdout).toContain(word);
  for (const heading of ['prefill, causal', 'decode, one query', 'whole layers of width 128'])
    expect(stdout).toContain(heading);

  expect(rows.map((row) => [row.mode, row.seq, nameOf(row)])).toEqual(
    Object.entries(designs).flatMap(([mode, names]) =>
      [32, 48].flatMap((seq) => names.map((name) => [mode, seq, name])),
    ),
  );
  for (const { times, share } of rows) {
    expect(times).toHaveLength(2);
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(share).toBeGreaterThan(0);
  }
  const multiHead = rows.filter(({ design }) => design === 'MHA');
  expect(multiHead.map(({ speedUp }) => speedUp.median)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(multiHead[0]!.cost.flops).toBe(4 * ((32 * 33) / 2) * 8 * 16); // visible pairs of the causal triangle
  expect(fs.readdirSync(folder)).toEqual(['results.json']); // nothing temporary is left
});

test('--no-causal counts every pair', () => {
  const { rows } = results(...small, '--mode', 'prefill', '--no-causal');
  expect(rows[0]!.cost.flops).toBe(4 * 32 * 32 * 8 * 16);
});

test('a whole layer counts its projections, and the bytes of its inputs and its output', () => {
  const { rows } = results(...small, '--mode', 'layer', '--seq', '32');
  const e = 8 * 16;
  const pairs = (32 * 33) / 2;
  const [multiHead, grouped, cca] = rows as [Result, Result, Result];
  expect(multiHead.cost).toMatchObject({
    flops: 4 * pairs * 8 * 16 + 2 * 32 * (4 * e * e),
    bytes: 4 * (2 * 32 * e + 4 * e * e),
  });
  const projections = 2 * e * e + 2 * ((e * e) / 4);
  expect(grouped.cost).toMatchObject({
    flops: 4 * pairs * 8 * 16 + 2 * 32 * projections,
    bytes: 4 * (2 * 32 * e + projections),
  });
  // A quarter of the heads in all five projections, two of them halves; convolutions of 2 taps over 64 channels.
  const [latent, weights] = [2 * 32, 4 * 32 * e];
  expect(cca.cost).toMatchObject({
    flops: 4 * pairs * 2 * 16 + 2 * 32 * latent * (2 + 2 * 16) + 2 * 32 * weights,
    bytes: 4 * (2 * 32 * e + weights + latent * (2 + 1 + 2 * 16 + 1) + 2),
  });
});

test.each(['float32', 'bfloat16'])('dynamic masks stand beside windows of as many keys, %s', (dtype) => {
  const { rows, stdout } = results(
    ...['--device', 'cpu', '--seq', '512,1025', '--heads', '4', '--head-dim', '8', '--rounds', '1'],
    ...['--mode', 'prefill', '--designs', 'window,dma', '--dtype', dtype],
  );
  const names = rows.map((row) => [row.seq, nameOf(row), row.keep]);
  expect(names).toEqual([
    // Nothing keeps fewer keys than 512, so that only the longer length has something to compare.
    ...[[1025, 'MHA 4/4', undefined]],
    ...[512, 1024].flatMap((keep) => ['window', 'DMA'].map((design) => [1025, `${design} 4/1`, keep])),
  ]);
  expect(stdout).toMatch(/window 512 [^]*DMA 512 [^]*window 1024 [^]*DMA 1024 /);
  for (const { keep, cost } of rows.slice(1)) {
    const pairs = (keep! * (keep! + 1)) / 2 + (1025 - keep!) * keep!;
    expect(cost.flops).toBe(4 * pairs * 4 * 8);
  }
  expect(rows[2]!.cost.bytes).toBe(rows[1]!.cost.bytes + 4 * 1025); // the scores, float32 in any case
});

test('layers of dynamic masks count what they keep, and the scores they make', () => {
  const { rows } = results(
    ...['--device', 'cpu', '--seq', '513', '--heads', '4', '--head-dim', '8', '--rounds', '1'],
    ...['--mode', 'layer', '--designs', 'dma'],
  );
  expect(rows.map((row) => [nameOf(row), row.keep])).toEqual([
    ['MHA 4/4', undefined],
    ['DMA 4/1', 512],
  ]);
  const [e, pairs] = [4 * 8, (513 * 514) / 2 - 1];
  const weights = 2 * e * e + (2 * e * e) / 4 + 8; // projections, and the one of the scores
  expect(rows[1]!.cost).toMatchObject({
    flops: 4 * pairs * 4 * 8 + 2 * 513 * weights,
    bytes: 4 * (2 * 513 * e + weights + 1),
  });
});

test('--designs chooses, whatever the case, and MHA stays to be measured against', () => {
  const { rows } = results(...small, '--seq', '32', '--designs', 'ccgqa,SSQA');
  expect(rows.map((row) => [row.mode, nameOf(row)])).toEqual([
    ...['MHA 8/8', 'sSQA 4/4', 'CCGQA 4/1'].map((name) => ['prefill', name]),
    ...['MHA 8/8', 'sSQA 4/4'].map((name) => ['decode', name]),
    ...['MHA 8/8', 'CCGQA 4/1'].map((name) => ['layer', name]),
  ]);
});

test.each([
  [['--heads', '4'], [/^left out: CCGQA: .*multiple of 8$/m], 'CCA'],
  [
    ['--seq', '513', '--no-causal'],
    [/^left out: window, DMA: .*causal/m, /^left out: DMA: whole layers .*causal/m],
    'CCGQA',
  ],
  [
    ['--head-dim', '7'],
    [
      /^left out: CCA, CCGQA: .*--head-dim is odd$/m,
      /^left out: MHA, GQA, CCA, CCGQA, DMA: whole layers .*--head-dim is odd$/m,
    ],
    'xSMQA',
  ],
])('%j leaves designs out and says so once', (args, messages, last) => {
  const { stderr, rows } = results(...small, ...args, '--rounds', '1');
  for (const message of messages) expect(stderr).toMatch(message);
  expect(stderr.match(/left out/g)).toHaveLength(messages.length);
  expect(rows.filter(({ mode }) => mode === 'prefill').at(-1)!.design).toBe(last);
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
  [['bench', '--mode', 'training'], /prefill, decode, layer, all/],
  [['bench', '--designs', 'mha,paint'], /MHA.*window, DMA/],
  [['bench', '--designs', 'dma', '--mode', 'decode', '--device', 'cpu'], /nothing is left to compare/],
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
