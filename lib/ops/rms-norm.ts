import { expectFloat } from '../checks/dtypes.js';
import { expectNumber, readOptions } from '../checks/options.js';
import {
  expectApart,
  expectParameter,
  expectRows,
  expectShape,
  expectTarget,
  expectTensor,
  wrongShape,
} from '../checks/tensors.js';
import type { FloatDType } from '../dtype.js';
import { fromNative, invalidRange } from '../errors.js';
import { native } from '../native.js';
import { abortFlag } from '../signals.js';
import { expectStream, streamHandle, type Stream } from '../stream.js';
import { allocate, tensorHandle, type Tensor } from '../tensor.js';

/** Options of {@link rmsNorm}. */
export interface RmsNormOptions {
  /** Factors of the elements of a row, `[n]`; float32 or the dtype of `x`. Default: ones. */
  weight?: Tensor;
  /** Added to the mean square, which keeps a row of zeros from being divided by zero; 0 is refused. Default 1e-6. */
  epsilon?: number;
  /** Receives the result; may be `x` itself. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `x.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

const optionNames: ReadonlySet<string> = new Set<keyof RmsNormOptions>([
  'weight',
  'epsilon',
  'out',
  'stream',
  'signal',
]);
const defaultEpsilon = 1e-6;
const leastEpsilon = 2 ** -126; // a normal number of float32: approximations of a GPU take less for zero

/**
 * Root-mean-square norm of the rows of the last axis: `x / sqrt(mean(x^2) + epsilon) * weight`. Computed in float32 and
 * rounded once; sums of squares beyond 3.4e38 are infinite, and the row zero.
 *
 * Heads are normalised one by one where `x` is `[b, s, h, d]`, tokens where it is `[b, s, E]`.
 *
 * @param x `[..., n]`, of a float dtype; stride 1 on the last axis, any on the others.
 * @returns Like `x`.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`: `out` overlaps `x` without being the same view, shares the storage of `weight`, or
 *   an unknown option. `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`, `ERR_UNSUPPORTED`.
 * @see Root mean square layer normalization, arXiv:1910.07467, equation 4.
 */
export function rmsNorm(x: Tensor, options: RmsNormOptions = {}): Tensor<FloatDType> {
  const given = readOptions('rmsNorm', options, optionNames);
  expectTensor('x', x);
  expectFloat('x', x.dtype);
  if (x.rank === 0) throw wrongShape('x', x, ['...', 'n']);
  expectRows('x', x);
  const { dtype, device, shape } = x;
  const { weight, epsilon = defaultEpsilon } = given;
  expectEpsilon('epsilon', epsilon);
  if (given.out !== undefined) {
    expectTarget('out', given.out, dtype, device, shape);
  }
  if (weight !== undefined) {
    expectParameter('weight', weight, x, ' like x');
    expectShape('weight', weight, [shape[x.rank - 1]!]);
    expectRows('weight', weight);
    expectApart('out', given.out, 'weight', weight);
  }
  const stream = expectStream(given.stream, device);
  const abort = abortFlag(given.signal);

  const out = given.out ?? allocate(shape, dtype, device);
  const factors = weight && tensorHandle(weight);
  try {
    native.rmsNorm(streamHandle(stream), tensorHandle(x), factors, tensorHandle(out), epsilon, abort);
  } catch (error) {
    if (out !== given.out) out.dispose();
    throw fromNative(error);
  }
  return out as Tensor<FloatDType>;
}

/** @internal What is added to a mean square. */
export function expectEpsilon(name: string, value: unknown): asserts value is number {
  expectNumber(name, value);
  if (!(Math.fround(value) >= leastEpsilon && Math.fround(value) < Infinity))
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must lie within 1.2e-38 and 3.4e38, got ${value}`);
}
