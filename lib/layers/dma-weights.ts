/** The weights of a layer of dynamic-mask attention: which there are, and whether they fit one another. */

import { expectFloat } from '../checks/dtypes.js';
import { expectInteger, readFields } from '../checks/options.js';
import { expectParameter, expectRows, expectShape, expectTensor, wrongShape } from '../checks/tensors.js';
import { AttentionError, invalidRange } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { expectProjections } from './layer-checks.js';

/** Projections `[out, in]`, as PyTorch and safetensors files keep them, all of one dtype; and what scores are made with. */
export interface DmaWeights {
  /** Queries, `[hQ d, E]`. */
  wq: Tensor;
  /** Keys, `[hKv d, E]`. */
  wk: Tensor;
  /** Values, `[hKv dV, E]`. */
  wv: Tensor;
  /** Output, `[E, hQ dV]`. */
  wo: Tensor;
  /** Biases of the projections. Default: none. */
  bq?: Tensor;
  bk?: Tensor;
  bv?: Tensor;
  bo?: Tensor;
  /** Of the scores of keys, `[hKv dV, hB]`, float32 or of that dtype; `hB`, the score heads, are 1, hKv or hQ. */
  wdt: Tensor;
  /** `[hB]`, likewise. */
  a: Tensor;
  /** Factors of the RMS norm of each query head, before it turns: `[d]`, likewise. Default: no norm. */
  qNorm?: Tensor;
  /** The same of key heads. */
  kNorm?: Tensor;
}

export interface DmaLayerSizes {
  readonly hQ: number;
  readonly hKv: number;
  readonly hB: number;
  readonly d: number;
  readonly dV: number;
  /** Model width. */
  readonly e: number;
}

const weightNames: ReadonlySet<string> = new Set<keyof DmaWeights>([
  'wq',
  'wk',
  'wv',
  'wo',
  'bq',
  'bk',
  'bv',
  'bo',
  'wdt',
  'a',
  'qNorm',
  'kNorm',
]);

/** A copy of the weights, each read once. */
export function readWeights(weights: DmaWeights): DmaWeights {
  return readFields('weights', weights, weightNames);
}

/** @throws Where one is missing or does not fit; the message names it. */
export function expectWeights(weights: DmaWeights, headDim: number | undefined): DmaLayerSizes {
  const { wq, wk, wv, wdt, a, qNorm, kNorm } = weights;
  for (const [name, weight] of [['wq', wq] as const, ['wk', wk] as const, ['wv', wv] as const]) {
    expectTensor(`weights.${name}`, weight);
    if (weight.rank !== 2) throw wrongShape(`weights.${name}`, weight, ['out', 'E']);
  }
  expectFloat('weights.wq', wq.dtype);
  const d = readHeadDim(weights, headDim);
  for (const [name, norm] of [['qNorm', qNorm] as const, ['kNorm', kNorm] as const]) {
    if (norm === undefined) continue;
    expectParameter(`weights.${name}`, norm, wq, ' like weights.wq');
    expectShape(`weights.${name}`, norm, [d]);
    expectRows(`weights.${name}`, norm);
  }
  const hQ = headsOf('wq', wq, d);
  const hKv = headsOf('wk', wk, d);
  if (hQ % hKv !== 0)
    throw invalidRange('ERR_SHAPE', `weights.wq has ${hQ} query heads, which must be a multiple of the ${hKv} of wk`);
  const [values, e] = wv.shape as [number, number];
  if (values === 0 || values % hKv !== 0)
    throw wrongShape('weights.wv', wv, ['hKv dV', 'E'], `, where hKv is the ${hKv} heads of wk`);
  const dV = values / hKv;
  expectProjections(weights, [
    ['wq', hQ * d, e],
    ['wk', hKv * d, e],
    ['wv', values, e],
    ['wo', e, hQ * dV],
    ['bq', hQ * d],
    ['bk', hKv * d],
    ['bv', values],
    ['bo', e],
  ]);
  expectParameter('weights.a', a, wq, ' like weights.wq');
  const hB = a.size;
  if (a.rank !== 1 || ![1, hKv, hQ].includes(hB))
    throw wrongShape('weights.a', a, ['hB'], `, where hB is ${[...new Set([1, hKv, hQ])].join(' or ')}`);
  expectParameter('weights.wdt', wdt, wq, ' like weights.wq');
  expectShape('weights.wdt', wdt, [values, hB]);
  return { hQ, hKv, hB, d, dV, e };
}

/** Projections do not tell where a head ends; norms do. */
function readHeadDim({ qNorm, kNorm }: DmaWeights, headDim: number | undefined): number {
  if (headDim !== undefined) {
    expectInteger('headDim', headDim, 1);
    return headDim;
  }
  const [name, norm] = qNorm === undefined ? (['kNorm', kNorm] as const) : (['qNorm', qNorm] as const);
  if (norm === undefined)
    throw new AttentionError('ERR_OPTION', 'weights without qNorm and kNorm do not tell the head dim: give headDim');
  expectTensor(`weights.${name}`, norm);
  if (norm.rank !== 1 || norm.size === 0) throw wrongShape(`weights.${name}`, norm, ['d']);
  return norm.size;
}

function headsOf(name: string, weight: Tensor, d: number): number {
  const rows = weight.shape[0]!;
  if (rows === 0 || rows % d !== 0)
    throw wrongShape(`weights.${name}`, weight, ['heads d', 'E'], `, where the head dim d is ${d}`);
  return rows / d;
}
