/** The weights of a layer of compressed convolutional attention: which there are, and whether they fit one another. */

import { expectFloat } from '../checks/dtypes.js';
import { readFields } from '../checks/options.js';
import { expectTensor, wrongShape } from '../checks/tensors.js';
import type { CcaParameters } from '../ops/compressed-conv/options.js';
import { readHeads, type CcaHeadSizes } from '../ops/compressed-conv/sizes.js';
import type { Tensor } from '../tensor.js';
import { expectProjections } from './layer-checks.js';

/** Projections `[out, in]`, as PyTorch and safetensors files keep them, all of one dtype; and {@link CcaParameters}. */
export interface CcaWeights extends Omit<CcaParameters, 'delayedBias'> {
  /** Queries, `[hQ d, E]`. */
  wq: Tensor;
  /** Keys, `[hKv d, E]`. */
  wk: Tensor;
  /** The half of the values of the token itself, `[hKv d / 2, E]`. */
  wv1: Tensor;
  /** The half that the next token gets, `[hKv d / 2, E]`. */
  wv2: Tensor;
  /** Output, `[E, hQ d]`. */
  wo: Tensor;
  /** Biases of the projections. Default: none. */
  bq?: Tensor;
  bk?: Tensor;
  bv1?: Tensor;
  /** Also what the first token gets as its delayed half. */
  bv2?: Tensor;
  bo?: Tensor;
}

export interface CcaLayerSizes extends CcaHeadSizes {
  /** Model width. */
  readonly e: number;
}

const weightNames: ReadonlySet<string> = new Set<keyof CcaWeights>([
  'wq',
  'wk',
  'wv1',
  'wv2',
  'wo',
  'bq',
  'bk',
  'bv1',
  'bv2',
  'bo',
  'w1',
  'b1',
  'w2',
  'b2',
  'temperature',
]);

/** A copy of the weights, each read once. */
export function readWeights(weights: CcaWeights): CcaWeights {
  return readFields('weights', weights, weightNames);
}

/** @throws Where one is missing or does not fit; the message names it. */
export function expectWeights(weights: CcaWeights): CcaLayerSizes {
  const { wq, w2 } = weights;
  expectTensor('weights.wq', wq);
  expectFloat('weights.wq', wq.dtype);
  expectTensor('weights.w2', w2);
  const sizes = readHeads(weights, wq, w2.shape[0] ?? 0, 'weights');
  const [queries, keys] = [sizes.hQ * sizes.d, sizes.hKv * sizes.d];
  if (wq.rank !== 2 || wq.shape[0] !== queries) throw wrongShape('weights.wq', wq, [queries, 'E']);
  const e = wq.shape[1]!;
  expectProjections(weights, [
    ['wq', queries, e],
    ['wk', keys, e],
    ['wv1', keys / 2, e],
    ['wv2', keys / 2, e],
    ['wo', e, queries],
    ['bq', queries],
    ['bk', keys],
    ['bv1', keys / 2],
    ['bv2', keys / 2],
    ['bo', e],
  ]);
  return { ...sizes, e };
}
