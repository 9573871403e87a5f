import type { FloatDType } from '../dtype.js';
import { fromNative } from '../errors.js';
import { native } from '../native.js';
import { abortFlag } from '../signals.js';
import { expectStream, streamHandle } from '../stream.js';
import { allocate, isTensor, tensorHandle, type Tensor } from '../tensor.js';
import { expectAttentionOptions } from './attention/checks.js';
import { expectMap, readHeadMap } from './attention/heads.js';
import type { AttentionOptions } from './attention/options.js';
import { readAttentionOptions } from './attention/read.js';
import { readSizes } from './attention/sizes.js';
import { outputShape } from './attention/tensors.js';

const noOptions: AttentionOptions = Object.freeze({});
const unbounded = -1;

/**
 * Fused scaled dot-product attention, `softmax(scale * q k^T + mask) v`.
 *
 * MHA, MQA, GQA and SQA are this one function with different head counts: with `hO = max(hQ, hK, hV)` output heads,
 * head `o` reads key head `floor(o * hK / hO)`, and likewise its value head (`headMap` for other pairings). In full, for
 * query `i`, key `j` and `a(i) = i + sKv - sQ`, the key in the query's place:
 *
 * 1. `x = temperature * scale * (q_i . k_j)`;
 * 2. `x = softcap * tanh(x / softcap)`;
 * 3. `x = x + bias - slope * |a(i) - j|`;
 * 4. keys that the query does not see (`causal`, `window`, `segments`, `mask`, padding) count for nothing;
 * 5. `out = gate * sum_j exp(x_j) v_j / (exp(sink) + sum_j exp(x_j))`.
 *
 * Returns as soon as the work is queued. Further calls on the same stream may use the result at once; to read it, await
 * `out.toArray()` or `stream.synchronize()`. The contents of index tensors are looked at when the work runs: where they
 * point outside, those reject with `ERR_INDEX`.
 *
 * @param q Queries `[b, sQ, hQ, d]`; packed `[tQ, hQ, d]`, with `cuSeqLensQ` and `cuSeqLensK`.
 * @param k Keys `[b, sKv, hK, d]`; packed `[tK, hK, d]`.
 * @param v Values `[b, sKv, hV, dV]`; packed `[tK, hV, dV]`. All three share one float dtype and one device; their last
 *   axis has stride 1, the others are free.
 * @returns `[b, sQ, hO, dV]` (packed `[tQ, hO, dV]`), in the dtype of `q`. A query that sees no key yields zeros, and
 *   `lse` -Infinity, or its sink.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`: an argument is of the
 *   wrong kind.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`: the arguments do not fit one
 *   another.
 * @throws {AttentionError} `ERR_OPTION`: options contradict one another, or one does not exist. `ERR_DISPOSED`,
 *   `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`, `ERR_UNSUPPORTED`.
 * @see FlashAttention-2, arXiv:2307.08691, algorithm 1. GQA, arXiv:2305.13245, section 2.2. SQA, arXiv:2510.01817,
 *   section 3. Attention sinks, arXiv:2309.17453, equation 2. ALiBi, arXiv:2108.12409, section 3.
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = noOptions): Tensor<FloatDType> {
  const given = options === noOptions ? noOptions : readAttentionOptions(options);
  const map = readHeadMap(given.headMap, expectMap);
  const sizes = readSizes(q, k, v, given.cuSeqLensQ, given.cuSeqLensK, map);
  expectAttentionOptions(given, map, q, k, v, sizes);
  const stream = expectStream(given.stream, q.device);
  const abort = abortFlag(given.signal);

  const { window, sinkTokens, segments } = given;
  const [left, right] = [window?.left, window?.right];
  // A right side of 0 says the same as causal. As causal it also holds for sink tokens, which would else be seen early.
  const causal = given.causal === true || right === 0;
  const out = given.out ?? allocate(Object.freeze(outputShape(sizes)), q.dtype, q.device);
  try {
    native.attention(
      streamHandle(stream),
      tensorHandle(q),
      tensorHandle(k),
      tensorHandle(v),
      tensorHandle(out),
      handle(given.lse),
      handle(given.bias),
      handle(given.mask),
      handle(given.sinks),
      handle(given.alibiSlopes),
      handle(given.temperature),
      handle(given.gate),
      handle(isTensor(segments) ? segments : segments?.q),
      handle(isTensor(segments) ? segments : segments?.k),
      handle(given.prefixLengths),
      handle(given.kvLengths),
      handle(given.cuSeqLensQ),
      handle(given.cuSeqLensK),
      handleOfTensor(left),
      handleOfTensor(right),
      handleOfTensor(sinkTokens),
      handle(map.k),
      handle(map.v),
      map.rule,
      given.scale ?? 1 / Math.sqrt(sizes.d),
      given.softcap ?? 0,
      causal,
      typeof left === 'number' ? left : unbounded,
      typeof right === 'number' && right !== 0 ? right : unbounded,
      typeof sinkTokens === 'number' ? sinkTokens : 0,
      given.precision === undefined ? 0 : 1,
      abort,
    );
  } catch (error) {
    if (out !== given.out) out.dispose();
    throw fromNative(error);
  }
  return out as Tensor<FloatDType>;
}

function handle(tensor: Tensor | undefined): ReturnType<typeof tensorHandle> | undefined {
  return tensor === undefined ? undefined : tensorHandle(tensor);
}

/** Of an option that is a number or a tensor. */
function handleOfTensor(value: number | Tensor | null | undefined): ReturnType<typeof tensorHandle> | undefined {
  return typeof value === 'object' && value !== null ? tensorHandle(value) : undefined;
}
