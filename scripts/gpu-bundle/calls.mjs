// One call of each kind of kernel, on the device of FUSED_ATTENTION_TEST_DEVICES: what the checks of memory and of equal
// bits repeat.

import { createRequire } from 'node:module';

const require = createRequire(new URL('package/', import.meta.url));
export const {
  attention,
  blockSparseAttention,
  dynamicMaskAttention,
  dynamicMaskIntervals,
  DmaState,
  mergeAttention,
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
    rope: () => rope(x, {}),
    merge: () =>
      mergeAttention([
        { out: x, lse },
        { out: x, lse },
      ]),
  };
}
