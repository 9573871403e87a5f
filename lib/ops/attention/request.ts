/** A call of attention() described by numbers, for supports() and explain(). */

import { expectDType, expectFloat } from '../../checks/dtypes.js';
import {
  expectBoolean,
  expectChoice,
  expectFinite32,
  expectInteger,
  expectPositive32,
  readFields,
} from '../../checks/options.js';
import type { Device } from '../../device.js';
import { dtypeFacts, type DType } from '../../dtype.js';
import { invalidType } from '../../errors.js';
import type { NativeAttentionDescription, NativeExtras } from '../../native-module.js';
import type { Tensor } from '../../tensor.js';
import { expectCombination } from './combinations.js';
import { expectHeads, readHeadMap, type HeadMap } from './heads.js';
import type { AttentionOptions } from './options.js';
import { optionNames, readWindow } from './read.js';
import { countExtras, readTensor, readTensors, type TensorDescription, type TensorRequest } from './request-tensors.js';
import type { AttentionSizes } from './sizes.js';
import type { TensorName } from './tensors.js';

/** Options that a request has no field for: `packed` says of packed sequences what is to be said, others cost nothing. */
const leftOut = ['cuSeqLensQ', 'cuSeqLensK', 'out', 'stream', 'signal'] as const;

/** An option of a call, with a description in the place of each tensor. */
type Requested<Value> = Value extends Tensor
  ? TensorRequest
  : Value extends object
    ? { [Name in keyof Value]: Requested<Value[Name]> }
    : Value;

/** The options of a call, {@link AttentionOptions}; a {@link TensorRequest} describes each tensor among them. */
type RequestedOptions = {
  [Name in keyof AttentionOptions as Exclude<Name, (typeof leftOut)[number]>]: Requested<AttentionOptions[Name]>;
};

/** A call of {@link attention} by its sizes and options. */
export interface AttentionRequest extends RequestedOptions {
  op: 'attention';
  /** Default `'cpu'`. */
  device?: Device;
  /** Of queries, keys and values. Default `'float32'`. */
  dtype?: DType;
  /** Sequences. */
  b: number;
  /** Queries of each sequence; packed: of all together. */
  sQ: number;
  /** Keys, likewise. */
  sKv: number;
  /** Query heads. */
  hQ: number;
  /** Key and value heads, where both are as many; else `hK` and `hV`. */
  hKv?: number;
  hK?: number;
  hV?: number;
  /** Head dim of queries and keys. */
  d: number;
  /** Head dim of values. Default `d`. */
  dV?: number;
  /** Whether sequences are packed, with `cuSeqLensQ` and `cuSeqLensK`. Default `false`. */
  packed?: boolean;
}

const sizeNames = ['op', 'device', 'dtype', 'b', 'sQ', 'sKv', 'hQ', 'hKv', 'hK', 'hV', 'd', 'dV', 'packed'];
const requestNames: ReadonlySet<string> = new Set([
  ...sizeNames,
  ...[...optionNames].filter((name) => !(leftOut as readonly string[]).includes(name)),
]);
const most = 2 ** 31 - 1;
const unbounded = -1;

/** A copy of the request, each field read once; its values are not checked yet. */
export function readRequest(request: AttentionRequest): AttentionRequest {
  const given = readFields('request', request, requestNames, "an object such as { op: 'attention', b, sQ, … }");
  if (given.window !== undefined) given.window = readWindow(given.window);
  return given;
}

/** Checks the request as a call is checked, and fills in what it leaves out. */
export function describeRequest(request: AttentionRequest): {
  description: NativeAttentionDescription;
  extras: NativeExtras;
} {
  const { dtype = 'float32', window, softcap, precision } = request;
  expectDType('dtype', dtype);
  expectFloat('dtype', dtype);
  const packed = expectBoolean('packed', request.packed, false);
  const causal = expectBoolean('causal', request.causal, false);
  const left = readLimit('window.left', window?.left ?? undefined, unbounded);
  const right = readLimit('window.right', window?.right ?? undefined, unbounded);
  const sinkTokens = readLimit('sinkTokens', request.sinkTokens, 0);
  const map = readHeadMap(request.headMap, (name, side) => readTensor(name, side, 'a string, '));
  const sizes = sizesOf(request, packed, map);
  const { scale = 1 / Math.sqrt(sizes.d) } = request;
  expectFinite32('scale', scale);
  if (softcap !== undefined) expectPositive32('softcap', softcap);
  if (precision !== undefined) expectChoice('precision', precision, { bfloat16: true });

  const tensors = { ...readTensors(request, packed), 'headMap.k': map.k, 'headMap.v': map.v };
  expectCombination({ ...tensors, causal, ...(window && { window: { right } }), sinkTokens }, packed);
  const limits = { 'window.left': left, 'window.right': right, sinkTokens };
  const description = {
    dtype: dtypeFacts[dtype].index,
    packed,
    batch: sizes.b,
    seqQ: sizes.sQ,
    seqKv: sizes.sKv,
    headsQ: sizes.hQ,
    headsK: sizes.hK,
    headsV: sizes.hV,
    headsOut: sizes.hO,
    headDim: sizes.d,
    headDimV: sizes.dV,
    scale,
    softcap: softcap ?? 0,
    causal: causal || right === 0,
    windowLeft: numberOr(unbounded, left),
    windowRight: right === 0 ? unbounded : numberOr(unbounded, right),
    sinkTokens: numberOr(0, sinkTokens),
    headMap: map.rule,
    precision: precision === undefined ? 0 : 1,
  };
  return { description, extras: countExtras({ ...tensors, ...limits }, sizes, dtype) };
}

function sizesOf(request: AttentionRequest, packed: boolean, map: HeadMap<TensorDescription>): AttentionSizes {
  const { b, sQ, sKv, hQ, d, dV = d } = request;
  for (const [name, value] of Object.entries({ b, sQ, sKv })) expectInteger(name, value, 0, most);
  for (const [name, value] of Object.entries({ hQ, d, dV })) expectInteger(name, value, 1, most);
  const [hK, hV] = [expectKeyHeads('hK', request), expectKeyHeads('hV', request)];
  return { packed, b, sQ, sKv, hQ, hK, hV, hO: expectHeads(map, hQ, hK, hV), d, dV };
}

function expectKeyHeads(name: 'hK' | 'hV', request: AttentionRequest): number {
  const heads = request[name] ?? request.hKv;
  if (heads === undefined)
    throw invalidType('ERR_ARGUMENT_TYPE', `hKv, or hK and hV, must be given; ${name} is missing`);
  expectInteger(request[name] === undefined ? 'hKv' : name, heads, 1, most);
  return heads;
}

/** A number for all heads, or the tensor of one for each. */
function readLimit(name: TensorName, value: unknown, least: number): number | TensorDescription | undefined {
  if (typeof value !== 'number') return readTensor(name, value, 'a number, ');
  expectInteger(name, value, least);
  return value;
}

function numberOr(otherwise: number, limit: number | TensorDescription | undefined): number {
  return typeof limit === 'number' ? limit : otherwise;
}
