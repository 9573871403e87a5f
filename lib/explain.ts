import { expectDType, expectFloat } from './checks/dtypes.js';
import {
  describe,
  expectBoolean,
  expectChoice,
  expectFinite,
  expectInteger,
  expectOptions,
  expectPositive,
} from './checks/options.js';
import { expectDevice, type Device } from './device.js';
import { dtypeFacts, type DType } from './dtype.js';
import { AttentionError, guarded, invalidType } from './errors.js';
import type { NativeAttentionDescription, NativeExplanation } from './native-module.js';
import { native } from './native.js';
import { expectHeads, readHeadMap } from './ops/attention-heads.js';
import type { HeadMapName } from './ops/attention-options.js';

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

/** What {@link explain} answers. */
export interface Explanation {
  readonly supported: boolean;
  /** Why not, where it is not supported. */
  readonly reason?: string;
  /** Kernel that serves the call: `'cpu/prefill'`. */
  readonly kernel: string;
  /** Instruction path: `'avx512bf16'`. */
  readonly path: string;
  /** What else there is to know, e.g. why a precision gains nothing here. */
  readonly note?: string;
  /** Floating-point operations: 2 (d + dV) per visible pair and output head. */
  readonly flops: number;
  /** Compulsory traffic: every input and output once. */
  readonly bytes: number;
  /** Pairs of query and key that count, of one head, in all sequences. */
  readonly visiblePairs: number;
  /** No implementation on this device can be faster. */
  readonly timeBound: { readonly seconds: number; readonly limitedBy: 'compute' | 'memory' };
  /** What the device reaches, measured at the first question: flop per second, bytes per second. */
  readonly ceilings: { readonly f32Flops: number; readonly bf16Flops: number; readonly readBytes: number };
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
const windowNames: ReadonlySet<string> = new Set(['left', 'right']);
const most = 2 ** 31 - 1;
const unbounded = -1;

/**
 * Whether a device of this machine serves a call.
 *
 * @throws {TypeError} `ERR_ARGUMENT_TYPE`, `ERR_DTYPE`. {@link RangeError} `ERR_ARGUMENT_VALUE`, `ERR_SHAPE`,
 *   `ERR_DEVICE`. {@link AttentionError} `ERR_OPTION`: the request makes no sense on any device.
 */
export function supports(request: AttentionRequest): boolean {
  try {
    return ask(request).supported;
  } catch (error) {
    const { code } = error as AttentionError;
    if (code === 'ERR_CUDA_UNAVAILABLE' || code === 'ERR_UNSUPPORTED') return false;
    throw error;
  }
}

/**
 * Which kernel serves a call, what it costs, and how fast it can be at best here.
 *
 * The first question to a device measures it, for some 100 ms on its own threads; ask while nothing else runs.
 *
 * @throws As {@link supports}; and {@link AttentionError} `ERR_CUDA_UNAVAILABLE` for a device that is not there.
 * @see The roofline model: Williams, Waterman, Patterson, CACM 52(4), 2009.
 */
export async function explain(request: AttentionRequest): Promise<Explanation> {
  const { reason, note, ...facts } = ask(request);
  const device = expectDevice('device', request.device);
  const ceilings = await guarded(() => native.measureCeilings(device));
  const multipliesBFloat16 = request.dtype === 'bfloat16' || request.precision === 'bfloat16';
  const hasBFloat16 = facts.path.endsWith('bf16') && ceilings.bf16Flops > 0;
  const compute = facts.flops / (multipliesBFloat16 && hasBFloat16 ? ceilings.bf16Flops : ceilings.f32Flops);
  const memory = facts.bytes / ceilings.readBytes;
  return {
    ...facts,
    ...(reason !== '' && { reason }),
    ...(note !== '' && { note }),
    timeBound: { seconds: Math.max(compute, memory), limitedBy: compute >= memory ? 'compute' : 'memory' },
    ceilings,
  };
}

function ask(request: AttentionRequest): NativeExplanation {
  expectOptions('request', request, requestNames);
  expectChoice('op', request.op, { attention: true });
  const device = expectDevice('device', request.device);
  const description = describeRequest(request);
  const withLse = expectBoolean('lse', request.lse, false);
  return guarded(() => native.explainAttention(device, description, withLse));
}

function describeRequest(request: AttentionRequest): NativeAttentionDescription {
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
