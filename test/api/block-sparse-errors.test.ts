/** What blockSparseAttention() refuses before it queues. */

import { blockSparseAttention, Stream, Tensor, type BlockSparseAttentionOptions } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const float = (...sizes: number[]) => Tensor.zeros(sizes);
const int = (...sizes: number[]) => Tensor.zeros(sizes, { dtype: 'int32' });
const [q, k] = [float(2, 40, 4, 8), float(2, 40, 2, 8)];
const partial = { offsets: int(2, 2, 4), indices: int(3) };
const lists = { blockQ: 16, blockK: 16, partial };
const closed = new Stream();
closed.close();

const call = (options: BlockSparseAttentionOptions) => () => blockSparseAttention(q, k, k, options);
const withLists = (changed: object) => call({ lists: { ...lists, ...changed } });

badCalls('blockSparseAttention refuses', [
  [
    'no options',
    () => blockSparseAttention(q, k, k, wrong(undefined)),
    'ERR_ARGUMENT_TYPE',
    'options must be an object',
  ],
  ['no lists', call(wrong({})), 'ERR_ARGUMENT_TYPE', 'lists must be given'],
  ['lists that are a tensor', call({ lists: wrong(5) }), 'ERR_ARGUMENT_TYPE', 'lists must be { blockQ'],
  ['a misspelt field', withLists({ parts: partial }), 'ERR_OPTION', "lists: unknown option 'parts'"],
  ['a misspelt option', call(wrong({ lists, window: {} })), 'ERR_OPTION', "unknown option 'window'"],
  ['neither partial nor full', withLists({ partial: undefined }), 'ERR_OPTION', 'lists needs partial or full'],
  ['blocks of no queries', withLists({ blockQ: 0 }), 'ERR_ARGUMENT_VALUE', 'lists.blockQ must be an integer'],
  ['blocks of no keys', withLists({ blockK: -1 }), 'ERR_ARGUMENT_VALUE', 'lists.blockK must be an integer'],
  ['no offsets', withLists({ full: { indices: int(1) } }), 'ERR_NOT_A_TENSOR', 'lists.full.offsets must be a Tensor'],
  [
    'offsets of floats',
    withLists({ partial: { ...partial, offsets: float(2, 2, 4) } }),
    'ERR_DTYPE',
    'lists.partial.offsets must be int32',
  ],
  ['offsets of other blocks', withLists({ blockQ: 8 }), 'ERR_SHAPE', 'lists.partial.offsets must have shape [2, 2, 6]'],
  [
    'offsets of one axis',
    withLists({ partial: { ...partial, offsets: int(4) } }),
    'ERR_SHAPE',
    'must have shape [2, hL, 4]',
  ],
  [
    'three list heads',
    withLists({ partial: { ...partial, offsets: int(2, 3, 4) } }),
    'ERR_SHAPE',
    'heads that divide the 4',
  ],
  [
    'full lists of other heads',
    withLists({ full: { offsets: int(2, 1, 4), indices: int(1) } }),
    'ERR_SHAPE',
    'as many heads',
  ],
  [
    'indices of two axes',
    withLists({ partial: { ...partial, indices: int(3, 1) } }),
    'ERR_SHAPE',
    'lists.partial.indices must have shape [n]',
  ],
  ['an lse of another shape', call({ lists, lse: float(2, 40, 4) }), 'ERR_SHAPE', 'lse must have shape [2, 4, 40]'],
  [
    'packed tensors',
    () => blockSparseAttention(float(40, 4, 8), float(40, 2, 8), float(40, 2, 8), { lists }),
    'ERR_SHAPE',
    'q must have shape',
  ],
  ['a closed stream', call({ lists, stream: closed }), 'ERR_STREAM_CLOSED', 'stream'],
]);
