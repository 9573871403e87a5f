import { describe, expectInteger, readFields, readOptions } from '../checks/options.js';
import { expectApart, expectOperand, expectTensor, wrongShape } from '../checks/tensors.js';
import type { FloatDType } from '../dtype.js';
import { AttentionError, fromNative, invalidRange, invalidType } from '../errors.js';
import { native } from '../native.js';
import { abortFlag } from '../signals.js';
import { expectStream, streamHandle, type Stream } from '../stream.js';
import { allocate, tensorHandle, type Tensor } from '../tensor.js';
import { expectAttentionOptions } from './attention/checks.js';
import { expectMap, readHeadMap } from './attention/heads.js';
import { readSizes, type AttentionSizes } from './attention/sizes.js';
import { outputShape } from './attention/tensors.js';

/** Lists of key blocks in compressed sparse rows. */
export interface BlockList {
  /** int32 `[b, hL, nQ + 1]`: the list of query block `n` is `indices[offsets[n] .. offsets[n + 1])`. */
  offsets: Tensor;
  /** int32, one axis: blocks of keys, in any order. */
  indices: Tensor;
}

/** Which blocks of keys each block of queries reads; a block stands at most once in the lists of one. */
export interface BlockLists {
  /** Queries of a block; the last may have fewer. */
  blockQ: number;
  /** Keys of a block. */
  blockK: number;
  /** Blocks within which `causal` hides pairs. Default: none. */
  partial?: BlockList;
  /** Blocks of which all pairs count, whatever `causal` says. Default: none. */
  full?: BlockList;
}

/** Options of {@link blockSparseAttention}. */
export interface BlockSparseAttentionOptions {
  lists: BlockLists;
  /** In partial blocks query `i` sees keys `j <= i + (sKv - sQ)`. Default `false`. */
  causal?: boolean;
  /** Factor on the scores. Default `1 / sqrt(d)`. */
  scale?: number;
  /** Keys in use of each sequence, the rest is padding; int32 `[b]`. */
  kvLengths?: Tensor;
  /** Receives the natural log-sum-exp of each query's scores, float32 `[b, hO, sQ]`. Default: none. */
  lse?: Tensor;
  /** Receives the result. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `q.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

const optionNames: ReadonlySet<string> = new Set<keyof BlockSparseAttentionOptions>([
  'lists',
  'causal',
  'scale',
  'kvLengths',
  'lse',
  'out',
  'stream',
  'signal',
]);
const listsNames: ReadonlySet<string> = new Set<keyof BlockLists>(['blockQ', 'blockK', 'partial', 'full']);
const listNames: ReadonlySet<string> = new Set<keyof BlockList>(['offsets', 'indices']);
/** Queries or keys of a block. */
export const mostBlock = 2 ** 30 - 1;

/**
 * Attention of each block of queries over the blocks of keys that its list names; time follows the lists. `hL`, the
 * heads of the lists, divide the heads of the output: output head `o` uses list head `floor(o * hL / hO)`, and heads that
 * share keys and a list share the work of reading them.
 *
 * Lists are looked at when the work runs: where a block does not exist, or stands twice in a list or in both lists of a query block,
 * reading the result rejects with `ERR_INDEX`.
 *
 * @param q Queries `[b, sQ, hQ, d]`.
 * @param k Keys `[b, sKv, hK, d]`.
 * @param v Values `[b, sKv, hV, dV]`.
 * @returns `[b, sQ, hO, dV]`, in the dtype of `q`. A query without keys yields zeros, and `lse` -Infinity.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`, `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`,
 *   `ERR_UNSUPPORTED`.
 * @see FlexPrefill, arXiv:2502.20766, section 3, for lists made from data.
 */
export function blockSparseAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: BlockSparseAttentionOptions,
): Tensor<FloatDType> {
  const given = readOptions('blockSparseAttention', options, optionNames);
  const map = readHeadMap(undefined, expectMap);
  const sizes = readSizes(q, k, v, undefined, undefined, map);
  const { causal, scale, kvLengths, lse } = given;
  expectAttentionOptions({ causal, scale, kvLengths, lse, out: given.out } as object, map, q, k, v, sizes);
  const { partial, full, blockQ, blockK } = readLists(given, q, sizes);
  const stream = expectStream(given.stream, q.device);
  const abort = abortFlag(given.signal);

  const handle = (tensor: Tensor | undefined) => tensor && tensorHandle(tensor);
  const out = given.out ?? allocate(Object.freeze(outputShape(sizes)), q.dtype, q.device);
  try {
    native.blockSparseAttention(
      streamHandle(stream),
      tensorHandle(q),
      tensorHandle(k),
      tensorHandle(v),
      tensorHandle(out),
      handle(lse),
      handle(kvLengths),
      handle(partial?.offsets),
      handle(partial?.indices),
      handle(full?.offsets),
      handle(full?.indices),
      blockQ,
      blockK,
      scale ?? 1 / Math.sqrt(sizes.d),
      causal ?? false,
      abort,
    );
  } catch (error) {
    if (out !== given.out) out.dispose();
    throw fromNative(error);
  }
  return out as Tensor<FloatDType>;
}

/** A copy of the lists, each field read once, checked. */
function readLists(options: BlockSparseAttentionOptions, q: Tensor, sizes: AttentionSizes): BlockLists {
  if (options.lists === undefined)
    throw invalidType('ERR_ARGUMENT_TYPE', `lists must be given, got ${describe(options.lists)}`);
  const lists = readFields('lists', options.lists, listsNames);
  expectInteger('lists.blockQ', lists.blockQ, 1, mostBlock);
  expectInteger('lists.blockK', lists.blockK, 1, mostBlock);
  const { partial, full } = lists;
  if (partial === undefined && full === undefined)
    throw new AttentionError('ERR_OPTION', 'lists needs partial or full, which name the blocks');
  const blocks = Math.ceil(sizes.sQ / lists.blockQ);
  const heads = new Set<number>();
  const read = (name: 'partial' | 'full', list: BlockList | undefined) => {
    if (list === undefined) return;
    lists[name] = readFields(`lists.${name}`, list, listNames);
    heads.add(expectList(`lists.${name}`, lists[name], blocks, q, sizes, options));
  };
  read('partial', partial);
  read('full', full);
  if (heads.size > 1)
    throw invalidRange(
      'ERR_SHAPE',
      `lists.full must have as many heads as lists.partial, got ${[...heads].join(' and ')}`,
    );
  return lists;
}

/** @returns Its heads. */
function expectList(
  name: string,
  { offsets, indices }: BlockList,
  blocks: number,
  q: Tensor,
  { b, hO }: AttentionSizes,
  { out, lse }: BlockSparseAttentionOptions,
): number {
  expectTensor(`${name}.offsets`, offsets);
  expectTensor(`${name}.indices`, indices);
  const heads = offsets.shape[1];
  if (heads === undefined) throw wrongShape(`${name}.offsets`, offsets, [b, 'hL', blocks + 1]);
  expectOperand(`${name}.offsets`, offsets, 'int32', q.device, [b, heads, blocks + 1]);
  if (indices.rank !== 1) throw wrongShape(`${name}.indices`, indices, ['n']);
  expectOperand(`${name}.indices`, indices, 'int32', q.device, indices.shape);
  if (heads === 0 || hO % heads !== 0)
    throw invalidRange(
      'ERR_SHAPE',
      `${name}.offsets must have heads that divide the ${hO} of the output, got ${heads}`,
    );
  for (const [field, tensor] of Object.entries({ offsets, indices })) {
    expectApart('out', out, `${name}.${field}`, tensor);
    expectApart('lse', lse, `${name}.${field}`, tensor);
  }
  return heads;
}
