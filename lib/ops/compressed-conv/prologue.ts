import { expectChoice, readFields, readOptions } from '../../checks/options.js';
import { expectApartFrom, expectBroadcast, expectOperand, expectRows, expectWritable } from '../../checks/tensors.js';
import type { FloatDType } from '../../dtype.js';
import { AttentionError, fromNative } from '../../errors.js';
import type { NativeRopeDescription } from '../../native-module.js';
import { native } from '../../native.js';
import { abortFlag } from '../../signals.js';
import { expectStream, streamHandle, type Stream } from '../../stream.js';
import { allocate, tensorHandle, type Tensor } from '../../tensor.js';
import { describeRope } from '../rope.js';
import {
  headNames,
  parameterNames,
  projectionNames,
  prologueNames,
  ropeNames,
  tempModes,
  type CcaCallOptions,
  type CcaHeads,
  type CcaParameters,
  type CcaProjections,
  type CompressedConvPrologueOptions,
} from './options.js';
import { readCcaSizes, tokenShape, type CcaSizes } from './sizes.js';

/** Tensors that carry a sequence on from call to call; see {@link CcaState}. */
export interface CcaCarry {
  /** Latents in front of the first token, `[b, k1 - 1 + k2 - 1, C]`. Default: zeros. */
  readonly history?: Tensor | undefined;
  /** Delayed values of the token in front, `[b, hKv d / 2]`. Default: the bias, or zeros. */
  readonly delayedHistory?: Tensor | undefined;
  /** Receive the same for what follows. */
  readonly nextHistory?: Tensor | undefined;
  readonly nextDelayed?: Tensor | undefined;
  /** Receives 1 for each token in use and 0 for padding, float32 `[b, s]`. */
  readonly inUse?: Tensor | undefined;
}

/** A call that has been checked. */
export interface CheckedPrologue {
  readonly projections: CcaProjections;
  readonly parameters: CcaParameters;
  readonly options: CcaCallOptions;
  readonly sizes: CcaSizes;
  readonly tempMode: number;
  readonly rope: NativeRopeDescription | undefined;
  readonly positions: Tensor | undefined;
  readonly stream: Stream;
}

/** Copies the arguments, each field read once, and checks them; `options` has been read already. */
export function checkPrologue(
  projections: CcaProjections,
  parameters: CcaParameters,
  options: CcaCallOptions,
): CheckedPrologue {
  const given = readFields('projections', projections, projectionNames);
  const weights = readFields('parameters', parameters, parameterNames);
  const { tempMode = 'exp', cuSeqLens, lengths, rope = {} } = options;
  const sizes = readCcaSizes(given, weights, cuSeqLens);
  const { device } = given.latent;
  if (cuSeqLens !== undefined) expectOperand('cuSeqLens', cuSeqLens, 'int32', device, [sizes.b + 1]);
  if (lengths !== undefined) {
    if (sizes.packed)
      throw new AttentionError('ERR_OPTION', 'lengths are of sequences that cuSeqLens does not pack: give one');
    expectOperand('lengths', lengths, 'int32', device, [sizes.b]);
  }
  const turn = rope === false ? undefined : readFields('rope', rope, ropeNames, 'false or { theta, rotaryDim, … }');
  const positions = turn?.positions;
  if (positions !== undefined)
    expectOperand('rope.positions', positions, 'int32', device, tokenShape(sizes), expectBroadcast);
  return {
    projections: given,
    parameters: weights,
    options,
    sizes,
    tempMode: expectChoice('tempMode', tempMode, tempModes),
    rope: turn && describeRope(sizes.d, turn),
    positions,
    stream: expectStream(options.stream, device),
  };
}

/** Tensors for the result: all of them or, where memory does not suffice, none. */
export function allocateHeads({ projections, sizes }: CheckedPrologue): CcaHeads {
  const { dtype, device } = projections.latent as Tensor<FloatDType>;
  const { hQ, hKv, d } = sizes;
  const made: Tensor[] = [];
  const heads = (h: number) => {
    const tensor = allocate(tokenShape(sizes, h, d), dtype, device);
    made.push(tensor);
    return tensor;
  };
  try {
    return { q: heads(hQ), k: heads(hKv), v: heads(hKv) };
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  }
}

/** The caller's tensors for the result; that no two of them overlap is seen by the native check. */
function givenHeads({ projections, parameters, sizes }: CheckedPrologue, out: object): CcaHeads {
  const given = readFields('out', out as CcaHeads, headNames);
  const { dtype, device } = projections.latent;
  for (const [name, h] of [
    ['q', sizes.hQ],
    ['k', sizes.hKv],
    ['v', sizes.hKv],
  ] as const) {
    const target = `out.${name}`;
    expectOperand(target, given[name], dtype, device, tokenShape(sizes, h, sizes.d));
    expectRows(target, given[name]);
    expectWritable(target, given[name]);
    expectApartFrom(target, given[name], 'projections', projections);
    expectApartFrom(target, given[name], 'parameters', parameters);
  }
  return given;
}

/** Queues a checked call. */
export function queuePrologue(
  call: CheckedPrologue,
  { q, k, v }: Record<'q' | 'k' | 'v', Tensor>,
  carry: CcaCarry = {},
): void {
  const { projections, parameters, options, tempMode, rope, positions, stream } = call;
  const handle = (tensor: Tensor | undefined) => tensor && tensorHandle(tensor);
  const abort = abortFlag(options.signal);
  try {
    native.compressedConv(
      streamHandle(stream),
      tensorHandle(projections.latent),
      tensorHandle(projections.value),
      tensorHandle(projections.delayed),
      tensorHandle(parameters.w1),
      handle(parameters.b1),
      tensorHandle(parameters.w2),
      handle(parameters.b2),
      tensorHandle(parameters.temperature),
      handle(parameters.delayedBias),
      handle(positions),
      handle(options.cuSeqLens),
      handle(options.lengths),
      handle(carry.history),
      handle(carry.delayedHistory),
      tensorHandle(q),
      tensorHandle(k),
      tensorHandle(v),
      handle(carry.inUse),
      handle(carry.nextHistory),
      handle(carry.nextDelayed),
      tempMode,
      rope,
      abort,
    );
  } catch (error) {
    throw fromNative(error);
  }
}

/**
 * What compressed convolutional attention does before it attends, in one pass over the projections: both convolutions,
 * the mean of queries and keys, norm and temperature, rotation, and the shift of the values.
 *
 * Padding, that is tokens past `lengths` or behind the last packed sequence, gives zeros.
 *
 * @returns `out`, or new tensors in the dtype of the projections, which are the caller's to dispose of.
 * @throws As {@link compressedConvAttention}. `ERR_OPTION`, too, for an `out` in the storage of what is read.
 * @see CCA, arXiv:2510.04476, listing 1.
 */
export function compressedConvPrologue(
  projections: CcaProjections,
  parameters: CcaParameters,
  options: CompressedConvPrologueOptions = {},
): CcaHeads {
  const given = readOptions('compressedConvPrologue', options, prologueNames);
  const call = checkPrologue(projections, parameters, given);
  const heads = given.out !== undefined ? givenHeads(call, given.out) : allocateHeads(call);
  try {
    queuePrologue(call, heads);
  } catch (error) {
    if (given.out === undefined) disposeHeads(heads);
    throw error;
  }
  return heads;
}

export function disposeHeads({ q, k, v }: CcaHeads): void {
  for (const tensor of [q, k, v]) tensor.dispose();
}
