// One call of each kind of kernel, on the device of FUSED_ATTENTION_TEST_DEVICES: what the checks of memory and of equal
// bits repeat.

import { createRequire } from 'node:module';

const require = createRequire(new URL('package/', import.meta.url));
export const {
  attention,
  blockSparseAttention,
  compressedConvPrologue,
  dynamicMaskAttention,
  dynamicMaskIntervals,
  dynamicMaskScores,
  DmaState,
  linear,
  mergeAttention,
  rmsNorm,
  rope,
  Stream,
  Tensor,
} = require('./lib/index.js');
export const device = process.env.FUSED_ATTENTION_TEST_DEVICES ?? 'cuda:0';

let seed = 1;
export const randn = (shape, dtype) => Tensor.randn(shape, { dtype, device, seed: seed++ });
const integers = (values) => Tensor.from(Int32Array.from(values), [values.length]).to({ device });

function inputs({ b = 2, sQ, sKv = sQ, hQ, hKv = hQ, d, dtype = 'bfloat16' }) {
  return [randn([b, sQ, hQ, d], dtype), randn([b, sKv, hKv, d], dtype), randn([b, sKv, hKv, d], dtype)];
}

/** Every other block of keys, the query's own in full. */
function blockLists(length) {
  const [q, k, v] = inputs({ b: 1, sQ: length, hQ: 4, hKv: 2, d: 64 });
  const [full, partial, blocks] = [[], [], Math.ceil(length / 64)];
  const offsets = { full: [0], partial: [0] };
  for (let n = 0; n < blocks; n++) {
    for (let block = n % 2; block < n; block += 2) full.push(block);
    partial.push(n);
    offsets.full.push(full.length);
    offsets.partial.push(partial.length);
  }
  const list = (starts, indices) => ({
    offsets: Tensor.from(Int32Array.from(starts), [1, 1, blocks + 1]).to({ device }),
    indices: integers(indices),
  });
  const lists = { blockQ: 64, blockK: 64, full: list(offsets.full, full), partial: list(offsets.partial, partial) };
  return () => blockSparseAttention(q, k, v, { lists, causal: true });
}

/** Key j for an eighth of the queries from its own on, and for all of them where j is a multiple of 16. */
function keptKeys(length) {
  const [q, k, v] = inputs({ sQ: length, hQ: 8, hKv: 2, d: 128 });
  const bounds = Int32Array.from({ length: 8 * length }, (_, n) => {
    const key = n % length;
    const isEnd = Math.floor(n / length) % 2 === 1;
    return !isEnd ? key : key % 16 === 0 ? length : Math.min(length, key + Math.ceil(length / 8));
  });
  const intervals = Tensor.from(bounds, [2, 2, 2, length]).to({ device });
  const scores = randn([2, 2, length], 'float32');
  return () => dynamicMaskAttention(q, k, v, { scores, intervals, causal: true });
}

/** What makes two scores of a token; linear, since random weights are too large for the exponential. */
function scoringOf(heads, d) {
  return { wdt: randn([heads * d, 2], 'bfloat16'), a: randn([2], 'bfloat16'), form: 'linear' };
}

/** What compressed convolutions make, attended to, so that every part of it counts. */
function prologue(tokens, dtype) {
  const [hQ, hKv, d, b] = [4, 2, 64, 2];
  const channels = (hQ + hKv) * d;
  const half = () => randn([b, tokens, (hKv * d) / 2], dtype);
  const projections = { latent: randn([b, tokens, channels], dtype), value: half(), delayed: half() };
  const parameters = {
    w1: randn([channels, 2], dtype),
    w2: randn([channels, d, 2], dtype),
    temperature: randn([hKv], 'float32'),
  };
  const outs = (heads) => randn([b, tokens, heads, d], dtype);
  const out = { q: outs(hQ), k: outs(hKv), v: outs(hKv) };
  return () => {
    compressedConvPrologue(projections, parameters, { out });
    return attention(out.q, out.k, out.v);
  };
}

/** A prompt and a token, one after the other; then what is kept, gathered for one query. */
function step(length) {
  const [q, k, v] = inputs({ sQ: 1, sKv: length, hQ: 4, hKv: 2, d: 64 });
  const scores = randn([2, 2, length], 'float32');
  return () => {
    const state = new DmaState({ b: 2, hB: 2, keep: Math.ceil(length / 4), device });
    const parts = [scores.slice([null, null, [0, length - 1]]), scores.slice([null, null, [length - 1, length]])];
    for (const part of parts) state.append(part).snapshot().dispose();
    const out = dynamicMaskAttention(q, k, v, { state });
    for (const each of [state, ...parts]) each.dispose();
    return out;
  };
}

/** Functions of the inputs they hold; each call returns a new tensor. `length` scales the sequences. */
export function calls(length) {
  const prefill = (options, shape) => {
    const [q, k, v] = inputs({ sQ: length, hQ: 4, hKv: 2, d: 64, ...shape });
    return () => attention(q, k, v, options);
  };
  const window = { left: Math.ceil(length / 4), right: 0 };
  const packed = [
    randn([length, 4, 64], 'float16'),
    randn([length, 2, 64], 'float16'),
    randn([length, 2, 64], 'float16'),
  ];
  const cuSeqLens = integers([0, Math.floor(length / 3), Math.floor(length / 3), length]);
  const [x, lse] = [randn([1, length, 4, 64], 'bfloat16'), randn([1, 4, length], 'float32')];
  const [queries, keys, values] = inputs({ sQ: length, hQ: 4, hKv: 2, d: 64 });
  const scoring = scoringOf(2, 64);
  const [many, keep] = [randn([1, 1, 32 * length], 'float32'), Math.ceil(length / 4)];
  const [weights, bias] = [randn([96, 256], 'bfloat16'), randn([96], 'bfloat16')];
  const [wide, wideWeights] = [randn([length, 40], 'float32'), randn([48, 40], 'float32')];
  const factors = randn([64], 'float32');
  const positions = integers(Int32Array.from({ length }, (_, n) => 2 * n));
  const scaling = { type: 'dynamic-ntk', factor: 2, originalMax: 32 };
  return {
    'causal, bfloat16, d = 64': prefill({ causal: true }, {}),
    'full, float16, d = 128': prefill({}, { d: 128, dtype: 'float16' }),
    'causal, bfloat16, d = 256': prefill({ causal: true }, { d: 256 }),
    'ragged head dim 80': prefill({ causal: true }, { d: 80 }),
    float32: prefill({ causal: true }, { dtype: 'float32' }),
    'window with sink tokens': prefill({ window, sinkTokens: 4 }, {}),
    'bias and softcap': prefill({ bias: randn([1, 4, length, length], 'float32'), softcap: 5 }, {}),
    'one query over many keys': prefill({}, { sQ: 1, sKv: 8 * length, hQ: 8, d: 128 }),
    packed: () => attention(...packed, { causal: true, cuSeqLensQ: cuSeqLens, cuSeqLensK: cuSeqLens }),
    'block lists': blockLists(length),
    'kept keys': keptKeys(length),
    'scores of keys': () => dynamicMaskScores(values, scoring),
    'keys chosen by scores of values': () =>
      dynamicMaskAttention(queries, keys, values, { ...scoring, keep, blockSize: 3, causal: true }),
    'keys chosen of many': () => dynamicMaskIntervals(many, { keep, causal: true }),
    'a state of kept keys': step(length),
    'linear, bfloat16': () => linear(x.reshape([length, 256]), weights, { bias }),
    'linear, few rows': () => linear(x.reshape([length, 256]).slice([[0, 2], null]), weights, { bias }),
    'linear, float32': () => linear(wide, wideWeights),
    'rms norm': () => rmsNorm(x, { weight: factors }),
    'compressed convolutions, bfloat16': prologue(length, 'bfloat16'),
    'compressed convolutions of one token': prologue(1, 'bfloat16'),
    'compressed convolutions, float32': prologue(length, 'float32'),
    rope: () => rope(x, {}),
    'rope, as far as positions go': () => rope(x, { positions, scaling }),
    merge: () =>
      mergeAttention([
        { out: x, lse },
        { out: x, lse },
      ]),
  };
}
