import { readOptions } from '../checks/options.js';
import type { FloatDType } from '../dtype.js';
import { fromNative } from '../errors.js';
import { native } from '../native.js';
import { abortFlag } from '../signals.js';
import { expectStream, streamHandle, type Stream } from '../stream.js';
import { allocate, tensorHandle, type Tensor } from '../tensor.js';
import { expectAttentionOptions } from './attention/checks.js';
import { expectMap, readHeadMap } from './attention/heads.js';
import { readSizes } from './attention/sizes.js';
import { outputShape } from './attention/tensors.js';
import { expectKept, expectScores, expectState } from './dynamic-mask/checks.js';
import { keptAtMost, queueIntervals, type KeySelection } from './dynamic-mask/intervals.js';
import { queueScores, type KeyScoring } from './dynamic-mask/scores.js';
import { keptOf, type DmaState } from './dynamic-mask/state.js';

/** Options of {@link dynamicMaskAttention}: `scores`, or `wdt` and `a` to make them from. */
export interface DynamicMaskAttentionOptions extends KeySelection, Partial<KeyScoring> {
  /**
   * Scores of the keys, added to the logits and what keys are chosen by; float32 `[b, hB, sKv]` [`[hB, tK]`]. NaN counts as
   * -Infinity. They must stay below 2e38: a query that keeps a key with more, such as Infinity, gives NaN.
   */
  scores?: Tensor;
  /** Which queries keep each key, as {@link dynamicMaskIntervals} answers. Default: by `keep` and `selection`. */
  intervals?: Tensor;
  /** For one query of each sequence: what is kept after all tokens so far, the query's own included. Alone. */
  state?: DmaState;
  /** Query `i` sees keys `j <= i + (sKv - sQ)`. Default `false`. */
  causal?: boolean;
  /** Factor on the products before the scores are added. Default `1 / sqrt(d)`. */
  scale?: number;
  /** Keys in use of each sequence; int32 `[b]`. Not in a packed call. */
  kvLengths?: Tensor;
  /** Packed sequences: where each one's queries begin, and the end of the last; int32 `[b + 1]`. */
  cuSeqLensQ?: Tensor;
  /** The same for keys and values. */
  cuSeqLensK?: Tensor;
  /** Receives the natural log-sum-exp of each query's logits, float32 `[b, hO, sQ]` [`[hO, tQ]`]. Default: none. */
  lse?: Tensor;
  /** Receives the result. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `q.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

const optionNames: ReadonlySet<string> = new Set<keyof DynamicMaskAttentionOptions>([
  'scores',
  'wdt',
  'a',
  'form',
  'keep',
  'selection',
  'blockSize',
  'intervals',
  'state',
  'causal',
  'scale',
  'kvLengths',
  'cuSeqLensQ',
  'cuSeqLensK',
  'lse',
  'out',
  'stream',
  'signal',
]);

/**
 * Dynamic-mask attention: every key has a score that does not depend on the query, a query attends to the `keep` best
 * of the keys it sees, and the score is added to its logit: `softmax(scale * q k^T + score) v` over the kept keys.
 *
 * Time and memory follow what is kept: each run of queries gathers the keys that some of them keep, little more than
 * `keep`, and no mask of queries times keys exists. `hB`, the score heads, are 1, or as many as key/value heads or output heads;
 * output head `o` uses score head `floor(o * hB / hO)`. Head counts, lengths and packing are those of {@link attention}.
 *
 * @param q Queries `[b, sQ, hQ, d]`; packed `[tQ, hQ, d]`, with `cuSeqLensQ` and `cuSeqLensK`.
 * @param k Keys `[b, sKv, hK, d]`; packed `[tK, hK, d]`.
 * @param v Values `[b, sKv, hV, dV]`; packed `[tK, hV, dV]`.
 * @returns `[b, sQ, hO, dV]` (packed `[tQ, hO, dV]`), in the dtype of `q`. A query that keeps no key yields zeros, and
 *   `lse` -Infinity.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`: options contradict one another, or one does not exist. `ERR_DISPOSED`,
 *   `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`, `ERR_UNSUPPORTED`.
 * @see Trainable dynamic mask sparse attention, arXiv:2508.02124, section 3.
 */
export function dynamicMaskAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: DynamicMaskAttentionOptions,
): Tensor<FloatDType> {
  const given = readOptions('dynamicMaskAttention', options, optionNames);
  const map = readHeadMap(undefined, expectMap);
  const sizes = readSizes(q, k, v, given.cuSeqLensQ, given.cuSeqLensK, map);
  const { causal, scale, kvLengths, cuSeqLensQ, cuSeqLensK, lse, out } = given;
  const dense = { causal, scale, kvLengths, cuSeqLensQ, cuSeqLensK, lse, out };
  expectAttentionOptions(dense as object, map, q, k, v, sizes);
  const { state } = given;
  const shape = state === undefined ? expectScores(given, v, sizes) : expectState(given, state, q, sizes);
  if (state === undefined) expectKept(given, shape, q);
  const stream = expectStream(given.stream, q.device);
  const abort = abortFlag(given.signal);

  const made: Tensor[] = []; // the stream keeps what it uses
  const keep = <T extends Tensor>(tensor: T): T => (made.push(tensor), tensor);
  try {
    let [scores, intervals] = [given.scores, given.intervals];
    if (state === undefined) {
      scores ??= keep(queueScores(stream, v, given as KeyScoring, shape, abort));
      intervals ??= keep(queueIntervals(stream, scores, given, sizes.sQ, abort));
    }
    const result = out ?? allocate(Object.freeze(outputShape(sizes)), q.dtype, q.device);
    const most = state === undefined && given.intervals === undefined ? keptAtMost(given) : 0;
    queueAttention(stream, [q, k, v, result], { ...given, scores, intervals }, most, abort, result !== out);
    return result as Tensor<FloatDType>;
  } finally {
    for (const tensor of made) tensor.dispose();
  }
}

function queueAttention(
  stream: Stream,
  [q, k, v, out]: readonly [Tensor, Tensor, Tensor, Tensor],
  given: Omit<DynamicMaskAttentionOptions, 'scores' | 'intervals'> & {
    scores: Tensor | undefined;
    intervals: Tensor | undefined;
  },
  keep: number,
  abort: ReturnType<typeof abortFlag>,
  isNew: boolean,
): void {
  const handle = (tensor: Tensor | undefined) => tensor && tensorHandle(tensor);
  const kept = given.state && keptOf(given.state);
  try {
    native.dynamicMaskAttention(
      streamHandle(stream),
      tensorHandle(q),
      tensorHandle(k),
      tensorHandle(v),
      tensorHandle(out),
      handle(given.lse),
      handle(given.kvLengths),
      handle(given.cuSeqLensQ),
      handle(given.cuSeqLensK),
      handle(given.scores),
      handle(given.intervals),
      handle(kept?.tokens),
      handle(kept?.scores),
      given.scale ?? 1 / Math.sqrt(q.shape[q.rank - 1]!),
      given.causal ?? false,
      keep,
      abort,
    );
  } catch (error) {
    if (isNew) out.dispose();
    throw fromNative(error);
  }
}
