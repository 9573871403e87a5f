// One call of each kind of kernel, on the device of FUSED_ATTENTION_TEST_DEVICES: what the checks of memory and of equal
// bits repeat.

import { createRequire } from 'node:module';

const require = createRequire(new URL('package/', import.meta.url));
export const { attention, mergeAttention, rope, Stream, Tensor } = require('./lib/index.js');
export const device = process.env.FUSED_ATTENTION_TEST_DEVICES ?? 'cuda:0';

let seed = 1;
export const randn = (shape, dtype) => Tensor.randn(shape, { dtype, device, seed: seed++ });
const integers = (values) => Tensor.from(Int32Array.from(values), [values.length]).to({ device });

function inputs({ b = 2, sQ, sKv = sQ, hQ, hKv = hQ, d, dtype = 'bfloat16' }) {
  return [randn([b, sQ, hQ, d], dtype), randn([b, sKv, hKv, d], dtype), randn([b, sKv, hKv, d], dtype)];
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
    rope: () => rope(x, {}),
    merge: () =>
      mergeAttention([
        { out: x, lse },
        { out: x, lse },
      ]),
  };
}
