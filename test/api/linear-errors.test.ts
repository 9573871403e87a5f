/** What linear() refuses. */

import { linear, Stream, Tensor, type LinearOptions } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const float = (...shape: number[]) => Tensor.zeros(shape);
const half = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'float16' });
const [x, w] = [float(2, 3, 8), float(5, 8)];
const disposed = float(5, 8);
disposed.dispose();
const closed = new Stream();
closed.close();

const call = (options: LinearOptions) => () => linear(x, w, options);

badCalls('linear refuses', [
  ['an array', () => linear(wrong([1]), w), 'ERR_NOT_A_TENSOR', 'x must be a Tensor'],
  ['integers', () => linear(Tensor.zeros([8], { dtype: 'int32' }), w), 'ERR_DTYPE', 'x must be float32'],
  ['a single number', () => linear(float(), w), 'ERR_SHAPE', 'x must have shape [..., in], got []'],
  ['a broken last axis of x', () => linear(float(8, 3).transpose(0, 1), w), 'ERR_LAYOUT', 'x must have stride 1'],
  ['no weights', () => linear(x, wrong(undefined)), 'ERR_NOT_A_TENSOR', 'w must be a Tensor'],
  ['disposed weights', () => linear(x, disposed), 'ERR_DISPOSED', 'w has been disposed of'],
  ['weights of another dtype', () => linear(x, half(5, 8)), 'ERR_DTYPE', 'w must be float32 like x, got float16'],
  ['weights [in, out]', () => linear(x, float(8, 5)), 'ERR_SHAPE', 'w must have shape [out, 8], got [8, 5]'],
  ['weights of three axes', () => linear(x, float(5, 8, 1)), 'ERR_SHAPE', 'w must have shape [out, 8]'],
  ['transposed weights', () => linear(x, float(8, 5).transpose(0, 1)), 'ERR_LAYOUT', 'w must have stride 1'],
  ['a misspelt option', call(wrong({ biass: float(5) })), 'ERR_OPTION', "linear: unknown option 'biass'"],
  ['options that are a tensor', call(wrong(float(5).shape)), 'ERR_ARGUMENT_TYPE', 'linear: options must be an object'],
  ['a bias of another size', call({ bias: float(8) }), 'ERR_SHAPE', 'bias must have shape [5], got [8]'],
  ['a bias of another dtype', call({ bias: half(5) }), 'ERR_DTYPE', 'bias must be float32'],
  ['a repeated bias', call({ bias: float(1).expand([5]) }), 'ERR_LAYOUT', 'bias must have stride 1'],
  ['an out of another shape', call({ out: float(3, 2, 5) }), 'ERR_SHAPE', 'out must have shape [2, 3, 5]'],
  ['an out of another dtype', call({ out: half(2, 3, 5) }), 'ERR_DTYPE', 'out must be float32'],
  ['an out that repeats', call({ out: float(1, 3, 5).expand([2, 3, 5]) }), 'ERR_LAYOUT', 'out is written to'],
  ['an out that is x', () => linear(x, float(8, 8), { out: x }), 'ERR_OPTION', 'share its storage with x'],
  [
    'an out of the storage of the weights',
    () =>
      linear(float(5, 8), w, {
        out: w
          .reshape([40])
          .slice([[0, 25]])
          .reshape([5, 5]),
      }),
    'ERR_OPTION',
    'share its storage with w',
  ],
  [
    'an out of the storage of the bias',
    () => {
      const whole = float(35);
      const [out, bias] = [whole.slice([[0, 30]]).reshape([2, 3, 5]), whole.slice([[30, 35]])];
      return linear(x, w, { out, bias });
    },
    'ERR_OPTION',
    'share its storage with bias',
  ],
  ['an unknown precision', call({ precision: wrong('float16') }), 'ERR_ARGUMENT_VALUE', "precision must be 'bfloat16'"],
  [
    'a precision of half tensors',
    () => linear(half(2, 8), half(5, 8), { precision: 'bfloat16' }),
    'ERR_OPTION',
    "precision 'bfloat16' is for float32 tensors, these are float16",
  ],
  ['a closed stream', call({ stream: closed }), 'ERR_STREAM_CLOSED', 'stream'],
]);

test('linear makes its result', async () => {
  const out = linear(Tensor.full([2, 3, 8], 2), Tensor.full([5, 8], 3), { bias: Tensor.full([5], 1) });
  expect({ shape: out.shape, dtype: out.dtype }).toEqual({ shape: [2, 3, 5], dtype: 'float32' });
  expect(new Set(await out.toArray())).toEqual(new Set([49]));
});
