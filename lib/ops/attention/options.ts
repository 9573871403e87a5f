import type { Stream } from '../../stream.js';
import type { Tensor } from '../../tensor.js';

/**
 * How heads are paired where a tensor has fewer (`n`) than the output (`hO`): `'grouped'`, output head `o` reads head
 * `floor(o * n / hO)`; `'tile'`, head `o mod n`. Where the queries are fewer than the keys or values (reversed SQA),
 * `'tile'` repeats the block of query heads, and what repeats each query head is called `'interleave'`.
 */
export type HeadMapName = 'grouped' | 'tile' | 'interleave';

/** Keys an attention window holds, seen from the aligned key `a(i) = i + sKv - sQ`; both sides are inclusive. */
export interface AttentionWindow {
  /** Keys before the aligned one: a number, one per head as int32 `[hO]`; null or -1: no bound. Default: none. */
  left?: number | Tensor | null;
  /** Keys after it, likewise; 0 is the same as `causal`. */
  right?: number | Tensor | null;
}

/** Options of {@link attention}. Shapes are those of a batched call; [packed] of one with `cuSeqLens`. */
export interface AttentionOptions {
  /** Query `i` sees keys `j <= i + (sKv - sQ)`: the last query sees every key. Default `false`. */
  causal?: boolean;
  /** Hides keys that are far from the query's own place. */
  window?: AttentionWindow;
  /** The first keys, which the window never hides (a causal limit still does): a number, or int32 `[hO]`. */
  sinkTokens?: number | Tensor;
  /** With `causal`: the first tokens of each sequence see one another; int32 `[b]`. */
  prefixLengths?: Tensor;
  /**
   * A query sees only keys of its own segment; int32. One tensor `[b, s]` [`[t]`] where queries and keys are the same
   * tokens, else `{ q: [b, sQ], k: [b, sKv] }`.
   */
  segments?: Tensor | { q: Tensor; k: Tensor };
  /** Factor on the scores before the softmax, without unit. Default `1 / sqrt(d)`. */
  scale?: number;
  /** Bends scores to `softcap * tanh(score / softcap)`, before bias and mask; above 0. Default: none. */
  softcap?: number;
  /** Logit per head that joins the denominator only, neither scaled nor capped; float32 `[hO]`. +Infinity gives NaN. */
  sinks?: Tensor;
  /** Adds `-slope * |a(i) - j|`; float32 `[hO]` or `[b, hO]`. */
  alibiSlopes?: Tensor;
  /** Added to the scores; float32 or the dtype of `q`, broadcast to `[b, hO, sQ, sKv]`. Not in a packed call. */
  bias?: Tensor;
  /** Nonzero: visible; `'bool'` or `'uint8'`, broadcast to `[b, hO, sQ, sKv]`. Not in a packed call. */
  mask?: Tensor;
  /** Multiplies the scaled scores of a query; float32, broadcast to `[b, hO, sQ]` [`[hO, tQ]`]. */
  temperature?: Tensor;
  /** Multiplies the output of a query, never `lse`; float32, broadcast to `[b, hO, sQ]` [`[hO, tQ]`]. */
  gate?: Tensor;
  /**
   * How heads are paired: a rule, or for K and for V the head that each query head reads, int32 `[hQ]`. Default
   * `'grouped'`; with fewer query heads than key or value heads `'tile'`.
   */
  headMap?: HeadMapName | { k?: HeadMapName | Tensor; v?: HeadMapName | Tensor };
  /** Packed sequences: where each one's queries begin, and the end of the last; int32 `[b + 1]`. */
  cuSeqLensQ?: Tensor;
  /** The same for keys and values. */
  cuSeqLensK?: Tensor;
  /** Keys in use of each sequence, the rest is padding; int32 `[b]`. Alignment counts them. Not in a packed call. */
  kvLengths?: Tensor;
  /** `'bfloat16'`: multiplies float32 tensors as bfloat16, accumulating in float32. Default: in float32. */
  precision?: 'bfloat16';
  /** Receives the natural log-sum-exp of each query's scores, float32 `[b, hO, sQ]` [`[hO, tQ]`]. Default: none. */
  lse?: Tensor;
  /** Receives the result, so that a server allocates nothing per step. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `q.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}
