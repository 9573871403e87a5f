/** Functions that answer questions: devices, CUDA, memory, threads, head counts, and what a call costs. */

import {
  attention,
  configure,
  cudaStatus,
  devices,
  explain,
  headCounts,
  memoryUsage,
  Stream,
  supports,
  Tensor,
  type AttentionDesign,
  type AttentionRequest,
} from '../../lib/index.js';
import { badCalls, expectFailure, wrong } from '../support/expect-error.js';

const request: AttentionRequest = { op: 'attention', b: 1, sQ: 4, sKv: 6, hQ: 4, hKv: 2, d: 8 };
const ask = (more: object) => () => explain({ ...request, ...more });

test('the CPU is there, with its instruction paths and threads', () => {
  const cpu = devices().find(({ name }) => name === 'cpu')!;
  expect(cpu.paths).toContain(cpu.path);
  expect(cpu.threads).toBeGreaterThan(0);
  expect(cpu.memoryBytes).toBeGreaterThan(2 ** 20);
  expect(cpu.model).not.toBe('');
});

test('whether CUDA is there is an answer, and a device of it an error with the same reason', async () => {
  const status = cudaStatus();
  if (status.available) return;
  expect(status.reason).toMatch(/^(not-built|no-driver|driver-too-old|no-device|unsupported-device)$/);
  expect(status.message).toMatch(/\w/);
  const mentions = status.message.slice(0, 40);
  await expectFailure(() => Tensor.zeros([1], { device: 'cuda:0' }), 'ERR_CUDA_UNAVAILABLE', mentions);
  await expectFailure(() => new Stream('cuda:1'), 'ERR_CUDA_UNAVAILABLE', mentions);
  await expectFailure(() => Tensor.zeros([1]).to({ device: 'cuda:0' }), 'ERR_CUDA_UNAVAILABLE', mentions);
  await expectFailure(ask({ device: 'cuda:0' }), 'ERR_CUDA_UNAVAILABLE', mentions);
  expect(supports({ ...request, device: 'cuda:0' })).toBe(false);
});

test('memoryUsage counts tensors and their bytes', () => {
  const [before, tensor] = [memoryUsage(), Tensor.empty([10], { dtype: 'float16' })];
  const grown = memoryUsage()[0]!;
  expect(grown).toEqual({ device: 'cpu', tensors: before[0]!.tensors + 1, bytes: before[0]!.bytes + 20 });
  tensor.dispose();
  expect(memoryUsage()).toEqual(before);
});

describe('configure', () => {
  const { threads } = devices()[0]!;
  afterAll(() => configure({ threads }));

  test('sets the number of threads, and results stay the same', async () => {
    const x = Tensor.randn([1, 300, 3, 40], { seed: 2 });
    configure({ threads: 1 });
    expect(devices()[0]!.threads).toBe(1);
    const alone = await attention(x, x, x, { causal: true }).toBits();
    configure({ threads: 3 });
    expect(devices()[0]!.threads).toBe(3);
    expect(await attention(x, x, x, { causal: true }).toBits()).toEqual(alone);
    configure({});
    expect(devices()[0]!.threads).toBe(3);
  });

  badCalls('refuses', [
    ['no threads', () => configure({ threads: 0 }), 'ERR_ARGUMENT_VALUE', 'of at least 1 and at most 1024, got 0'],
    ['more threads than can be', () => configure({ threads: 1025 }), 'ERR_ARGUMENT_VALUE', 'at most 1024, got 1025'],
    ['a fraction', () => configure({ threads: 1.5 }), 'ERR_ARGUMENT_VALUE', 'threads'],
    ['a string', () => configure({ threads: wrong('2') }), 'ERR_ARGUMENT_TYPE', 'threads must be a number'],
    ['a misspelt name', () => configure(wrong({ thread: 2 })), 'ERR_OPTION', "configure: unknown option 'thread'"],
    ['nothing', () => configure(wrong(undefined)), 'ERR_ARGUMENT_TYPE', 'configure: options must be an object'],
  ]);
});

describe('headCounts', () => {
  test.each<[AttentionDesign, number, number]>([
    ['mha', 16, 16],
    ['mqa', 16, 1],
    ['gqa', 16, 4],
    ['sqa', 8, 4],
    ['ssqa', 8, 8],
    ['xsqa', 4, 4],
    ['xsmqa', 4, 1],
    ['lsqa', 12, 4],
    ['rsqa', 4, 8],
  ])('%s of 16 heads: %d query heads, %d key heads', (design, q, k) => {
    expect(headCounts(design, { heads: 16 })).toEqual({ q, k, v: k });
  });

  test('takes other key heads where the design leaves them open', () => {
    expect(headCounts('gqa', { heads: 32, kvHeads: 2 })).toEqual({ q: 32, k: 2, v: 2 });
    expect(headCounts('sqa', { heads: 32, kvHeads: 1 })).toEqual({ q: 16, k: 1, v: 1 });
    expect(headCounts('rsqa', { heads: 16, kvHeads: 16 })).toEqual({ q: 4, k: 16, v: 16 });
  });

  badCalls('refuses', [
    [
      'an unknown design',
      () => headCounts(wrong('smqa'), { heads: 8 }),
      'ERR_ARGUMENT_VALUE',
      "design must be 'mha' or",
    ],
    ['no heads', () => headCounts('mha', wrong({})), 'ERR_ARGUMENT_TYPE', 'heads must be a number'],
    [
      'heads that are not halved',
      () => headCounts('ssqa', { heads: 7 }),
      'ERR_ARGUMENT_VALUE',
      "heads must be a multiple of 2 for 'ssqa', got 7",
    ],
    ['heads that are not quartered', () => headCounts('xsqa', { heads: 6 }), 'ERR_ARGUMENT_VALUE', 'a multiple of 4'],
    [
      'key heads that do not divide',
      () => headCounts('gqa', { heads: 8, kvHeads: 3 }),
      'ERR_ARGUMENT_VALUE',
      'kvHeads must divide the 8',
    ],
    [
      'key heads of a design that fixes them',
      () => headCounts('mqa', { heads: 8, kvHeads: 2 }),
      'ERR_OPTION',
      "kvHeads cannot be chosen for 'mqa'",
    ],
    [
      'reversed heads that are not',
      () => headCounts('rsqa', { heads: 8, kvHeads: 2 }),
      'ERR_ARGUMENT_VALUE',
      "kvHeads must be a larger multiple of the 2 query heads for 'rsqa'",
    ],
    [
      'a misspelt option',
      () => headCounts('gqa', wrong({ heads: 8, kv: 2 })),
      'ERR_OPTION',
      "headCounts: unknown option 'kv'",
    ],
  ]);
});

describe('explain', () => {
  test('counts what a call does', async () => {
    const { flops, bytes, visiblePairs, supported, kernel, path } = await explain({ ...request, causal: true });
    expect({ supported, visiblePairs }).toEqual({ supported: true, visiblePairs: 3 + 4 + 5 + 6 });
    expect(flops).toBe(2 * (8 + 8) * 18 * 4);
    expect(bytes).toBe(4 * (2 * 4 * 4 * 8 + 2 * 6 * 2 * 8));
    expect(kernel).toMatch(/^cpu\//);
    expect(path).toBe(devices()[0]!.path);
  });

  test.each<[string, object, number]>([
    ['everything', {}, 24],
    ['a window', { window: { left: 1, right: 0 } }, 8],
    ['a window without bounds', { window: { left: null, right: -1 } }, 24],
    ['a window and sink tokens', { causal: true, window: { left: 0 }, sinkTokens: 1 }, 8],
    ['two sequences', { b: 2 }, 48],
    ['packed sequences', { b: 2, packed: true }, 12],
    ['no keys', { sKv: 0 }, 0],
  ])('counts visible pairs: %s', async (_, more, pairs) => {
    expect((await explain({ ...request, ...more })).visiblePairs).toBe(pairs);
  });

  test('bounds the time by arithmetic or by memory', async () => {
    const prefill = await explain({ ...request, sQ: 4096, sKv: 4096, d: 64 });
    const { flops, bytes, ceilings, timeBound } = prefill;
    expect(timeBound).toEqual({ seconds: flops / ceilings.f32Flops, limitedBy: 'compute' });
    expect(bytes / ceilings.readBytes).toBeLessThan(timeBound.seconds);
    const decode = await explain({ ...request, sQ: 1, sKv: 4096, hQ: 2, d: 64 });
    expect(decode.timeBound).toEqual({ seconds: decode.bytes / ceilings.readBytes, limitedBy: 'memory' });
  });

  test('takes head counts and head dims apart, and all of a call', async () => {
    const all = { hKv: undefined, hK: 2, hV: 4, dV: 16, dtype: 'bfloat16', lse: true, scale: 0.1, softcap: 30 };
    const { hKv: _, ...apart } = { ...request, ...all };
    const { flops, bytes, supported } = await explain(wrong(apart));
    expect(supported).toBe(true);
    expect(flops).toBe(2 * (8 + 16) * 24 * 4);
    expect(bytes).toBe(2 * (4 * 4 * (8 + 16) + 6 * (2 * 8 + 4 * 16)) + 4 * 4 * 4);
  });

  test('ends the wait for the measurement where a signal says so', async () => {
    await expect(explain(request, { signal: AbortSignal.abort('early') })).rejects.toBe('early');
    const { signal } = new AbortController();
    expect(await explain(request, { signal })).toEqual(await explain(request));
    await expectFailure(
      () => explain(request, wrong({ sginal: signal })),
      'ERR_OPTION',
      "explain: unknown option 'sginal'",
    );
  });

  test('supports says the same in short', () => {
    expect(supports({ ...request, precision: 'bfloat16' })).toBe(true);
    expect(supports({ ...request, hQ: 1, hKv: 4, headMap: 'interleave' })).toBe(true);
  });

  badCalls('refuses', [
    [
      'another op',
      ask({ op: 'rope' }),
      'ERR_ARGUMENT_VALUE',
      "op must be 'attention' or 'compressedConvAttention' or 'dynamicMaskAttention' or",
    ],
    ['a misspelt name', ask({ seq: 4 }), 'ERR_OPTION', "request: unknown option 'seq'"],
    ['no lengths', () => explain(wrong({ op: 'attention' })), 'ERR_ARGUMENT_TYPE', 'b must be a number, got undefined'],
    ['a negative length', ask({ sQ: -1 }), 'ERR_ARGUMENT_VALUE', 'sQ must be an integer of at least 0'],
    ['no key heads', ask({ hKv: undefined }), 'ERR_ARGUMENT_TYPE', 'hKv, or hK and hV, must be given'],
    ['no heads', ask({ hQ: 0 }), 'ERR_ARGUMENT_VALUE', 'hQ must be an integer of at least 1'],
    ['heads that do not divide', ask({ hKv: 3 }), 'ERR_SHAPE', 'hK must divide the 4 heads'],
    ['integers', ask({ dtype: 'int32' }), 'ERR_DTYPE', 'dtype must be float32'],
    ['an unknown device', ask({ device: 'x' }), 'ERR_DEVICE', 'device must be'],
    [
      'windows per head',
      ask({ window: { left: Tensor.zeros([4], { dtype: 'int32' }) } }),
      'ERR_ARGUMENT_TYPE',
      'window.left must be a number, true, a shape or { shape, dtype } in a request, got a Tensor',
    ],
    [
      'head maps',
      ask({ headMap: { k: Tensor.zeros([4], { dtype: 'int32' }), v: 'tile' } }),
      'ERR_ARGUMENT_TYPE',
      'headMap.k must be a string, true, a shape or { shape, dtype } in a request, got a Tensor',
    ],
    ['nothing', () => supports(wrong(null)), 'ERR_ARGUMENT_TYPE', 'request must be an object such as'],
    [
      'a scale that float32 cannot hold',
      ask({ scale: 1e308 }),
      'ERR_ARGUMENT_VALUE',
      'scale must be finite in float32',
    ],
    ['sinkTokens without window', ask({ sinkTokens: 1 }), 'ERR_OPTION', 'sinkTokens needs window'],
    ['precision for 16 bits', ask({ dtype: 'float16', precision: 'bfloat16' }), 'ERR_OPTION', 'bfloat16'],
    ['a head map for other heads', ask({ headMap: 'interleave' }), 'ERR_OPTION', "'interleave'"],
  ]);
});
