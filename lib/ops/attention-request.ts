/** A call of attention() described by numbers, for supports() and explain(). */

import { expectDType, expectFloat } from '../checks/dtypes.js';
import {
  describe,
  expectBoolean,
  expectChoice,
  expectFinite,
  expectInteger,
  expectOptions,
  expectPositive,
} from '../checks/options.js';
import type { Device } from '../device.js';
import { dtypeFacts, type DType } from '../dtype.js';
import { AttentionError, invalidType } from '../errors.js';
import type { NativeAttentionDescription } from '../native-module.js';
import { expectHeads, readHeadMap } from './attention-heads.js';
import type { HeadMapName } from './attention-options.js';

/** A call of {@link attention} by its sizes and those options that choose a kernel, without tensors. */
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
  causal?: boolean;
  window?: { left?: number | null; right?: number | null };
  sinkTokens?: number;
  scale?: number;
  softcap?: number;
  headMap?: HeadMapName;
  precision?: 'bfloat16';
  /** Whether the log-sum-exp is asked for. Default `false`. */
  lse?: boolean;
}

/** @see expectOptions */
export const requestNames: ReadonlySet<string> = new Set<keyof AttentionRequest>([
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
const windowNames: ReadonlySet<string> = new Set(['left', 'right']);
const most = 2 ** 31 - 1;
const unbounded = -1;

/** Checks the request and fills in what it leaves out. */
export function describeRequest(request: AttentionRequest): NativeAttentionDescription {
  const { dtype = 'float32', b, sQ, sKv, hQ, d, dV = d, window, softcap, precision } = request;
  expectDType('dtype', dtype);
  expectFloat('dtype', dtype);
  for (const [name, value] of Object.entries({ b, sQ, sKv })) expectInteger(name, value, 0, most);
  for (const [name, value] of Object.entries({ hQ, d, dV })) expectInteger(name, value, 1, most);
  const [hK, hV] = [expectKeyHeads('hK', request), expectKeyHeads('hV', request)];
  const map = readHeadMap(request.headMap);
  const hO = Math.max(hQ, hK, hV);
  expectHeads(map, hQ, hK, hV, hO);
  const { scale = 1 / Math.sqrt(d), sinkTokens = 0 } = request;
  expectFinite('scale', scale);
  expectInteger('sinkTokens', sinkTokens, 0);
  if (softcap !== undefined) expectPositive('softcap', softcap);
  if (precision !== undefined) expectChoice('precision', precision, { bfloat16: true });
  if (window !== undefined) expectOptions('window', window, windowNames);
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
  if (typeof side === 'object')
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be a number, got ${describe(side)}`);
  expectInteger(name, side, -1);
  return side;
}
