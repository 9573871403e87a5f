import { expectBoolean, expectChoice, expectFinite32, readFields } from '../checks/options.js';
import { expectPrecision } from '../checks/dtypes.js';
import { expectTensor, expectTensorDevice, expectTensorDType } from '../checks/tensors.js';
import { AttentionError } from '../errors.js';
import { ropeNames, type CcaRope } from '../ops/compressed-conv/options.js';
import { expectLengthless, isLengthless } from '../ops/compressed-conv/state-options.js';
import { expectSelection } from '../ops/dynamic-mask/intervals.js';
import { forms } from '../ops/dynamic-mask/scores.js';
import type { DynamicMaskAttentionOptions } from '../ops/dynamic-mask-attention.js';
import type { LinearOptions } from '../ops/linear.js';
import { expectEpsilon, type RmsNormOptions } from '../ops/rms-norm.js';
import { describeRope } from '../ops/rope.js';
import type { Tensor } from '../tensor.js';

/** Options of a {@link DynamicMaskAttention}, the same for every call. */
export interface DmaLayerOptions
  extends
    Pick<DynamicMaskAttentionOptions, 'form' | 'keep' | 'selection' | 'blockSize' | 'scale'>,
    Pick<RmsNormOptions, 'epsilon'>,
    Pick<LinearOptions, 'precision'> {
  /** Elements of a head of queries and of keys. Default: as many as `qNorm` or `kNorm` has. */
  headDim?: number;
  /**
   * `false`: nothing turns. Default: all of a head, theta 10000, tokens at 0, 1, … of their sequence. Packed tokens are
   * counted through, which turns a query against a key just as much.
   */
  rope?: CcaRope | false;
  /** A query sees no key after its own. Default `true`. */
  causal?: boolean;
}

/** Options of {@link DynamicMaskAttention.forward}. */
export interface DmaForwardOptions extends Pick<DynamicMaskAttentionOptions, 'lse' | 'out' | 'stream' | 'signal'> {
  /** Packed sequences: where each one begins, and the end of the last; int32 `[b + 1]`. */
  cuSeqLens?: DynamicMaskAttentionOptions['cuSeqLensQ'];
  /**
   * Tokens in use of each sequence, the rest is padding behind them; int32 `[b]`. Of a layer that is not causal: where it
   * is, padding behind a sequence is seen by padding only. But with selection `'shared'` or a `blockSize` padding takes
   * part in the choice of keys; pack such sequences, with `cuSeqLens`.
   */
  lengths?: DynamicMaskAttentionOptions['kvLengths'];
}

/** Options of {@link DynamicMaskAttention.append}; `lse` is float32 `[b, hQ, n]`. */
export type DmaStepOptions = Pick<DynamicMaskAttentionOptions, 'lse' | 'out' | 'stream' | 'signal'>;

export const layerNames: ReadonlySet<keyof DmaLayerOptions> = new Set<keyof DmaLayerOptions>([
  'headDim',
  'epsilon',
  'rope',
  'form',
  'keep',
  'selection',
  'blockSize',
  'causal',
  'scale',
  'precision',
]);
export const fileNames: ReadonlySet<string> = new Set([...layerNames, 'layer', 'prefix', 'device']);
export const stepNames: ReadonlySet<string> = new Set<keyof DmaStepOptions>(['lse', 'out', 'stream', 'signal']);
export const forwardNames: ReadonlySet<string> = new Set<keyof DmaForwardOptions>([
  'cuSeqLens',
  'lengths',
  'lse',
  'out',
  'stream',
  'signal',
]);

/** A copy of the options, checked; `d` is the head dim, the rest is of the weights. */
export function readLayerOptions(
  given: DmaLayerOptions,
  d: number,
  { dtype, device }: Pick<Tensor, 'dtype' | 'device'>,
): DmaLayerOptions {
  const { epsilon, form = 'exp', scale, precision, rope } = given;
  if (epsilon !== undefined) expectEpsilon('epsilon', epsilon);
  expectChoice('form', form, forms);
  expectSelection(given);
  expectBoolean('causal', given.causal, true);
  if (scale !== undefined) expectFinite32('scale', scale);
  if (precision !== undefined) expectPrecision('precision', precision, dtype);
  if (rope === undefined || rope === false) return given;
  const turn = readFields('rope', rope, ropeNames, 'false or { theta, rotaryDim, … }');
  describeRope(d, turn);
  const { positions } = turn;
  if (positions !== undefined) {
    expectTensor('rope.positions', positions);
    expectTensorDType('rope.positions', positions, 'int32');
    expectTensorDevice('rope.positions', positions, device);
  }
  return { ...given, rope: turn };
}

/** What a call of forward() cannot combine with the layer. */
export function expectForward(
  { causal = true, selection, blockSize, rope }: DmaLayerOptions,
  { cuSeqLens, lengths }: DmaForwardOptions,
): void {
  const chosenByAll = selection === 'shared' || blockSize !== undefined;
  if (lengths !== undefined && cuSeqLens !== undefined)
    throw new AttentionError('ERR_OPTION', 'lengths are of sequences that cuSeqLens does not pack: give one');
  if (lengths !== undefined && causal)
    throw new AttentionError(
      'ERR_OPTION',
      chosenByAll
        ? "lengths of a causal layer with selection 'shared' or a blockSize, where padding takes part in the choice of " +
            'keys: pack the sequences'
        : 'lengths of a causal layer: padding behind a sequence is seen by padding only; leave them out, or pack the ' +
            'sequences',
    );
  const several = cuSeqLens !== undefined ? 'packed sequences' : lengths !== undefined ? 'lengths' : undefined;
  if (several !== undefined && rope !== false && rope?.positions === undefined && !isLengthless(rope))
    throw new AttentionError(
      'ERR_OPTION',
      `${several} with a rope.scaling that depends on the length need its currentLength, or rope.positions`,
    );
}

/** That tokens can be appended one after the other. */
export function expectCarried({ causal = true, selection = 'perQuery', blockSize, rope }: DmaLayerOptions): void {
  if (!causal) throw new AttentionError('ERR_OPTION', 'a state is of a layer that is causal: later keys do not exist');
  if (selection !== 'perQuery' || blockSize !== undefined)
    throw new AttentionError(
      'ERR_OPTION',
      "a state is of a layer with selection 'perQuery' and no blockSize: only there no key returns",
    );
  if (rope === false || rope === undefined) return;
  if (rope.positions !== undefined)
    throw new AttentionError(
      'ERR_OPTION',
      'rope.positions are of one call; tokens of a state stand one after the other',
    );
  expectLengthless(rope);
}
