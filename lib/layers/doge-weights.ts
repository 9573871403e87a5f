import type { Tensor } from '../tensor.js';
import type { DmaWeights } from './dma-weights.js';
import type { WeightNames } from './weights-file.js';

/**
 * The names that Doge checkpoints have: Hugging Face's (`transformers`, `models/doge`), and the same of small-doge, which
 * has no norms of queries and keys.
 */
export const dogeNames: WeightNames<DmaWeights> = {
  weights: {
    wq: { names: ['q_proj.weight'] },
    bq: { names: ['q_proj.bias'], optional: true },
    wk: { names: ['k_proj.weight'] },
    bk: { names: ['k_proj.bias'], optional: true },
    wv: { names: ['v_proj.weight'] },
    bv: { names: ['v_proj.bias'], optional: true },
    wo: { names: ['o_proj.weight'] },
    bo: { names: ['o_proj.bias'], optional: true },
    wdt: { names: ['dt_proj.weight'], view: transposed },
    a: { names: ['A'] },
    qNorm: { names: ['q_norm.weight'], optional: true },
    kNorm: { names: ['k_norm.weight'], optional: true },
  },
  refused: { 'dt_proj.bias': 'a bias of the scores, which this layer does not have' },
};

/** PyTorch keeps a projection as `[out, in]`; of the scores that is `[hB, hKv dV]`. */
function transposed(tensor: Tensor): Tensor {
  return tensor.rank === 2 ? tensor.transpose(0, 1) : tensor; // refused with the shape that it has
}
