import { expectFloat } from '../checks/dtypes.js';
import { describe, readFields, readOptions } from '../checks/options.js';
import {
  expectApart,
  expectBroadcast,
  expectOperand,
  expectRows,
  expectTarget,
  expectTensor,
  expectWritable,
  wrongShape,
} from '../checks/tensors.js';
import type { FloatDType } from '../dtype.js';
import { AttentionError, fromNative, invalidRange, invalidType } from '../errors.js';
import { native } from '../native.js';
import { abortFlag } from '../signals.js';
import { expectStream, streamHandle, type Stream } from '../stream.js';
import { allocate, tensorHandle, type Tensor } from '../tensor.js';

/** Attention of the same queries over some of the keys. */
export interface AttentionPart {
  /** `[b, s, h, d]` or packed `[t, h, d]`, as {@link attention} returns it. */
  out: Tensor;
  /** What weighs the part: the natural log-sum-exp of its scores, float32 `[b, h, s]` or `[h, t]`. */
  lse?: Tensor;
  /** Given in place of `lse`: the log of the part's weight, float32, broadcast to the shape of `lse`. */
  weight?: Tensor;
}

/** Options of {@link mergeAttention}. */
export interface MergeAttentionOptions {
  /** Logit per head of a part without output; float32 `[h]`. Only where no part has counted it. +Infinity gives NaN. */
  sinks?: Tensor;
  /** Multiplies the output of a query, never `lse`; float32, broadcast to the shape of `lse`. */
  gate?: Tensor;
  /** Receives the log-sum-exp over all parts, float32 `[b, h, s]` or `[h, t]`. Default: none. */
  lse?: Tensor;
  /** Receives the result. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of the parts' device. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

const partNames: ReadonlySet<string> = new Set<keyof AttentionPart>(['out', 'lse', 'weight']);
const optionNames: ReadonlySet<string> = new Set<keyof MergeAttentionOptions>([
  'sinks',
  'gate',
  'lse',
  'out',
  'stream',
  'signal',
]);

/**
 * Merges attention over disjoint sets of keys into attention over all of them: with `w_p` the log-sum-exp of part `p`,
 * `out = sum_p exp(w_p) out_p / sum_p exp(w_p)`, and `lse = log sum_p exp(w_p)`.
 *
 * Computed in float32 relative to the largest weight, so that no weight overflows. A part whose weight is -Infinity or
 * +Infinity counts as empty; where all are, the result is zero and `lse` -Infinity.
 *
 * @param parts At least one; all share one shape, dtype and device.
 * @returns `[b, s, h, d]` or `[t, h, d]`, in the dtype of the parts.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`: no parts.
 * @throws {AttentionError} `ERR_OPTION`: a part has neither lse nor weight, or both, or shares its storage with `out` or `lse`.
 *   `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`.
 * @see Online softmax, arXiv:1805.02867, section 3.1. FlashInfer, arXiv:2501.01005, section 2.2.
 */
export function mergeAttention(
  parts: readonly AttentionPart[],
  options: MergeAttentionOptions = {},
): Tensor<FloatDType> {
  const given = readOptions('mergeAttention', options, optionNames);
  const givenParts = readParts(parts);
  const like = expectFirst(givenParts[0]!);
  const { shape, dtype, device } = like;
  const rows = rowsOf(shape);
  const { sinks, gate, lse } = given;
  if (given.out !== undefined) expectTarget('out', given.out, dtype, device, shape);
  if (lse !== undefined) {
    expectOperand('lse', lse, 'float32', device, rows);
    expectWritable('lse', lse);
    if (given.out !== undefined) expectApart('out', given.out, 'lse', lse);
  }
  const read = (name: string, tensor: Tensor): void => {
    expectApart('out', given.out, name, tensor);
    expectApart('lse', lse, name, tensor);
  };
  if (sinks !== undefined) {
    expectOperand('sinks', sinks, 'float32', device, [shape[shape.length - 2]!]);
    read('sinks', sinks);
  }
  if (gate !== undefined) {
    expectOperand('gate', gate, 'float32', device, rows, expectBroadcast);
    read('gate', gate);
  }
  givenParts.forEach((part, index) => expectPart(`parts[${index}]`, part, like, rows, read));
  const stream = expectStream(given.stream, device);
  const abort = abortFlag(given.signal);

  const out = given.out ?? allocate(shape, dtype, device);
  const handles = (tensors: (Tensor | undefined)[]) => tensors.map((tensor) => tensor && tensorHandle(tensor));
  try {
    native.mergeAttention(
      streamHandle(stream),
      givenParts.map((part) => tensorHandle(part.out)),
      handles(givenParts.map((part) => part.lse)),
      handles(givenParts.map((part) => part.weight)),
      sinks && tensorHandle(sinks),
      gate && tensorHandle(gate),
      tensorHandle(out),
      lse && tensorHandle(lse),
      abort,
    );
  } catch (error) {
    if (out !== given.out) out.dispose();
    throw fromNative(error);
  }
  return out as Tensor<FloatDType>;
}

/** A copy of the parts, each of their fields read once. */
function readParts(parts: readonly AttentionPart[]): readonly AttentionPart[] {
  if (!Array.isArray(parts)) throw invalidType('ERR_ARGUMENT_TYPE', `parts must be an array, got ${describe(parts)}`);
  if (parts.length === 0) throw invalidRange('ERR_ARGUMENT_VALUE', 'parts must have at least one entry, got none');
  return Array.from(parts, (part: AttentionPart, index) => readFields(`parts[${index}]`, part, partNames));
}

/** The output of the first part, which the others are held against. */
function expectFirst({ out }: AttentionPart): Tensor {
  expectTensor('parts[0].out', out);
  expectFloat('parts[0].out', out.dtype);
  if (out.rank !== 3 && out.rank !== 4)
    throw wrongShape('parts[0].out', out, ['b', 's', 'h', 'd'], ' (packed: [t, h, d])');
  return out;
}

function expectPart(
  name: string,
  { out, lse, weight }: AttentionPart,
  like: Tensor,
  rows: readonly number[],
  read: (name: string, tensor: Tensor) => void,
): void {
  expectOperand(`${name}.out`, out, like.dtype, like.device, like.shape);
  expectRows(`${name}.out`, out);
  read(`${name}.out`, out);
  if (lse === undefined && weight === undefined)
    throw new AttentionError('ERR_OPTION', `${name} needs lse, or weight to be used in its place`);
  if (lse !== undefined && weight !== undefined)
    throw new AttentionError('ERR_OPTION', `${name} has lse and weight, of which one weighs the part: give one`);
  if (lse !== undefined) {
    expectOperand(`${name}.lse`, lse, 'float32', like.device, rows);
    read(`${name}.lse`, lse);
  }
  if (weight !== undefined) {
    expectOperand(`${name}.weight`, weight, 'float32', like.device, rows, expectBroadcast);
    read(`${name}.weight`, weight);
  }
}

/** [b, s, h, d] to [b, h, s], packed [t, h, d] to [h, t]. */
function rowsOf(shape: readonly number[]): readonly number[] {
  return shape.length === 3 ? [shape[1]!, shape[0]!] : [shape[0]!, shape[2]!, shape[1]!];
}
