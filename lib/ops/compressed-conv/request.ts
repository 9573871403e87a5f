/** A call of compressedConvAttention() described by numbers, for supports() and explain(). */

import { expectDType, expectFloat } from '../../checks/dtypes.js';
import { expectBoolean, expectChoice, expectInteger, readFields } from '../../checks/options.js';
import type { Device } from '../../device.js';
import { dtypeFacts, type DType } from '../../dtype.js';
import { AttentionError, invalidRange } from '../../errors.js';
import type { NativeCompressedConvDescription } from '../../native-module.js';
import type { AttentionRequest } from '../attention/request.js';
import { describeRope } from '../rope.js';
import { ropeNames, tempModes, type CcaRope, type CcaTempMode } from './options.js';
import { mostTaps } from './sizes.js';

/** A call of {@link compressedConvAttention} by its sizes and options. */
export interface CompressedConvAttentionRequest extends Pick<
  AttentionRequest,
  'window' | 'sinkTokens' | 'scale' | 'precision' | 'lse'
> {
  op: 'compressedConvAttention';
  /** Default `'cpu'`. */
  device?: Device;
  /** Of projections and parameters. Default `'float32'`. */
  dtype?: DType;
  /** Sequences. */
  b: number;
  /** Tokens of each; packed: of all together. */
  s: number;
  /** Query heads. */
  hQ: number;
  /** Key heads. */
  hKv: number;
  /** Head dim. */
  d: number;
  /** Taps of the first convolution. Default 2. */
  k1?: number;
  /** Taps of the second. Default 2. */
  k2?: number;
  /** Whether sequences are packed, with `cuSeqLens`. Default `false`. */
  packed?: boolean;
  /** Default `true`. */
  causal?: boolean;
  /** Whether sequences have padding, with `lengths`. Default `false`. */
  lengths?: boolean;
  /** As in the call; costs nothing that is counted. */
  tempMode?: CcaTempMode;
  /** Likewise. */
  rope?: Omit<CcaRope, 'positions'> | false;
}

const attentionNames = ['window', 'sinkTokens', 'scale', 'precision', 'lse'] as const;
const requestNames: ReadonlySet<string> = new Set<keyof CompressedConvAttentionRequest>([
  'op',
  'device',
  'dtype',
  'b',
  's',
  'hQ',
  'hKv',
  'd',
  'k1',
  'k2',
  'packed',
  'causal',
  'lengths',
  'tempMode',
  'rope',
  ...attentionNames,
]);
const requestRopeNames: ReadonlySet<string> = new Set([...ropeNames].filter((name) => name !== 'positions'));
const most = 2 ** 31 - 1;

/** A copy of the request, each field read once; its values are not checked yet. */
export function readCompressedConvRequest(request: CompressedConvAttentionRequest): CompressedConvAttentionRequest {
  return readFields('request', request, requestNames, "an object such as { op: 'compressedConvAttention', b, s, … }");
}

/** What happens before the attention, checked; and the attention, for its own check. */
export function describeCompressedConvRequest(request: CompressedConvAttentionRequest): {
  description: NativeCompressedConvDescription;
  attention: AttentionRequest;
} {
  const { dtype = 'float32', device, b, s, hQ, hKv, d, k1 = 2, k2 = 2 } = request;
  expectDType('dtype', dtype);
  expectFloat('dtype', dtype);
  const packed = expectBoolean('packed', request.packed, false);
  const causal = expectBoolean('causal', request.causal, true);
  for (const [name, value] of Object.entries({ b, s })) expectInteger(name, value, 0, most);
  for (const [name, value] of Object.entries({ hQ, hKv, d, k1, k2 })) expectInteger(name, value, 1, most);
  if (hQ % hKv !== 0) throw invalidRange('ERR_SHAPE', `hQ must be a multiple of hKv, got ${hQ} and ${hKv}`);
  if ((hKv * d) % 2 !== 0)
    throw invalidRange('ERR_SHAPE', `hKv * d must be even to be split in two halves, got ${hKv} * ${d}`);
  if (Math.max(k1, k2) > mostTaps)
    throw new AttentionError('ERR_UNSUPPORTED', `k1 and k2 are at most ${mostTaps}, got ${k1} and ${k2}`);
  const lengths = expectBoolean('lengths', request.lengths, false);
  if (lengths && packed)
    throw new AttentionError('ERR_OPTION', 'lengths are of sequences that are not packed: give one of the two');
  if (lengths && !causal && request.window !== undefined)
    throw new AttentionError('ERR_OPTION', 'lengths cannot be combined with a window that is not causal');
  expectChoice('tempMode', request.tempMode ?? 'exp', tempModes);
  expectRope(request.rope, d);
  const options = Object.fromEntries(
    attentionNames.filter((name) => request[name] !== undefined).map((name) => [name, request[name]]),
  );
  return {
    description: {
      dtype: dtypeFacts[dtype].index,
      packed,
      batch: b,
      seq: s,
      headsQ: hQ,
      headsKv: hKv,
      headDim: d,
      taps1: k1,
      taps2: k2,
    },
    attention: {
      op: 'attention',
      ...(device !== undefined && { device }),
      dtype,
      ...{ b, sQ: s, sKv: s, hQ, hKv, d, packed, causal },
      // As the call has it: rows of padding are gated off, and hide keys from queries that would see them.
      ...(lengths && { gate: [b, 1, s], ...(!causal && { kvLengths: true }) }),
      ...options,
    },
  };
}

function expectRope(rope: CompressedConvAttentionRequest['rope'] = {}, d: number): void {
  if (rope !== false) describeRope(d, readFields('rope', rope, requestRopeNames, 'false or { theta, rotaryDim, … }'));
}
