import { expectFloat, expectPrecision } from '../checks/dtypes.js';
import { readOptions } from '../checks/options.js';
import {
  expectApart,
  expectOperand,
  expectRows,
  expectTarget,
  expectTensor,
  expectTensorDevice,
  expectTensorDType,
  wrongShape,
} from '../checks/tensors.js';
import type { FloatDType } from '../dtype.js';
import { fromNative } from '../errors.js';
import { native } from '../native.js';
import { abortFlag } from '../signals.js';
import { expectStream, streamHandle, type Stream } from '../stream.js';
import { allocate, tensorHandle, type Tensor } from '../tensor.js';

/** Options of {@link linear}. */
export interface LinearOptions {
  /** Added to every row; `[out]`, of the dtype of `x`. Default: none. */
  bias?: Tensor;
  /**
   * `'bfloat16'`: float32 tensors may be multiplied as bfloat16, accumulating in float32. A permission, used where the
   * machine is faster at it: on a CPU that has bfloat16 dot products (`avx512bf16`), from 17 rows of `x` on. Elsewhere, and
   * by default, float32.
   */
  precision?: 'bfloat16';
  /** Receives the result. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `x.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

const optionNames: ReadonlySet<string> = new Set<keyof LinearOptions>(['bias', 'precision', 'out', 'stream', 'signal']);

/**
 * The matrix product of a layer, `x w^T + bias`: sums are float32, and rounded once to the dtype of `x`.
 *
 * @param x `[..., in]`, of a float dtype; stride 1 on the last axis, any on the others.
 * @param w `[out, in]`, as PyTorch and safetensors files keep weights; dtype and device of `x`, stride 1 on the last axis.
 * @returns `[..., out]`, in the dtype of `x`.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`: `out` shares its storage with `x`, `w` or `bias`, a precision for tensors that are
 *   not float32, or an unknown option. `ERR_UNSUPPORTED`: the device has no kernel for it.
 *   `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`.
 */
export function linear(x: Tensor, w: Tensor, options: LinearOptions = {}): Tensor<FloatDType> {
  const given = readOptions('linear', options, optionNames);
  expectTensor('x', x);
  expectFloat('x', x.dtype);
  if (x.rank === 0) throw wrongShape('x', x, ['...', 'in']);
  expectRows('x', x);
  const { dtype, device } = x;
  expectWeights(w, x);
  const shape = [...x.shape.slice(0, -1), w.shape[0]!];
  const { bias, precision } = given;
  if (given.out !== undefined) {
    expectTarget('out', given.out, dtype, device, shape);
    expectApart('out', given.out, 'x', x);
    expectApart('out', given.out, 'w', w);
  }
  if (bias !== undefined) {
    expectOperand('bias', bias, dtype, device, [w.shape[0]!]);
    expectRows('bias', bias);
    expectApart('out', given.out, 'bias', bias);
  }
  if (precision !== undefined) expectPrecision('precision', precision, dtype);
  const stream = expectStream(given.stream, device);
  const abort = abortFlag(given.signal);

  const out = given.out ?? allocate(shape, dtype, device);
  try {
    native.linear(
      streamHandle(stream),
      tensorHandle(x),
      tensorHandle(w),
      bias && tensorHandle(bias),
      tensorHandle(out),
      precision === undefined ? 0 : 1,
      abort,
    );
  } catch (error) {
    if (out !== given.out) out.dispose();
    throw fromNative(error);
  }
  return out as Tensor<FloatDType>;
}

function expectWeights(w: Tensor, x: Tensor): void {
  expectTensor('w', w);
  expectTensorDType('w', w, x.dtype, ' like x');
  expectTensorDevice('w', w, x.device);
  const width = x.shape[x.rank - 1]!;
  if (w.rank !== 2 || w.shape[1] !== width) throw wrongShape('w', w, ['out', width]);
  expectRows('w', w);
}
