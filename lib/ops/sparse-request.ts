/** What calls over some of the keys have in common with attention(), for supports() and explain(). */

import { only } from '../checks/options.js';
import type { AttentionRequest } from './attention/request.js';

/** Sizes and options of attention() that a sparse call has as well. */
export type SparseSizes = Pick<
  AttentionRequest,
  | 'device'
  | 'dtype'
  | 'b'
  | 'sQ'
  | 'sKv'
  | 'hQ'
  | 'hKv'
  | 'hK'
  | 'hV'
  | 'd'
  | 'dV'
  | 'causal'
  | 'scale'
  | 'kvLengths'
  | 'lse'
>;

export const sparseNames = [
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
  'causal',
  'scale',
  'kvLengths',
  'lse',
] as const satisfies readonly (keyof SparseSizes)[];

/** The attention to all keys, for its own check. */
export function denseRequest(request: SparseSizes): AttentionRequest {
  return { op: 'attention', ...(only(request, sparseNames) as SparseSizes) };
}

/** Heads of queries, keys, values and output of a described call. */
export function headsOf({ headsK, headsV, headsOut }: Record<'headsK' | 'headsV' | 'headsOut', number>) {
  return { hK: headsK, hV: headsV, hO: headsOut };
}
