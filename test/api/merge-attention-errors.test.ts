/** What mergeAttention() refuses. */

import { mergeAttention, Stream, Tensor, type MergeAttentionOptions } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const shape = [2, 3, 4, 8]; // b, s, h, d
const float = (...sizes: number[]) => Tensor.zeros(sizes);
const half = (...sizes: number[]) => Tensor.zeros(sizes, { dtype: 'float16' });
const part = () => ({ out: float(...shape), lse: float(2, 4, 3) });
const first = part();
const disposed = float(...shape);
disposed.dispose();
const closed = new Stream();
closed.close();

const withOptions = (options: MergeAttentionOptions) => () => mergeAttention([first, part()], options);
const withPart = (second: object) => () => mergeAttention([first, { ...part(), ...second }]);

badCalls('mergeAttention refuses', [
  ['parts that are no array', () => mergeAttention(wrong(first)), 'ERR_ARGUMENT_TYPE', 'parts must be an array'],
  ['no parts', () => mergeAttention([]), 'ERR_ARGUMENT_VALUE', 'parts must have at least one entry'],
  ['a part that is a tensor of its own', () => mergeAttention(wrong([first.out])), 'ERR_NOT_A_TENSOR', 'parts[0].out'],
  [
    'a part that is null',
    () => mergeAttention(wrong([first, null])),
    'ERR_ARGUMENT_TYPE',
    'parts[1] must be { out, lse, weight }, got null',
  ],
  ['a misspelt field', withPart({ weigth: float(1) }), 'ERR_OPTION', "parts[1]: unknown option 'weigth'"],
  ['a part without out', () => mergeAttention(wrong([{ lse: first.lse }])), 'ERR_NOT_A_TENSOR', 'parts[0].out'],
  [
    'a part without lse and weight',
    () => mergeAttention([first, { out: float(...shape) }]),
    'ERR_OPTION',
    'parts[1] needs lse, or weight',
  ],
  ['a part with lse and weight', withPart({ weight: float(2, 4, 3) }), 'ERR_OPTION', 'parts[1] has lse and weight'],
  [
    'an out of integers',
    () => mergeAttention([{ out: Tensor.zeros(shape, { dtype: 'int32' }), lse: first.lse }]),
    'ERR_DTYPE',
    'parts[0].out must be float32',
  ],
  [
    'an out of two axes',
    () => mergeAttention([{ out: float(2, 3), lse: first.lse }]),
    'ERR_SHAPE',
    'parts[0].out must have shape [b, s, h, d]',
  ],
  [
    'outs of two shapes',
    withPart({ out: float(2, 3, 4, 4) }),
    'ERR_SHAPE',
    'parts[1].out must have shape [2, 3, 4, 8]',
  ],
  ['outs of two dtypes', withPart({ out: half(...shape) }), 'ERR_DTYPE', 'parts[1].out must be float32'],
  ['a disposed out', withPart({ out: disposed }), 'ERR_DISPOSED', 'parts[1].out has been disposed of'],
  [
    'an out with a broken last axis',
    withPart({ out: float(2, 3, 8, 4).transpose(2, 3) }),
    'ERR_LAYOUT',
    'parts[1].out',
  ],
  ['an lse of another shape', withPart({ lse: float(2, 3, 4) }), 'ERR_SHAPE', 'parts[1].lse must have shape [2, 4, 3]'],
  ['an lse of 16 bits', withPart({ lse: half(2, 4, 3) }), 'ERR_DTYPE', 'parts[1].lse must be float32'],
  [
    'a weight that does not broadcast',
    withPart({ lse: undefined, weight: float(3, 4) }),
    'ERR_SHAPE',
    'parts[1].weight must broadcast',
  ],
  ['a misspelt option', withOptions(wrong({ sink: float(4) })), 'ERR_OPTION', "mergeAttention: unknown option 'sink'"],
  ['sinks of another size', withOptions({ sinks: float(3) }), 'ERR_SHAPE', 'sinks must have shape [4]'],
  ['a gate that does not broadcast', withOptions({ gate: float(4, 4) }), 'ERR_SHAPE', 'gate must broadcast'],
  ['an out of another dtype', withOptions({ out: half(...shape) }), 'ERR_DTYPE', 'out must be float32'],
  ['an out that repeats', withOptions({ out: float(1, 3, 4, 8).expand(shape) }), 'ERR_LAYOUT', 'out is written to'],
  [
    'an out that is a part',
    withOptions({ out: first.out }),
    'ERR_OPTION',
    'out must not share its storage with parts[0].out',
  ],
  [
    'an lse that is that of a part',
    withOptions({ lse: first.lse }),
    'ERR_OPTION',
    'lse must not share its storage with parts[0].lse',
  ],
  ['an lse of another shape', withOptions({ lse: float(2, 3, 4) }), 'ERR_SHAPE', 'lse must have shape [2, 4, 3]'],
  ['a closed stream', withOptions({ stream: closed }), 'ERR_STREAM_CLOSED', 'stream'],
]);

test('packed parts have lse [h, t]', async () => {
  const merged = mergeAttention([{ out: Tensor.full([5, 2, 8], 3), lse: float(2, 5) }]);
  expect(merged.shape).toEqual([5, 2, 8]);
  expect(new Set(await merged.toArray())).toEqual(new Set([3]));
});
