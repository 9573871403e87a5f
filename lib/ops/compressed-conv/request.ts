/** A call of compressedConvAttention() described by numbers, for supports() and explain(). */

import { expectDType, expectFloat } from '../../checks/dtypes.js';
import { expectBoolean, expectInteger, readFields } from '../../checks/options.js';
import type { Device } from '../../device.js';
import { dtypeFacts, type DType } from '../../dtype.js';
import { AttentionError, invalidRange } from '../../errors.js';
import type { NativeCompressedConvDescription } from '../../native-module.js';
import type { AttentionRequest } from '../attention/request.js';
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
  ...attentionNames,
]);
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
      ...options,
    },
  };
}
