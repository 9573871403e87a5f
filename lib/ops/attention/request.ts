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
import { AttentionError, invalidType } from '../../errors.js';
import type { NativeAttentionDescription } from '../../native-module.js';
import { isTensor } from '../../tensor.js';

import { expectHeads, readHeadMap } from './heads.js';
import type { HeadMapName } from './options.js';
import { readWindow } from './read.js';

/**
 * A call of {@link attention} by its sizes, and by those options that choose a kernel or that cost something, without
 * tensors. What tensors add (bias, mask, lengths, slopes, limits of each head) is not counted.
 */
export interface AttentionRequest {
  op: 'attention';
  /** Default `'cpu'`. */
  device?: Device;
  /** Default `'float32'`. */
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
  /** Whether sequences are packed, with `cuSeqLens`. Default `false`. */
  packed?: boolean;
  /** As in {@link AttentionOptions}, like the following. Default `false`. */
  causal?: boolean;
  /** One for all heads. Default: none. */
  window?: { left?: number | null; right?: number | null };
  /** With a window. Default 0. */
  sinkTokens?: number;
  /** Default `1 / sqrt(d)`. */
  scale?: number;
  /** Default: none. */
  softcap?: number;
  /** A rule. Default: as in a call. */
  headMap?: HeadMapName | { k?: HeadMapName; v?: HeadMapName };
  /** Default: none, float32 tensors are multiplied as such. */
  precision?: 'bfloat16';
  /** Whether the log-sum-exp is written too, which adds its bytes. Default `false`. */
  lse?: boolean;
}

const requestNames: ReadonlySet<string> = new Set<keyof AttentionRequest>([
  'op',
  'device',
  'dtype',
  'b',
  'sQ',
  'sKv',
  'hQ',
  'hKv',
  'hK',
  'hV',
  'd',
  'dV',
  'packed',
  'causal',
  'window',
  'sinkTokens',
  'scale',
  'softcap',
  'headMap',
  'precision',
  'lse',
]);
const most = 2 ** 31 - 1;
const unbounded = -1;

/** A copy of the request, each field read once; its values are not checked yet. */
export function readRequest(request: AttentionRequest): AttentionRequest {
  const given = readFields('request', request, requestNames, "an object such as { op: 'attention', b, sQ, … }");
  if (given.window !== undefined) given.window = readWindow(given.window);
  return given;
}

/** Checks the request, and fills in what it leaves out. */
export function describeRequest(request: AttentionRequest): NativeAttentionDescription {
  const { dtype = 'float32', b, sQ, sKv, hQ, d, dV = d, window, softcap, precision } = request;
  expectDType('dtype', dtype);
  expectFloat('dtype', dtype);
  for (const [name, value] of Object.entries({ b, sQ, sKv })) expectInteger(name, value, 0, most);
  for (const [name, value] of Object.entries({ hQ, d, dV })) expectInteger(name, value, 1, most);
  const [hK, hV] = [expectKeyHeads('hK', request), expectKeyHeads('hV', request)];
  const map = readHeadMap(request.headMap);
  expectNoTensor('headMap.k', map.k);
  expectNoTensor('headMap.v', map.v);
  const hO = Math.max(hQ, hK, hV);
  expectHeads(map, hQ, hK, hV, hO);
  const { scale = 1 / Math.sqrt(d), sinkTokens = 0 } = request;
  expectFinite32('scale', scale);
  expectInteger('sinkTokens', sinkTokens, 0);
  if (softcap !== undefined) expectPositive32('softcap', softcap);
  if (precision !== undefined) expectChoice('precision', precision, { bfloat16: true });
  if (request.sinkTokens !== undefined && window === undefined)
    throw new AttentionError('ERR_OPTION', 'sinkTokens needs window: without one no key is hidden that it could show');
  const right = expectSide('window.right', window?.right);
  return {
    dtype: dtypeFacts[dtype].index,
    packed: expectBoolean('packed', request.packed, false),
    batch: b,
    seqQ: sQ,
    seqKv: sKv,
    headsQ: hQ,
    headsK: hK,
    headsV: hV,
    headsOut: hO,
    headDim: d,
    headDimV: dV,
    scale,
    softcap: softcap ?? 0,
    causal: expectBoolean('causal', request.causal, false) || right === 0,
    windowLeft: expectSide('window.left', window?.left),
    windowRight: right === 0 ? unbounded : right,
    sinkTokens,
    headMap: map.rule,
    precision: precision === undefined ? 0 : 1,
  };
}

function expectKeyHeads(name: 'hK' | 'hV', request: AttentionRequest): number {
  const heads = request[name] ?? request.hKv;
  if (heads === undefined)
    throw invalidType('ERR_ARGUMENT_TYPE', `hKv, or hK and hV, must be given; ${name} is missing`);
  expectInteger(request[name] === undefined ? 'hKv' : name, heads, 1, most);
  return heads;
}

function expectSide(name: string, side: unknown): number {
  if (side === undefined || side === null) return unbounded;
  expectNoTensor(name, side);
  expectInteger(name, side, -1);
  return side;
}

/** A request describes the sizes of tensors, and has none. */
function expectNoTensor(name: string, value: unknown): void {
  if (isTensor(value))
    throw invalidType(
      'ERR_ARGUMENT_TYPE',
      `${name} must be a ${name.startsWith('headMap') ? 'string' : 'number'} in a request, got a Tensor`,
    );
}
