/** Which rows keep each key. */

import { expectBoolean, expectChoice, expectInteger, readOptions } from '../../checks/options.js';
import {
  expectApart,
  expectOperand,
  expectTensor,
  expectTensorDType,
  expectWritable,
  wrongShape,
} from '../../checks/tensors.js';
import { AttentionError, fromNative } from '../../errors.js';
import type { AbortHandle } from '../../native-module.js';
import { native } from '../../native.js';
import { abortFlag } from '../../signals.js';
import { expectStream, streamHandle, type Stream } from '../../stream.js';
import { allocate, tensorHandle, type Tensor } from '../../tensor.js';

/** Which keys a query keeps. */
export interface KeySelection {
  /** How many keys a query keeps. Default 2048. Not with `'relu'`. */
  keep?: number;
  /**
   * `'perQuery'`: the keys of the best scores among those the query sees, of equal ones the earlier. `'shared'`: those of
   * the best `keep` of all keys that it sees, which lets later tokens decide what earlier queries keep. `'relu'`: those
   * with a score above 0. Default `'perQuery'`.
   */
  selection?: 'perQuery' | 'shared' | 'relu';
  /** Keeps whole blocks of so many keys where more than half of one is kept, and drops the others. Default: off. */
  blockSize?: number;
}

/** Options of {@link dynamicMaskIntervals}. */
export interface DynamicMaskIntervalsOptions extends KeySelection {
  /** Queries of each sequence; packed: of all. Default: as many as keys. */
  sQ?: number;
  /** Query `i` sees keys `j <= i + (sKv - sQ)`. Default `false`. */
  causal?: boolean;
  /** Keys in use of each sequence; int32 `[b]`. Not in a packed call. */
  kvLengths?: Tensor;
  /** Packed sequences: where each one's queries begin, and the end of the last; int32 `[b + 1]`. */
  cuSeqLensQ?: Tensor;
  /** The same for keys. */
  cuSeqLensK?: Tensor;
  /** Receives the result. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `scores.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

/** Numbers of `KeySelection` in `native/core/ops/dynamic_mask.h`. */
export const selections = Object.freeze({
  perQuery: 0,
  shared: 1,
  relu: 2,
} satisfies Record<Required<KeySelection>['selection'], number>);
const optionNames: ReadonlySet<string> = new Set<keyof DynamicMaskIntervalsOptions>([
  'sQ',
  'keep',
  'selection',
  'blockSize',
  'causal',
  'kvLengths',
  'cuSeqLensQ',
  'cuSeqLensK',
  'out',
  'stream',
  'signal',
]);
export const defaultKeep = 2048;
const most = 2 ** 31 - 1;

/**
 * Which queries keep each key, the second step of {@link dynamicMaskAttention}. Scores do not depend on the query, so a
 * key that better ones have pushed out never returns: the queries that keep it are one run, given by two numbers.
 *
 * A NaN score counts as -Infinity. A query that sees fewer keys than it may keep keeps all of them.
 *
 * @param scores float32 `[b, hB, sKv]` or packed `[hB, tK]`.
 * @returns int32 `[b, hB, 2, sKv]` or packed `[hB, 2, tK]`: the first query that keeps a key, and the one behind the last,
 *   counted from the start of the sequence; 0 and 0 where none does.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`, `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`,
 *   `ERR_UNSUPPORTED`.
 * @see Dynamic mask attention, arXiv:2508.02124, equation 4.
 */
export function dynamicMaskIntervals(scores: Tensor, options: DynamicMaskIntervalsOptions = {}): Tensor<'int32'> {
  const given = readOptions('dynamicMaskIntervals', options, optionNames);
  expectTensor('scores', scores);
  expectTensorDType('scores', scores, 'float32');
  expectSelection(given);
  expectBoolean('causal', given.causal, false);
  const { cuSeqLensQ, cuSeqLensK, kvLengths, out } = given;
  const packed = expectPacking(given);
  if (scores.rank !== (packed ? 2 : 3)) throw wrongShape('scores', scores, packed ? ['hB', 'tK'] : ['b', 'hB', 'sKv']);
  const { device } = scores;
  if (cuSeqLensQ !== undefined) {
    expectTensor('cuSeqLensQ', cuSeqLensQ);
    if (cuSeqLensQ.rank !== 1 || cuSeqLensQ.size === 0) throw wrongShape('cuSeqLensQ', cuSeqLensQ, ['b + 1']);
    expectOperand('cuSeqLensQ', cuSeqLensQ, 'int32', device, cuSeqLensQ.shape);
    expectOperand('cuSeqLensK', cuSeqLensK, 'int32', device, cuSeqLensQ.shape);
  }
  if (kvLengths !== undefined) expectOperand('kvLengths', kvLengths, 'int32', device, [scores.shape[0]!]);
  const { sQ = scores.shape[scores.rank - 1]! } = given;
  expectInteger('sQ', sQ, 0, most);
  if (out !== undefined) {
    expectOperand('out', out, 'int32', device, intervalsShape(scores.shape));
    expectWritable('out', out);
    for (const [name, tensor] of Object.entries({ scores, kvLengths, cuSeqLensQ, cuSeqLensK }))
      if (tensor !== undefined) expectApart('out', out, name, tensor);
  }
  const stream = expectStream(given.stream, device);
  return queueIntervals(stream, scores, given, sQ, abortFlag(given.signal), out);
}

/** [b, hB, 2, sKv] or [hB, 2, tK]. */
export function intervalsShape(scores: readonly number[]): readonly number[] {
  return Object.freeze([...scores.slice(0, -1), 2, scores[scores.length - 1]!]);
}

export function expectSelection({ keep, selection = 'perQuery', blockSize }: KeySelection): void {
  if (keep !== undefined) expectInteger('keep', keep, 1);
  expectChoice('selection', selection, selections);
  if (blockSize !== undefined) expectInteger('blockSize', blockSize, 1);
  if (selection === 'relu' && keep !== undefined)
    throw new AttentionError('ERR_OPTION', "selection 'relu' keeps all keys with a score above 0: it takes no keep");
}

/** @internal How many keys a query keeps at most; 0 where only the scores tell. */
export function keptAtMost({ keep = defaultKeep, selection, blockSize }: KeySelection): number {
  if (selection === 'relu') return 0;
  return Math.min(most, blockSize === undefined ? keep : 2 * keep); // a block has less than twice what is kept of it
}

function expectPacking({ cuSeqLensQ, cuSeqLensK, kvLengths }: DynamicMaskIntervalsOptions): boolean {
  if ((cuSeqLensQ === undefined) !== (cuSeqLensK === undefined)) {
    const [there, missing] = cuSeqLensQ === undefined ? ['cuSeqLensK', 'cuSeqLensQ'] : ['cuSeqLensQ', 'cuSeqLensK'];
    throw new AttentionError('ERR_OPTION', `${there} needs ${missing}: a packed call has both`);
  }
  if (cuSeqLensQ !== undefined && kvLengths !== undefined)
    throw new AttentionError('ERR_OPTION', 'kvLengths cannot be combined with cuSeqLensQ and cuSeqLensK');
  return cuSeqLensQ !== undefined;
}

/** @internal Of checked arguments. */
export function queueIntervals(
  stream: Stream,
  scores: Tensor,
  given: Omit<DynamicMaskIntervalsOptions, 'sQ' | 'out' | 'stream' | 'signal'>,
  sQ: number,
  abort: AbortHandle | undefined,
  out?: Tensor,
): Tensor<'int32'> {
  const handle = (tensor: Tensor | undefined) => tensor && tensorHandle(tensor);
  const intervals = out ?? allocate(intervalsShape(scores.shape), 'int32', scores.device);
  try {
    native.dynamicMaskIntervals(
      streamHandle(stream),
      tensorHandle(scores),
      handle(given.kvLengths),
      handle(given.cuSeqLensQ),
      handle(given.cuSeqLensK),
      tensorHandle(intervals),
      selections[given.selection ?? 'perQuery'],
      given.keep ?? defaultKeep,
      given.blockSize ?? 0,
      given.causal ?? false,
      sQ,
      abort,
    );
  } catch (error) {
    if (intervals !== out) intervals.dispose();
    throw fromNative(error);
  }
  return intervals as Tensor<'int32'>;
}
