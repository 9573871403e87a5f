/** The tensors of a call as a request describes them, and how many bytes they hold. */

import { expectDType } from '../../checks/dtypes.js';
import { readFields } from '../../checks/options.js';
import { countElements, expectSizes } from '../../checks/shapes.js';
import type { Described } from '../../checks/tensors.js';
import { dtypeFacts, type DType } from '../../dtype.js';
import { invalidType } from '../../errors.js';
import type { NativeExtras } from '../../native-module.js';
import { isTensor } from '../../tensor.js';
import { segmentNames } from './read.js';
import type { AttentionRequest } from './request.js';
import type { AttentionSizes } from './sizes.js';
import { defaultsOf, expectFit, expectSameTokens, type TensorName } from './tensors.js';

/**
 * A tensor of a call: `true`, of the whole shape and the first dtype that {@link AttentionOptions} names for it; its shape,
 * with 1 for an axis along which it repeats; or either or both of `{ shape, dtype }`. `false`: none.
 */
export type TensorRequest =
  | boolean
  | readonly number[]
  | {
      readonly shape?: readonly number[];
      readonly dtype?: DType;
      /** What a tensor has: a description of one is no tensor. */
      readonly strides?: never;
    };

/** What a request says of a tensor; the rest is by default. */
export type TensorDescription = Partial<Described>;

type DescribedTensors = { readonly [Name in TensorName]?: TensorDescription | number | undefined };

const fieldNames: ReadonlySet<string> = new Set<keyof Described>(['shape', 'dtype']);

/** `alternatives`: what else the option may be, for the message. */
export function readTensor(name: TensorName, value: unknown, alternatives = ''): TensorDescription | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return {};
  if (Array.isArray(value)) return { shape: expectSizes(name, value) };
  const form = `${alternatives}true, a shape or { shape, dtype }`;
  if (isTensor(value)) throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be ${form} in a request, got a Tensor`);
  const { shape, dtype } = readFields<Partial<Described>>(name, value as object, fieldNames, form);
  if (dtype !== undefined) expectDType(`${name}.dtype`, dtype);
  return {
    ...(shape !== undefined && { shape: expectSizes(`${name}.shape`, shape) }),
    ...(dtype !== undefined && { dtype }),
  };
}

const plain = [
  'lse',
  'bias',
  'mask',
  'sinks',
  'alibiSlopes',
  'temperature',
  'gate',
  'prefixLengths',
  'kvLengths',
] as const;

/** The options of a request that are tensors in every call that has them. */
export function readTensors(request: AttentionRequest, packed: boolean): DescribedTensors {
  const tensors: Partial<Record<TensorName, TensorDescription | undefined>> = readSegments(request.segments);
  for (const name of plain) tensors[name] = readTensor(name, request[name]);
  if (packed) tensors.cuSeqLensQ = tensors.cuSeqLensK = {};
  return tensors;
}

function readSegments(segments: AttentionRequest['segments']): {
  [Name in TensorName]?: TensorDescription | undefined;
} {
  if (!isPair(segments)) return { segments: readTensor('segments', segments, '{ q, k }, ') };
  const { q, k } = readFields('segments', segments, segmentNames);
  return { 'segments.q': expectOne('segments.q', q), 'segments.k': expectOne('segments.k', k) };
}

function isPair(segments: AttentionRequest['segments']): segments is { q: TensorRequest; k: TensorRequest } {
  return typeof segments === 'object' && segments !== null && ('q' in segments || 'k' in segments);
}

/** Of a pair. */
function expectOne(name: TensorName, value: unknown): TensorDescription {
  const given = readTensor(name, value);
  if (given === undefined) throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be given: segments need both q and k`);
  return given;
}

/** Bytes of each tensor, checked as those of a call. */
export function countExtras(tensors: DescribedTensors, sizes: AttentionSizes, like: DType): NativeExtras {
  const extras: Record<string, number> = {};
  for (const name of Object.keys(tensors) as TensorName[]) {
    const given = tensors[name];
    if (typeof given !== 'object') continue;
    const { dtype, shape } = { ...defaultsOf(name, sizes), ...given };
    expectFit(name, { dtype, shape }, sizes, like);
    const bytes = countElements(name, shape) * dtypeFacts[dtype].bytes;
    if (name === 'segments') {
      expectSameTokens({ shape }, sizes);
      extras['segments.q'] = bytes;
      extras['segments.k'] = 0; // the same tensor
    } else extras[name] = bytes;
  }
  return extras;
}
