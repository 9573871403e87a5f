import { expectFloat } from '../checks/dtypes.js';
import { expectBoolean, expectChoice, expectInteger, expectPositive, readOptions } from '../checks/options.js';
import {
  expectApart,
  expectBroadcast,
  expectOperand,
  expectRows,
  expectTarget,
  expectTensor,
  wrongShape,
} from '../checks/tensors.js';
import type { FloatDType } from '../dtype.js';
import { fromNative, invalidRange } from '../errors.js';
import type { NativeRopeDescription } from '../native-module.js';
import { native } from '../native.js';
import { abortFlag } from '../signals.js';
import { expectStream, streamHandle, type Stream } from '../stream.js';
import { allocate, tensorHandle, type Tensor } from '../tensor.js';
import { readScaling, type RopeScaling } from './rope-scaling.js';

/**
 * Which two elements of the rotary dim `r` turn together: `'half-split'`, `(t, t + r/2)`, as NeoX and Llama;
 * `'interleaved'`, `(2t, 2t + 1)`, as GPT-J; `'deinterleaved'` reads `(2t, 2t + 1)` and writes `(t, t + r/2)`.
 */
export type RopePairing = 'half-split' | 'interleaved' | 'deinterleaved';

/** Options of {@link rope}. */
export interface RopeOptions {
  /** Position of each token; int32 `[b, s]`, `[s]` for all sequences, or packed `[t]`. Default: 0 to s - 1. */
  positions?: Tensor;
  /** Added to every position: how many tokens the cache holds already. Default 0. */
  offset?: number;
  /** Base of the frequencies `theta^(-2t / r)`. Default 10000. */
  theta?: number;
  /** How many elements of a head turn, from the first on; even. Default: all. */
  rotaryDim?: number;
  /** Default `'half-split'`. */
  pairing?: RopePairing;
  /** Turns back: the negated sine, as in the backward pass. Default `false`. */
  inverse?: boolean;
  /** For sequences longer than those trained on. Default: none. */
  scaling?: RopeScaling;
  /** Receives the result; may be `x` itself. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `x.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

const optionNames: ReadonlySet<string> = new Set<keyof RopeOptions>([
  'positions',
  'offset',
  'theta',
  'rotaryDim',
  'pairing',
  'inverse',
  'scaling',
  'out',
  'stream',
  'signal',
]);

/** Numbers of `RopePairing` in `native/core/ops/rope.h`. */
const pairings = Object.freeze({
  'half-split': 0,
  interleaved: 1,
  deinterleaved: 2,
} satisfies Record<RopePairing, number>);
const defaultTheta = 10000;

/**
 * Rotary position embedding: turns pair `t` of each head of the token at position `p` by the angle `p * f_t`,
 * `f_t = theta^(-2t / r)`; the elements beyond `rotaryDim` = `r` are copied. Angles are computed in float64.
 *
 * @param x `[b, s, h, d]` or packed `[t, h, d]`, of a float dtype; stride 1 on the last axis.
 * @returns Like `x`.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`: `out` overlaps `x` without being the same view, or an unknown option.
 *   `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`.
 * @see RoFormer, arXiv:2104.09864, equation 34. YaRN, arXiv:2309.00071, section 3. LongRoPE, arXiv:2402.13753.
 */
export function rope(x: Tensor, options: RopeOptions = {}): Tensor<FloatDType> {
  const given = readOptions('rope', options, optionNames);
  expectTensor('x', x);
  expectFloat('x', x.dtype);
  if (x.rank !== 3 && x.rank !== 4) throw wrongShape('x', x, ['b', 's', 'h', 'd'], ' (packed: [t, h, d])');
  expectRows('x', x);
  const { dtype, device, shape } = x;
  const { positions } = given;
  if (given.out !== undefined) {
    expectTarget('out', given.out, dtype, device, shape);
  }
  if (positions !== undefined) {
    const tokens = x.rank === 3 ? [shape[0]!] : [shape[0]!, shape[1]!];
    expectOperand('positions', positions, 'int32', device, tokens, expectBroadcast);
    expectApart('out', given.out, 'positions', positions);
  }
  const description = describeRope(shape[x.rank - 1]!, given);
  const stream = expectStream(given.stream, device);
  const abort = abortFlag(given.signal);

  const out = given.out ?? allocate(shape, dtype, device);
  const at = positions && tensorHandle(positions);
  try {
    native.rope(streamHandle(stream), tensorHandle(x), tensorHandle(out), at, description, abort);
  } catch (error) {
    if (out !== given.out) out.dispose();
    throw fromNative(error);
  }
  return out as Tensor<FloatDType>;
}

/** @internal The options that say how a head of `headDim` elements turns, as native code takes them. */
export function describeRope(headDim: number, options: RopeOptions): NativeRopeDescription {
  const { offset = 0, theta = defaultTheta, pairing = 'half-split' } = options;
  const { rotaryDim = headDim } = options;
  expectInteger('offset', offset);
  expectPositive('theta', theta);
  expectInteger('rotaryDim', rotaryDim, 2, headDim);
  if (rotaryDim % 2 !== 0)
    throw invalidRange('ERR_ARGUMENT_VALUE', `rotaryDim must be even, got ${rotaryDim} of a head dim of ${headDim}`);
  return {
    ...readScaling(options.scaling, rotaryDim / 2),
    rotaryDim,
    theta,
    pairing: expectChoice('pairing', pairing, pairings),
    inverse: expectBoolean('inverse', options.inverse, false),
    positionOffset: offset,
  };
}
