/** The weights of a layer under the names that ZAYA checkpoints have for them: Zyphra's, and those of Hugging Face. */

import { describe, expectInteger } from '../checks/options.js';
import { expectDevice, type Device } from '../device.js';
import { AttentionError, invalidType } from '../errors.js';
import type { Tensor } from '../tensor.js';
import type { CcaWeights } from './cca-weights.js';
import { SafetensorsFile } from './safetensors.js';

/** Which layer of a file, and where its weights go. */
export interface SafetensorsOptions {
  /** Number of the layer: its names begin with `'model.layers.<number>.self_attn.'`. */
  layer?: number;
  /** What its names begin with, in place of that. */
  prefix?: string;
  /** Default `'cpu'`. */
  device?: Device;
}

/** Names behind the prefix: Hugging Face's, those it had at first, Zyphra's. */
const names: Readonly<Record<keyof CcaWeights, readonly string[]>> = Object.freeze({
  wq: ['qkv_proj.q_proj.weight', 'qkv_proj.linear_q.weight', 'qkv.linear_q.weight'],
  bq: ['qkv_proj.q_proj.bias', 'qkv_proj.linear_q.bias', 'qkv.linear_q.bias'],
  wk: ['qkv_proj.k_proj.weight', 'qkv_proj.linear_k.weight', 'qkv.linear_k.weight'],
  bk: ['qkv_proj.k_proj.bias', 'qkv_proj.linear_k.bias', 'qkv.linear_k.bias'],
  wv1: ['qkv_proj.v_proj_current.weight', 'qkv_proj.val_proj1.weight', 'qkv.val_proj1.weight'],
  bv1: ['qkv_proj.v_proj_current.bias', 'qkv_proj.val_proj1.bias', 'qkv.val_proj1.bias'],
  wv2: ['qkv_proj.v_proj_delayed.weight', 'qkv_proj.val_proj2.weight', 'qkv.val_proj2.weight'],
  bv2: ['qkv_proj.v_proj_delayed.bias', 'qkv_proj.val_proj2.bias', 'qkv.val_proj2.bias'],
  w1: ['qkv_proj.conv_qk_depthwise.weight', 'qkv.conv_qk.0.weight'],
  b1: ['qkv_proj.conv_qk_depthwise.bias', 'qkv.conv_qk.0.bias'],
  w2: ['qkv_proj.conv_qk_grouped.weight', 'qkv.conv_qk.1.weight'],
  b2: ['qkv_proj.conv_qk_grouped.bias', 'qkv.conv_qk.1.bias'],
  temperature: ['qk_norm.temp', 'temp', 'qkv.temp'],
  wo: ['o_proj.weight'],
  bo: ['o_proj.bias'],
});

/** `tensors`: all that were made, which are the caller's to dispose of. */
export async function readZayaWeights(
  path: string,
  { layer, prefix, device = 'cpu' }: SafetensorsOptions,
): Promise<{ weights: CcaWeights; tensors: readonly Tensor[] }> {
  if (typeof path !== 'string')
    throw invalidType('ERR_ARGUMENT_TYPE', `file must be a string, the path of one, got ${describe(path)}`);
  const place = expectDevice('device', device);
  const start = readStart(layer, prefix);
  const file = await SafetensorsFile.open(path);
  const tensors: Tensor[] = [];
  try {
    const weights: Record<string, Tensor> = {};
    for (const [name, alternatives] of Object.entries(names)) {
      const found = alternatives.find((each) => file.has(start + each));
      if (found === undefined) {
        if (name.startsWith('b')) continue;
        throw new AttentionError(
          'ERR_OPTION',
          `${path} has no ${name}: expected ${alternatives.map((each) => `'${start}${each}'`).join(' or ')}`,
        );
      }
      const tensor = await file.read(start + found, place);
      tensors.push(tensor);
      weights[name] = name === 'w1' ? withoutGroupAxis(tensor, tensors) : tensor;
    }
    return { weights: weights as unknown as CcaWeights, tensors };
  } catch (error) {
    for (const tensor of tensors) tensor.dispose();
    throw error;
  } finally {
    await file.close();
  }
}

/** A depthwise convolution of PyTorch has an axis of its one input channel: `[C, 1, k1]`. */
function withoutGroupAxis(tensor: Tensor, tensors: Tensor[]): Tensor {
  const [channels, inputs, taps] = tensor.shape;
  if (tensor.rank !== 3 || inputs !== 1) return tensor; // refused with the shape that it has
  const view = tensor.reshape([channels!, taps!]);
  tensors.push(view);
  return view;
}

/** What the names of the layer begin with. */
function readStart(layer: number | undefined, prefix: string | undefined): string {
  if ((layer === undefined) === (prefix === undefined))
    throw new AttentionError('ERR_OPTION', 'give layer, its number, or prefix: one of the two');
  if (prefix === undefined) {
    expectInteger('layer', layer, 0);
    return `model.layers.${layer}.self_attn.`;
  }
  if (typeof prefix !== 'string')
    throw invalidType('ERR_ARGUMENT_TYPE', `prefix must be a string, got ${describe(prefix)}`);
  return prefix;
}
