/** What dynamicMaskAttention() asks of scores and of the selection. */

import { describe } from '../../checks/options.js';
import {
  expectApart,
  expectOperand,
  expectRows,
  expectTensor,
  expectTensorDevice,
  expectTensorDType,
  wrongShape,
} from '../../checks/tensors.js';
import { AttentionError, invalidRange, invalidType } from '../../errors.js';
import type { Tensor } from '../../tensor.js';
import type { AttentionSizes } from '../attention/sizes.js';
import type { DynamicMaskAttentionOptions } from '../dynamic-mask-attention.js';
import { expectSelection, intervalsShape } from './intervals.js';
import { expectScoring, type KeyScoring } from './scores.js';
import { isDmaState, keptOf, type DmaState } from './state.js';

/** Scores that are given, or what they are made from. @returns Their shape. */
export function expectScores(given: DynamicMaskAttentionOptions, v: Tensor, sizes: AttentionSizes): readonly number[] {
  const { scores, wdt, a, form } = given;
  if (scores === undefined) {
    if (wdt === undefined || a === undefined)
      throw invalidType('ERR_ARGUMENT_TYPE', `scores, or wdt and a, must be given; scores is ${describe(scores)}`);
    const shape = expectScoring(v, given as KeyScoring);
    expectScoreHeads('a', a.size, sizes);
    expectRead('wdt', wdt, given);
    expectRead('a', a, given);
    return shape;
  }
  if (wdt !== undefined || a !== undefined || form !== undefined)
    throw new AttentionError('ERR_OPTION', 'scores are given: wdt, a and form, which make them, have no place');
  const { packed, b, sKv } = sizes;
  expectTensor('scores', scores);
  expectTensorDType('scores', scores, 'float32');
  const heads = scores.shape[packed ? 0 : 1];
  if (heads === undefined) throw wrongShape('scores', scores, packed ? ['hB', sKv] : [b, 'hB', sKv]);
  const shape = packed ? [heads, sKv] : [b, heads, sKv];
  expectOperand('scores', scores, 'float32', v.device, shape);
  expectScoreHeads('scores', heads, sizes);
  expectRead('scores', scores, given);
  return shape;
}

/** As many as the op takes: one, or one for each key, value or output head. */
export function expectScoreHeads(
  name: string,
  heads: number,
  { hK, hV, hO }: Pick<AttentionSizes, 'hK' | 'hV' | 'hO'>,
): void {
  if (heads !== 0 && [1, hK, hV, hO].includes(heads)) return;
  const counts = [...new Set([1, hK, hV, hO])].join(' or ');
  throw invalidRange('ERR_SHAPE', `${name} must have ${counts} score heads, got ${heads}`);
}

/** The selection, or the intervals given in its place. */
export function expectKept(given: DynamicMaskAttentionOptions, scores: readonly number[], q: Tensor): void {
  const { intervals, keep, selection, blockSize } = given;
  if (intervals === undefined) return expectSelection(given);
  if (keep !== undefined || selection !== undefined || blockSize !== undefined)
    throw new AttentionError(
      'ERR_OPTION',
      'intervals say which keys are kept: keep, selection and blockSize have no place',
    );
  expectOperand('intervals', intervals, 'int32', q.device, intervalsShape(scores));
  expectRows('intervals', intervals);
  expectRead('intervals', intervals, given);
}

const ofWholeSequences = [
  ...['scores', 'wdt', 'a', 'form', 'keep', 'selection', 'blockSize', 'intervals'],
  ...['causal', 'kvLengths', 'cuSeqLensQ', 'cuSeqLensK'],
] as (keyof DynamicMaskAttentionOptions)[];

/** A state in place of everything that says what is kept. @returns The shape of its scores. */
export function expectState(
  given: DynamicMaskAttentionOptions,
  state: DmaState,
  q: Tensor,
  sizes: AttentionSizes,
): readonly number[] {
  if (!isDmaState(state)) throw invalidType('ERR_ARGUMENT_TYPE', `state must be a DmaState, got ${describe(state)}`);
  for (const name of ofWholeSequences)
    if (given[name] !== undefined)
      throw new AttentionError('ERR_OPTION', `${name} cannot be combined with state, which says what is kept`);
  const { tokens, scores } = keptOf(state);
  if (tokens.disposed) throw new AttentionError('ERR_DISPOSED', 'state has been disposed of');
  const [b, hB] = scores.shape as [number, number, number];
  if (sizes.sQ !== 1) throw wrongShape('q', q, [b, 1, 'hQ', 'd'], ': a state serves one query of each sequence');
  if (sizes.b !== b) throw invalidRange('ERR_SHAPE', `state must have ${sizes.b} sequences like q, got ${b}`);
  if (sizes.sKv < state.length)
    throw invalidRange('ERR_SHAPE', `k must hold the ${state.length} tokens of the state, got ${sizes.sKv}`);
  expectScoreHeads('state', hB, sizes);
  expectTensorDevice('state', tokens, q.device);
  return scores.shape;
}

function expectRead(name: string, tensor: Tensor, { out, lse }: DynamicMaskAttentionOptions): void {
  expectApart('out', out, name, tensor);
  expectApart('lse', lse, name, tensor);
}
