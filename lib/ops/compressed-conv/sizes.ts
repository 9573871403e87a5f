/** Projections and parameters of compressed convolutional attention: what they say of the heads, and whether they agree. */

import { expectFloat } from '../../checks/dtypes.js';
import {
  expectParameter,
  expectRows,
  expectShape,
  expectTensor,
  expectTensorDevice,
  expectTensorDType,
  wrongShape,
} from '../../checks/tensors.js';
import { AttentionError, invalidRange } from '../../errors.js';
import type { Tensor } from '../../tensor.js';
import type { CcaParameters, CcaProjections } from './options.js';

/** What the parameters say. */
export interface CcaHeadSizes {
  readonly hQ: number;
  readonly hKv: number;
  readonly d: number;
  readonly k1: number;
  readonly k2: number;
}

export interface CcaSizes extends CcaHeadSizes {
  readonly packed: boolean;
  /** Sequences; packed: as many as `cuSeqLens` says. */
  readonly b: number;
  /** Per sequence; packed: of all. */
  readonly s: number;
}

/** `kMostTaps` of `native/core/ops/compressed_conv.h`. */
export const mostTaps = 8;

/** Rows of tokens: `[b, s, …row]`, packed `[t, …row]`. */
export function tokenShape({ packed, b, s }: CcaSizes, ...row: number[]): readonly number[] {
  return Object.freeze(packed ? [s, ...row] : [b, s, ...row]);
}

/** @throws Where they do not fit one another; the message names the tensor. */
export function readCcaSizes(
  projections: CcaProjections,
  parameters: CcaParameters,
  cuSeqLens: Tensor | undefined,
): CcaSizes {
  const { latent } = projections;
  expectTensor('projections.latent', latent);
  expectFloat('projections.latent', latent.dtype);
  const packed = cuSeqLens !== undefined;
  if (packed) expectTensor('cuSeqLens', cuSeqLens);
  if (packed && (cuSeqLens.rank !== 1 || cuSeqLens.size === 0)) throw wrongShape('cuSeqLens', cuSeqLens, ['b + 1']);
  if (latent.rank !== (packed ? 2 : 3)) throw wrongLatent(latent, packed);
  const channels = latent.shape[latent.rank - 1]!;
  const sizes: CcaSizes = {
    packed,
    b: packed ? cuSeqLens.size - 1 : latent.shape[0]!,
    s: latent.shape[latent.rank - 2]!,
    ...readHeads(parameters, latent, channels),
  };
  const { hKv, d } = sizes;
  expectRows('projections.latent', latent);
  for (const name of ['value', 'delayed'] as const) {
    const half = projections[name];
    expectTensor(`projections.${name}`, half);
    expectTensorDType(`projections.${name}`, half, latent.dtype, ' like projections.latent');
    expectTensorDevice(`projections.${name}`, half, latent.device);
    expectShape(`projections.${name}`, half, tokenShape(sizes, (hKv * d) / 2));
    expectRows(`projections.${name}`, half);
  }
  return sizes;
}

function wrongLatent(latent: Tensor, packed: boolean): RangeError {
  if (packed)
    return wrongShape('projections.latent', latent, ['t', 'C'], ': a call with cuSeqLens takes packed projections');
  const note = latent.rank === 2 ? ': packed projections need cuSeqLens' : '';
  return wrongShape('projections.latent', latent, ['b', 's', 'C'], note);
}

/** Where parameters lie, and which dtype they may have besides float32: those of the projections. */
type Like = Pick<Tensor, 'dtype' | 'device'>;

/** Heads from the parameters: w2 has the head dim, the temperature the number of key heads. */
export function readHeads(parameters: CcaParameters, like: Like, channels: number, what = 'parameters'): CcaHeadSizes {
  const { w1, b1, w2, b2, temperature, delayedBias } = parameters;
  expectContiguous(what, 'w2', w2, like);
  if (w2.rank !== 3 || w2.shape[0] !== channels || w2.shape[1] === 0 || channels % w2.shape[1]! !== 0)
    throw wrongShape(`${what}.w2`, w2, [channels, 'd', 'k2'], `, where d divides the ${channels} channels of latent`);
  const [, d, k2] = w2.shape as [number, number, number];
  expectContiguous(what, 'temperature', temperature, like);
  if (temperature.rank !== 1) throw wrongShape(`${what}.temperature`, temperature, ['hKv']);
  const [heads, hKv] = [channels / d, temperature.size];
  const hQ = heads - hKv;
  if (hKv === 0 || hQ <= 0 || hQ % hKv !== 0)
    throw invalidRange(
      'ERR_SHAPE',
      `${what}.temperature has ${hKv} key heads; of the ${heads} heads that latent and w2 have (${channels} channels ` +
        `of ${d} each) that leaves ${hQ} query heads, which must be a multiple of ${hKv}`,
    );
  if ((hKv * d) % 2 !== 0)
    throw invalidRange(
      'ERR_SHAPE',
      `hKv of ${what}.temperature times d of ${what}.w2 must be even to be split in two halves, got ${hKv} * ${d}`,
    );
  expectContiguous(what, 'w1', w1, like);
  if (w1.rank !== 2 || w1.shape[0] !== channels) throw wrongShape(`${what}.w1`, w1, [channels, 'k1']);
  const k1 = w1.shape[1]!;
  expectTaps(what, 'w1', k1);
  expectTaps(what, 'w2', k2);
  expectOptional(what, 'b1', b1, like, [channels]);
  expectOptional(what, 'b2', b2, like, [channels]);
  expectOptional(what, 'delayedBias', delayedBias, like, [(hKv * d) / 2]);
  return { hQ, hKv, d, k1, k2 };
}

function expectTaps(what: string, name: string, taps: number): void {
  if (taps < 1)
    throw invalidRange('ERR_SHAPE', `${what}.${name} must have at least one tap on its last axis, got ${taps}`);
  if (taps > mostTaps)
    throw new AttentionError('ERR_UNSUPPORTED', `${what}.${name} has ${taps} taps; at most ${mostTaps} are built`);
}

function expectOptional(what: string, name: string, value: unknown, like: Like, shape: readonly number[]): void {
  if (value === undefined) return;
  expectContiguous(what, name, value, like);
  expectShape(`${what}.${name}`, value, shape);
}

function expectContiguous(what: string, name: string, value: unknown, like: Like): asserts value is Tensor {
  expectParameter(`${what}.${name}`, value, like, ' like the projections');
  let stride = 1;
  for (let axis = value.rank - 1; axis >= 0; --axis) {
    if (value.shape[axis] !== 1 && value.strides[axis] !== stride && value.size > 0)
      throw invalidRange('ERR_LAYOUT', `${what}.${name} must be contiguous: copy it with to() first`);
    stride *= value.shape[axis]!;
  }
}
