/** Options of attention() that contradict one another, and what a refused call leaves behind. */

import { attention, memoryUsage, Stream, Tensor, type AttentionOptions } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const [b, sQ, sKv, hQ, hKv, d] = [2, 3, 5, 4, 2, 8];
const float = (...shape: number[]) => Tensor.zeros(shape);
const int = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'int32' });

const q = float(b, sQ, hQ, d);
const k = float(b, sKv, hKv, d);
const v = float(b, sKv, hKv, d);
const closed = new Stream();
closed.close();

const call = (options: AttentionOptions) => () => attention(q, k, v, options);
const packedQ = float(6, hQ, d);
const packedK = float(7, hKv, d);
const offsets = int(3);
const packed = (options: object) => () =>
  attention(packedQ, packedK, packedK, { cuSeqLensQ: offsets, cuSeqLensK: offsets, ...options });

badCalls('attention refuses combinations', [
  ['out and q in one storage', call({ out: q }), 'ERR_OPTION', 'out must not share its storage with q'],
  [
    'out and a view of k',
    () => attention(k, k, v, { out: k.slice([]) }),
    'ERR_OPTION',
    'out must not share its storage with',
  ],
  [
    'lse and bias in one storage',
    () => {
      const both = float(b, hQ, sQ);
      return attention(q, float(b, 1, hKv, d), float(b, 1, hKv, d), { lse: both, bias: both.reshape([b, hQ, sQ, 1]) });
    },
    'ERR_OPTION',
    'lse must not share its storage with bias',
  ],
  [
    'out and lse in one storage',
    () => {
      const both = float(b, sQ, hQ, 2);
      const lse = both
        .slice([null, null, null, [0, 1]])
        .reshape([b, sQ, hQ])
        .transpose(1, 2);
      return attention(q, k, float(b, sKv, hKv, 1), { out: both.slice([null, null, null, [1, 2]]), lse });
    },
    'ERR_OPTION',
    'lse must not share its storage with out',
  ],
  ['sinkTokens without window', call({ sinkTokens: 2 }), 'ERR_OPTION', 'sinkTokens needs window'],
  ['prefixLengths without causal', call({ prefixLengths: int(b) }), 'ERR_OPTION', 'prefixLengths needs causal'],
  [
    'prefixLengths with a bounded window.right',
    call({ causal: true, prefixLengths: int(b), window: { right: 3 } }),
    'ERR_OPTION',
    'window.right',
  ],
  [
    'prefixLengths with a window.right per head',
    call({ causal: true, prefixLengths: int(b), window: { right: int(hQ) } }),
    'ERR_OPTION',
    'window.right',
  ],
  [
    'cuSeqLensQ alone',
    () => attention(packedQ, packedK, packedK, { cuSeqLensQ: offsets }),
    'ERR_OPTION',
    'cuSeqLensQ needs cuSeqLensK',
  ],
  [
    'cuSeqLensK alone',
    () => attention(packedQ, packedK, packedK, { cuSeqLensK: offsets }),
    'ERR_OPTION',
    'cuSeqLensK needs cuSeqLensQ',
  ],
  [
    'packed with a batch',
    call({ cuSeqLensQ: offsets, cuSeqLensK: offsets }),
    'ERR_SHAPE',
    'q must have shape [tQ, hQ, d]',
  ],
  ['cuSeqLens of two lengths', packed({ cuSeqLensK: int(4) }), 'ERR_SHAPE', 'cuSeqLensK must have shape [3]'],
  ['cuSeqLens of floats', packed({ cuSeqLensQ: float(3) }), 'ERR_DTYPE', 'cuSeqLensQ must be int32'],
  ['cuSeqLens of nothing', packed({ cuSeqLensQ: int(0) }), 'ERR_SHAPE', 'cuSeqLensQ must have shape [b + 1]'],
  ['cuSeqLens that is no tensor', packed({ cuSeqLensQ: wrong([0, 3]) }), 'ERR_NOT_A_TENSOR', 'cuSeqLensQ'],
  ['packed with kvLengths', packed({ kvLengths: int(2) }), 'ERR_OPTION', 'kvLengths cannot be combined'],
  ['packed with mask', packed({ mask: Tensor.zeros([1], { dtype: 'bool' }) }), 'ERR_OPTION', 'mask cannot be combined'],
  ['packed with bias', packed({ bias: float(1) }), 'ERR_OPTION', 'bias cannot be combined'],
  [
    'precision for 16 bits',
    () => {
      const h = Tensor.zeros([b, sQ, hQ, d], { dtype: 'float16' });
      return attention(h, h, h, { precision: 'bfloat16' });
    },
    'ERR_OPTION',
    "precision 'bfloat16' is for float32 tensors, these are float16",
  ],
  ["headMap 'interleave' where keys are shared", call({ headMap: 'interleave' }), 'ERR_OPTION', "'interleave'"],
  [
    "headMap 'grouped' where queries are shared",
    () => attention(float(b, sQ, 1, d), k, v, { headMap: 'grouped' }),
    'ERR_OPTION',
    "'grouped'",
  ],
  [
    'two rules for k and v',
    call({ headMap: { k: 'tile', v: 'grouped' } }),
    'ERR_OPTION',
    'headMap.k and headMap.v must name the same rule',
  ],
  ['a rule for k alone', call({ headMap: { k: 'tile' } }), 'ERR_OPTION', 'headMap.k and headMap.v'],
]);

test('a refused call leaves no output behind and queues nothing', () => {
  const before = memoryUsage();
  expect(() => attention(q, k, v, { stream: closed })).toThrow('closed');
  using stream = new Stream('cpu', { queueDepth: 1 });
  expect(() => {
    for (let n = 0; n < 1e5; ++n) attention(q, k, v, { stream }).dispose();
  }).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL', name: 'AttentionError' }));
  expect(memoryUsage()).toEqual(before);
});
