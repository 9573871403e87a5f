/** A call of blockSparseAttention() described by numbers, for supports() and explain(). */

import { expectInteger, readFields } from '../checks/options.js';
import { AttentionError, invalidRange } from '../errors.js';
import type { NativeAttentionDescription, NativeBlockListSizes, NativeExtras } from '../native-module.js';
import { describeRequest } from './attention/request.js';
import { mostBlock } from './block-sparse-attention.js';
import { denseRequest, sparseNames, type SparseSizes } from './sparse-request.js';

/** A call of {@link blockSparseAttention} by its sizes and options. */
export interface BlockSparseAttentionRequest extends SparseSizes {
  op: 'blockSparseAttention';
  /** Queries of a block. */
  blockQ: number;
  /** Keys of a block. */
  blockK: number;
  /** Heads of the lists. Default 1. */
  hL?: number;
  /** How many blocks all partial lists name together. Default: there are none. */
  partial?: number;
  /** The same of full ones. */
  full?: number;
}

const requestNames: ReadonlySet<string> = new Set<keyof BlockSparseAttentionRequest>([
  'op',
  ...sparseNames,
  'blockQ',
  'blockK',
  'hL',
  'partial',
  'full',
]);

/** A copy of the request, each field read once; its values are not checked yet. */
export function readBlockSparseRequest(request: BlockSparseAttentionRequest): BlockSparseAttentionRequest {
  return readFields('request', request, requestNames, "an object such as { op: 'blockSparseAttention', b, sQ, … }");
}

/** Checks the request as a call is checked, and fills in what it leaves out. */
export function describeBlockSparseRequest(request: BlockSparseAttentionRequest): {
  description: NativeAttentionDescription;
  extras: NativeExtras;
  lists: NativeBlockListSizes;
} {
  const { blockQ, blockK, hL = 1, partial, full } = request;
  const described = describeRequest(denseRequest(request));
  for (const [name, value] of Object.entries({ blockQ, blockK })) expectInteger(name, value, 1, mostBlock);
  expectInteger('hL', hL, 1);
  const { headsOut } = described.description;
  if (headsOut % hL !== 0)
    throw invalidRange('ERR_SHAPE', `hL must be heads that divide the ${headsOut} of the output, got ${hL}`);
  if (partial === undefined && full === undefined)
    throw new AttentionError('ERR_OPTION', 'give partial or full, how many blocks the lists name');
  const { batch, seqQ, seqKv } = described.description;
  const most = batch * hL * Math.ceil(seqQ / blockQ) * Math.ceil(seqKv / blockK);
  for (const [name, value] of Object.entries({ partial, full }))
    if (value !== undefined) expectInteger(name, value, 0, most);
  expectInteger('partial and full together', (partial ?? 0) + (full ?? 0), 0, most);
  return { ...described, lists: { heads: hL, partial, full } };
}
