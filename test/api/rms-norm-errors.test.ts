/** What rmsNorm() refuses. */

import { rmsNorm, Stream, Tensor, type RmsNormOptions } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const float = (...shape: number[]) => Tensor.zeros(shape);
const half = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'float16' });
const x = float(2, 3, 8);
const disposed = float(8);
disposed.dispose();
const closed = new Stream();
closed.close();

const call = (options: RmsNormOptions) => () => rmsNorm(x, options);

badCalls('rmsNorm refuses', [
  ['an array', () => rmsNorm(wrong([1])), 'ERR_NOT_A_TENSOR', 'x must be a Tensor'],
  ['integers', () => rmsNorm(Tensor.zeros([8], { dtype: 'int32' })), 'ERR_DTYPE', 'x must be float32'],
  ['a single number', () => rmsNorm(float()), 'ERR_SHAPE', 'x must have shape [..., n], got []'],
  ['a broken last axis', () => rmsNorm(float(8, 3).transpose(0, 1)), 'ERR_LAYOUT', 'x must have stride 1'],
  ['a misspelt option', call(wrong({ eps: 1 })), 'ERR_OPTION', "rmsNorm: unknown option 'eps'"],
  ['weights of another size', call({ weight: float(3) }), 'ERR_SHAPE', 'weight must have shape [8], got [3]'],
  ['weights that are none', call({ weight: wrong([1]) }), 'ERR_NOT_A_TENSOR', 'weight must be a Tensor'],
  ['disposed weights', call({ weight: disposed }), 'ERR_DISPOSED', 'weight has been disposed of'],
  ['weights of another dtype', call({ weight: half(8) }), 'ERR_DTYPE', 'weight must be float32, got float16'],
  [
    'weights of a third dtype',
    () => rmsNorm(half(8), { weight: Tensor.zeros([8], { dtype: 'bfloat16' }) }),
    'ERR_DTYPE',
    'weight must be float32 or float16 like x, got bfloat16',
  ],
  ['repeated weights', call({ weight: float(1).expand([8]) }), 'ERR_LAYOUT', 'weight must have stride 1'],
  ['an epsilon of zero', call({ epsilon: 0 }), 'ERR_ARGUMENT_VALUE', 'epsilon must lie within 1.2e-38 and 3.4e38'],
  ['an infinite epsilon', call({ epsilon: Infinity }), 'ERR_ARGUMENT_VALUE', 'epsilon must lie within'],
  ['an epsilon that is none', call({ epsilon: wrong('1') }), 'ERR_ARGUMENT_TYPE', 'epsilon must be a number'],
  ['an out of another shape', call({ out: float(3, 2, 8) }), 'ERR_SHAPE', 'out must have shape [2, 3, 8]'],
  ['an out of another dtype', call({ out: half(2, 3, 8) }), 'ERR_DTYPE', 'out must be float32'],
  ['an out that repeats', call({ out: float(1, 3, 8).expand([2, 3, 8]) }), 'ERR_LAYOUT', 'out is written to'],
  [
    'an out that overlaps x',
    () => {
      const whole = float(40);
      const part = (from: number) => whole.slice([[from, from + 32]]).reshape([4, 8]);
      return rmsNorm(part(0), { out: part(8) });
    },
    'ERR_OPTION',
    'out overlaps x without being the same view',
  ],
  [
    'an out of the storage of the weights',
    () => {
      const whole = float(32);
      return rmsNorm(float(3, 8), {
        out: whole.slice([[0, 24]]).reshape([3, 8]),
        weight: whole.slice([[24, 32]]),
      });
    },
    'ERR_OPTION',
    'share its storage with weight',
  ],
  ['a closed stream', call({ stream: closed }), 'ERR_STREAM_CLOSED', 'stream'],
]);

test('rmsNorm makes its result', async () => {
  const out = rmsNorm(Tensor.full([2, 3, 8], 2), { weight: Tensor.full([8], 3), epsilon: 12 });
  expect({ shape: out.shape, dtype: out.dtype }).toEqual({ shape: [2, 3, 8], dtype: 'float32' });
  expect(new Set(await out.toArray())).toEqual(new Set([1.5]));
});
