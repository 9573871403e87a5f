/** A call of dynamicMaskAttention() described by numbers, for supports() and explain(). */

import { expectBoolean, expectChoice, expectInteger, readFields } from '../../checks/options.js';
import { AttentionError, invalidRange } from '../../errors.js';
import type { NativeAttentionDescription, NativeDynamicMaskSizes, NativeExtras } from '../../native-module.js';
import { describeRequest } from '../attention/request.js';
import { denseRequest, headsOf, sparseNames, type SparseSizes } from '../sparse-request.js';
import { expectScoreHeads } from './checks.js';
import { defaultKeep, expectSelection, selections, type KeySelection } from './intervals.js';
import { forms, type KeyScoring } from './scores.js';

/** A call of {@link dynamicMaskAttention} by its sizes and options. */
export interface DynamicMaskAttentionRequest extends SparseSizes, KeySelection {
  op: 'dynamicMaskAttention';
  /** Whether sequences are packed, with `cuSeqLensQ` and `cuSeqLensK`. Default `false`. */
  packed?: boolean;
  /** Score heads. Default: as many as value heads. */
  hB?: number;
  /** Whether scores are made from the values, by `wdt` and `a`; else they are given. Default `false`. */
  wdt?: boolean;
  /** Of scores made from the values; costs the same in any. */
  form?: KeyScoring['form'];
  /** Whether intervals say which keys are kept, in place of `keep` and `selection`; as if they kept all. Default `false`. */
  intervals?: boolean;
  /** Whether a state says what is kept, `keep` keys of each score head. Default `false`. */
  state?: boolean;
}

const requestNames: ReadonlySet<string> = new Set<keyof DynamicMaskAttentionRequest>([
  'op',
  ...sparseNames,
  'packed',
  'hB',
  'wdt',
  'form',
  'intervals',
  'state',
  'keep',
  'selection',
  'blockSize',
]);

/** A copy of the request, each field read once; its values are not checked yet. */
export function readDynamicMaskRequest(request: DynamicMaskAttentionRequest): DynamicMaskAttentionRequest {
  return readFields('request', request, requestNames, "an object such as { op: 'dynamicMaskAttention', b, sQ, … }");
}

/** Checks the request as a call is checked, and fills in what it leaves out. */
export function describeDynamicMaskRequest(request: DynamicMaskAttentionRequest): {
  description: NativeAttentionDescription;
  extras: NativeExtras;
  sizes: NativeDynamicMaskSizes;
  /** Elements of the intervals; 0 where there are none. */
  intervals: number;
} {
  const { packed, keep = defaultKeep, selection = 'perQuery', blockSize = 0 } = request;
  const { description, extras } = describeRequest({
    ...denseRequest(request),
    ...(packed !== undefined && { packed }),
  });
  const { hB = description.headsV } = request;
  expectInteger('hB', hB, 1);
  expectScoreHeads('hB', hB, headsOf(description));
  expectSelection(request);
  const state = expectBoolean('state', request.state, false);
  const fromValues = expectBoolean('wdt', request.wdt, false);
  if (request.form !== undefined) expectChoice('form', request.form, forms);
  if (request.form !== undefined && !fromValues)
    throw new AttentionError('ERR_OPTION', 'form is of scores that are made from the values, with wdt');
  if (state) expectStep(request);
  const named = expectBoolean('intervals', request.intervals, false);
  if (named) expectNoSelection(request);
  // As many keys as intervals can name: those that 'relu' would keep if all scores were above 0.
  const kept = { selection: named ? selections.relu : selections[selection], keep, blockSize };
  const keys = description.seqKv * (description.packed ? 1 : description.batch);
  return {
    ...{ description, extras, sizes: { heads: hB, fromValues, state, ...kept } },
    intervals: named ? 2 * hB * keys : 0,
  };
}

function expectNoSelection({ keep, selection, blockSize }: DynamicMaskAttentionRequest): void {
  if (keep !== undefined || selection !== undefined || blockSize !== undefined)
    throw new AttentionError(
      'ERR_OPTION',
      'intervals say which keys are kept: keep, selection and blockSize have no place',
    );
}

const ofWholeSequences = ['wdt', 'packed', 'causal', 'kvLengths', 'selection', 'blockSize', 'intervals'] as const;

function expectStep(request: DynamicMaskAttentionRequest): void {
  for (const name of ofWholeSequences)
    if (request[name] !== undefined)
      throw new AttentionError('ERR_OPTION', `${name} cannot be combined with state, which says what is kept`);
  if (request.sQ !== 1)
    throw invalidRange('ERR_SHAPE', `sQ must be 1: a state serves one query of each sequence, got ${request.sQ}`);
}
