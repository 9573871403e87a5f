import type { Tensor } from '../tensor.js';
import type { CcaWeights } from './cca-weights.js';
import type { WeightNames } from './weights-file.js';

/** The names that ZAYA checkpoints have: Hugging Face's, those it had at first, Zyphra's. */
export const zayaNames: WeightNames<CcaWeights> = {
  weights: {
    wq: { names: ['qkv_proj.q_proj.weight', 'qkv_proj.linear_q.weight', 'qkv.linear_q.weight'] },
    bq: { names: ['qkv_proj.q_proj.bias', 'qkv_proj.linear_q.bias', 'qkv.linear_q.bias'], optional: true },
    wk: { names: ['qkv_proj.k_proj.weight', 'qkv_proj.linear_k.weight', 'qkv.linear_k.weight'] },
    bk: { names: ['qkv_proj.k_proj.bias', 'qkv_proj.linear_k.bias', 'qkv.linear_k.bias'], optional: true },
    wv1: { names: ['qkv_proj.v_proj_current.weight', 'qkv_proj.val_proj1.weight', 'qkv.val_proj1.weight'] },
    bv1: { names: ['qkv_proj.v_proj_current.bias', 'qkv_proj.val_proj1.bias', 'qkv.val_proj1.bias'], optional: true },
    wv2: { names: ['qkv_proj.v_proj_delayed.weight', 'qkv_proj.val_proj2.weight', 'qkv.val_proj2.weight'] },
    bv2: { names: ['qkv_proj.v_proj_delayed.bias', 'qkv_proj.val_proj2.bias', 'qkv.val_proj2.bias'], optional: true },
    w1: { names: ['qkv_proj.conv_qk_depthwise.weight', 'qkv.conv_qk.0.weight'], view: withoutGroupAxis },
    b1: { names: ['qkv_proj.conv_qk_depthwise.bias', 'qkv.conv_qk.0.bias'], optional: true },
    w2: { names: ['qkv_proj.conv_qk_grouped.weight', 'qkv.conv_qk.1.weight'] },
    b2: { names: ['qkv_proj.conv_qk_grouped.bias', 'qkv.conv_qk.1.bias'], optional: true },
    temperature: { names: ['qk_norm.temp', 'temp', 'qkv.temp'] },
    wo: { names: ['o_proj.weight'] },
    bo: { names: ['o_proj.bias'], optional: true },
  },
};

/** A depthwise convolution of PyTorch has an axis of its one input channel: `[C, 1, k1]`. */
function withoutGroupAxis(tensor: Tensor): Tensor {
  const [channels, inputs, taps] = tensor.shape;
  if (tensor.rank !== 3 || inputs !== 1) return tensor; // refused with the shape that it has
  return tensor.reshape([channels!, taps!]);
}
