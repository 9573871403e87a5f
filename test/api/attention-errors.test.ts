/** What attention() refuses: the class, the code, and that the message names the argument. */

import { attention, Stream, Tensor, type AttentionOptions } from '../../lib/index.js';
import { badCalls, wrong, type BadCall } from '../support/expect-error.js';

const [b, sQ, sKv, hQ, hKv, d] = [2, 3, 5, 4, 2, 8];
const float = (...shape: number[]) => Tensor.zeros(shape);
const int = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'int32' });
const half = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'float16' });

const q = float(b, sQ, hQ, d);
const k = float(b, sKv, hKv, d);
const v = float(b, sKv, hKv, d);
const disposed = float(b, sQ, hQ, d);
disposed.dispose();
const closed = new Stream();
closed.close();

const call = (options: AttentionOptions) => () => attention(q, k, v, options);
const bad = (options: unknown) => () => attention(q, k, v, wrong(options));
const repeated = (...shape: number[]) => Tensor.zeros([1]).expand(shape);

badCalls('attention refuses q, k and v', [
  [
    'that are missing',
    () => attention(wrong(undefined), k, v),
    'ERR_NOT_A_TENSOR',
    'q must be a Tensor, got undefined',
  ],
  ['that are arrays', () => attention(q, wrong([1]), v), 'ERR_NOT_A_TENSOR', 'k must be a Tensor, got an array of 1'],
  [
    'that look like tensors',
    () => attention(q, k, wrong({ shape: v.shape, dtype: v.dtype, device: v.device })),
    'ERR_NOT_A_TENSOR',
    'v must be a Tensor',
  ],
  [
    'that only have the prototype of a tensor',
    () => attention(q, k, Object.create(Tensor.prototype) as Tensor),
    'ERR_NOT_A_TENSOR',
    'v must be a Tensor',
  ],
  ['that are disposed of', () => attention(disposed, k, v), 'ERR_DISPOSED', 'q has been disposed of'],
  ['of an integer dtype', () => attention(int(b, sQ, hQ, d), k, v), 'ERR_DTYPE', 'q must be float32, float16 or'],
  ['of two dtypes', () => attention(q, half(b, sKv, hKv, d), v), 'ERR_DTYPE', 'k must be float32 like q, got float16'],
  ['of two dtypes, v', () => attention(q, k, half(b, sKv, hKv, d)), 'ERR_DTYPE', 'v must be float32 like q'],
  [
    'without batch',
    () => attention(float(sQ, hQ, d), k, v),
    'ERR_SHAPE',
    'packed tensors need cuSeqLensQ and cuSeqLensK',
  ],
  [
    'with too many axes',
    () => attention(float(1, b, sQ, hQ, d), k, v),
    'ERR_SHAPE',
    'q must have shape [b, sQ, hQ, d]',
  ],
  [
    'of two batch sizes',
    () => attention(q, float(1, sKv, hKv, d), v),
    'ERR_SHAPE',
    'k must have shape [2, sKv, hK, 8]',
  ],
  ['of two head dims', () => attention(q, float(b, sKv, hKv, 4), v), 'ERR_SHAPE', 'k must have shape [2, sKv, hK, 8]'],
  ['of two lengths', () => attention(q, k, float(b, 4, hKv, d)), 'ERR_SHAPE', 'v must have shape [2, 5, hV, dV]'],
  ['without heads', () => attention(float(b, sQ, 0, d), k, v), 'ERR_SHAPE', 'q must have at least one head'],
  ['without key heads', () => attention(q, float(b, sKv, 0, d), v), 'ERR_SHAPE', 'k must have at least one head'],
  ['without elements in a head', () => attention(q, k, float(b, sKv, hKv, 0)), 'ERR_SHAPE', 'v must have at least one'],
  [
    'with heads that do not divide',
    () => attention(q, float(b, sKv, 3, d), v),
    'ERR_SHAPE',
    'hK must divide the 4 heads',
  ],
  [
    'with value heads that do not',
    () => attention(q, k, float(b, sKv, 3, d)),
    'ERR_SHAPE',
    'hV must divide the 4 heads',
  ],
  [
    'with query heads that do not',
    () => attention(float(b, sQ, 4, d), float(b, sKv, 6, d), float(b, sKv, 6, d)),
    'ERR_SHAPE',
    'hQ must divide the 6 heads',
  ],
  [
    'whose heads do not lie in a row',
    () => attention(float(b, sQ, d, hQ).transpose(2, 3), k, v),
    'ERR_LAYOUT',
    'q must have stride 1 on its last axis',
  ],
  ['whose heads are repeated', () => attention(q, repeated(b, sKv, hKv, d), v), 'ERR_LAYOUT', 'k must have stride 1'],
]);

badCalls('attention refuses scalar options', [
  ['misspelt', bad({ casual: true }), 'ERR_OPTION', "attention: unknown option 'casual'; known are causal, window"],
  ['that are no object', bad('causal'), 'ERR_ARGUMENT_TYPE', "options must be an object, got 'causal'"],
  ['that are null', bad(null), 'ERR_ARGUMENT_TYPE', 'options must be an object, got null'],
  ['causal: a number', bad({ causal: 1 }), 'ERR_ARGUMENT_TYPE', 'causal must be a boolean, got 1'],
  ['scale: NaN', call({ scale: NaN }), 'ERR_ARGUMENT_VALUE', 'scale must be a finite number, got NaN'],
  ['scale: infinite in float32', call({ scale: 1e308 }), 'ERR_ARGUMENT_VALUE', 'scale must be finite in float32'],
  ['softcap: zero in float32', call({ softcap: 1e-50 }), 'ERR_ARGUMENT_VALUE', 'softcap must lie within'],
  ['scale: a tensor', bad({ scale: q }), 'ERR_ARGUMENT_TYPE', 'scale must be a number'],
  ['softcap: 0', call({ softcap: 0 }), 'ERR_ARGUMENT_VALUE', 'softcap must be a finite number above 0'],
  ['softcap: negative', call({ softcap: -1 }), 'ERR_ARGUMENT_VALUE', 'softcap'],
  ['softcap: infinite', call({ softcap: Infinity }), 'ERR_ARGUMENT_VALUE', 'softcap'],
  ['window: a number', bad({ window: 5 }), 'ERR_ARGUMENT_TYPE', 'window must be { left, right }, got 5'],
  ['window: null', bad({ window: null }), 'ERR_ARGUMENT_TYPE', 'window must be'],
  ['window: a tensor', bad({ window: int(hQ) }), 'ERR_ARGUMENT_TYPE', 'window must be'],
  ['window: an array', bad({ window: [] }), 'ERR_ARGUMENT_TYPE', 'window must be { left, right }, got an array of 0'],
  [
    'headMap: an array',
    bad({ headMap: [] }),
    'ERR_ARGUMENT_TYPE',
    'headMap must be a string or { k, v }, got an array',
  ],
  [
    'cuSeqLensQ: an array',
    bad({ cuSeqLensQ: [0, 4] }),
    'ERR_NOT_A_TENSOR',
    'cuSeqLensQ must be a Tensor, got an array',
  ],
  ['window: misspelt', bad({ window: { lefft: 5 } }), 'ERR_OPTION', "window: unknown option 'lefft'; known are left"],
  [
    'window.left: -2',
    call({ window: { left: -2 } }),
    'ERR_ARGUMENT_VALUE',
    'window.left must be an integer of at least -1',
  ],
  ['window.left: a fraction', call({ window: { left: 0.5 } }), 'ERR_ARGUMENT_VALUE', 'window.left'],
  ['window.right: a string', bad({ window: { right: '1' } }), 'ERR_ARGUMENT_TYPE', 'window.right'],
  ['sinkTokens: negative', call({ window: { left: 1 }, sinkTokens: -1 }), 'ERR_ARGUMENT_VALUE', 'sinkTokens'],
  ['sinkTokens: null', bad({ window: { left: 1 }, sinkTokens: null }), 'ERR_ARGUMENT_TYPE', 'sinkTokens'],
  [
    'precision: unknown',
    bad({ precision: 'float16' }),
    'ERR_ARGUMENT_VALUE',
    "precision must be 'bfloat16', got 'float16'",
  ],
  ['headMap: unknown', bad({ headMap: 'groups' }), 'ERR_ARGUMENT_VALUE', "headMap must be 'grouped' or 'tile'"],
  ['headMap: a tensor', bad({ headMap: int(hQ) }), 'ERR_ARGUMENT_TYPE', 'headMap must be a string or { k, v }'],
  ['headMap: misspelt', bad({ headMap: { q: 'tile' } }), 'ERR_OPTION', "headMap: unknown option 'q'"],
  ['headMap.k: unknown', bad({ headMap: { k: 'x', v: 'tile' } }), 'ERR_ARGUMENT_VALUE', 'headMap.k must be'],
  ['stream: none', bad({ stream: {} }), 'ERR_NOT_A_STREAM', 'stream must be a Stream, got an object'],
  ['stream: closed', call({ stream: closed }), 'ERR_STREAM_CLOSED', 'stream is closed'],
]);

const rows = [b, hQ, sQ] as const;
const tensorOptions: readonly [name: string, wrongDType: Tensor, wrongShape: Tensor, more?: AttentionOptions][] = [
  ['prefixLengths', float(b), int(b + 1), { causal: true }],
  ['sinks', half(hQ), float(hKv)],
  ['alibiSlopes', half(hQ), float(hQ, b)],
  ['bias', half(hQ, sQ, sKv), float(sKv, sQ)],
  ['mask', float(sQ, sKv), Tensor.zeros([sKv, sQ], { dtype: 'bool' })],
  ['temperature', half(...rows), float(b, sQ, hQ)],
  ['gate', half(...rows), float(b, sQ, hQ)],
  ['kvLengths', float(b), int(b, 1)],
  ['lse', half(...rows), float(b, sQ, hQ)],
  ['out', half(b, sQ, hQ, d), float(b, hQ, sQ, d)],
  ['sinkTokens', float(hQ), int(hKv), { window: { left: 1 } }],
];

badCalls(
  'attention refuses tensor options',
  tensorOptions
    .flatMap(([name, dtype, shape, more]): BadCall[] => [
      [
        `${name}: no tensor`,
        bad({ ...more, [name]: 'x' }),
        name === 'sinkTokens' ? 'ERR_ARGUMENT_TYPE' : 'ERR_NOT_A_TENSOR',
        `${name} must be`,
      ],
      [
        `${name}: of another dtype`,
        bad({ ...more, [name]: dtype }),
        'ERR_DTYPE',
        new RegExp(`^${name} must be .*, got ${dtype.dtype}`),
      ],
      [
        `${name}: of another shape`,
        bad({ ...more, [name]: shape }),
        'ERR_SHAPE',
        new RegExp(`^${name} must .*shape \\[.*got \\[`),
      ],
      [`${name}: disposed of`, bad({ ...more, [name]: disposed }), 'ERR_DISPOSED', `${name} has been disposed of`],
    ])
    .filter(([says]) => says !== 'sinkTokens: disposed of'),
);

badCalls('attention refuses nested tensors and layouts', [
  ['window.left: floats', call({ window: { left: float(hQ) } }), 'ERR_DTYPE', 'window.left must be int32'],
  [
    'window.left: one per key head',
    call({ window: { left: int(hKv) } }),
    'ERR_SHAPE',
    'window.left must have shape [4]',
  ],
  ['window.right: disposed of', call({ window: { right: disposed } }), 'ERR_DISPOSED', 'window.right'],
  ['segments: one tensor for two lengths', call({ segments: int(b, sQ) }), 'ERR_SHAPE', 'give { q, k }'],
  ['segments: without k', bad({ segments: { q: int(b, sQ) } }), 'ERR_NOT_A_TENSOR', 'segments.k'],
  ['segments: k of the length of q', call({ segments: { q: int(b, sQ), k: int(b, sQ) } }), 'ERR_SHAPE', 'segments.k'],
  ['segments: floats', call({ segments: { q: float(b, sQ), k: int(b, sKv) } }), 'ERR_DTYPE', 'segments.q'],
  ['segments: a string', bad({ segments: 'x' }), 'ERR_ARGUMENT_TYPE', 'segments must be a Tensor or { q, k }'],
  [
    'segments: an array',
    bad({ segments: [] }),
    'ERR_ARGUMENT_TYPE',
    'segments must be a Tensor or { q, k }, got an arr',
  ],
  ['segments: misspelt', bad({ segments: { query: int(b, sQ) } }), 'ERR_OPTION', "segments: unknown option 'query'"],
  ['headMap.k: floats', call({ headMap: { k: float(hQ) } }), 'ERR_DTYPE', 'headMap.k must be int32'],
  ['headMap.v: one per value head', call({ headMap: { v: int(hKv) } }), 'ERR_SHAPE', 'headMap.v must have shape [4]'],
  ['out: repeated', call({ out: repeated(b, sQ, hQ, d) }), 'ERR_LAYOUT', 'out'],
  [
    'out: a repeated axis',
    call({ out: float(1, sQ, hQ, d).expand([b, sQ, hQ, d]) }),
    'ERR_LAYOUT',
    'out is written to, so axis 0',
  ],
  ['lse: a repeated axis', call({ lse: float(1, hQ, sQ).expand(rows) }), 'ERR_LAYOUT', 'lse is written to'],
  [
    'out: heads not in a row',
    call({ out: float(b, sQ, d, hQ).transpose(2, 3) }),
    'ERR_LAYOUT',
    'out must have stride 1',
  ],
]);

describe('options behind getters and hidden properties', () => {
  const hidden = (descriptors: PropertyDescriptorMap) => Object.create(null, descriptors) as AttentionOptions;

  badCalls('are checked like others', [
    ['a getter', () => attention(q, k, v, hidden({ causal: { get: () => 1 } })), 'ERR_ARGUMENT_TYPE', 'causal must be'],
    [
      'a hidden one',
      () => attention(q, k, v, hidden({ lse: { value: [] } })),
      'ERR_NOT_A_TENSOR',
      'lse must be a Tensor',
    ],
  ]);

  test('are read once, so that what is checked is what is used', () => {
    let reads = 0;
    const read = (values: unknown[]) => ({ get: () => values[reads++] });
    attention(q, k, v, hidden({ scale: read([0.5, NaN]) }));
    expect(reads).toBe(1);
    attention(q, k, v, { window: hidden({ left: read([undefined, 3, 'x']) }) as object });
    expect(reads).toBe(2);
  });
});
