/** The weights of a layer in a safetensors file, under the names that those have who made it. */

import { describe, expectInteger } from '../checks/options.js';
import { expectDevice, type Device } from '../device.js';
import { AttentionError, invalidType } from '../errors.js';
import type { Tensor } from '../tensor.js';
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

/** One weight of a file. */
export interface NamedWeight {
  /** Names behind the prefix, the likeliest first. */
  readonly names: readonly string[];
  /** Whether a file may lack it. */
  readonly optional?: true;
  /** The view of it that the layer takes. Default: as it lies in the file. */
  readonly view?: (tensor: Tensor) => Tensor;
}

/** By the names of the layer. */
export interface WeightNames<Weights> {
  readonly weights: Readonly<Record<keyof Weights & string, NamedWeight>>;
  /** Weights of the file that the layer cannot do, with the reason. */
  readonly refused?: Readonly<Record<string, string>>;
}

/** `tensors`: all that were made, which are the caller's to dispose of. */
export async function readNamedWeights<Weights>(
  path: string,
  { layer, prefix, device = 'cpu' }: SafetensorsOptions,
  { weights: named, refused = {} }: WeightNames<Weights>,
): Promise<{ weights: Weights; tensors: readonly Tensor[] }> {
  if (typeof path !== 'string')
    throw invalidType('ERR_ARGUMENT_TYPE', `file must be a string, the path of one, got ${describe(path)}`);
  const place = expectDevice('device', device);
  const start = readStart(layer, prefix);
  const file = await SafetensorsFile.open(path);
  const tensors: Tensor[] = [];
  try {
    for (const [name, reason] of Object.entries(refused))
      if (file.has(start + name))
        throw new AttentionError('ERR_UNSUPPORTED', `${path} has '${start}${name}', ${reason}`);
    const weights: Record<string, Tensor> = {};
    for (const [name, { names, optional, view }] of Object.entries<NamedWeight>(named)) {
      const found = names.find((each) => file.has(start + each));
      if (found === undefined) {
        if (optional) continue;
        throw new AttentionError(
          'ERR_OPTION',
          `${path} has no ${name}: expected ${names.map((each) => `'${start}${each}'`).join(' or ')}`,
        );
      }
      const tensor = await file.read(start + found, place);
      tensors.push(tensor);
      weights[name] = view ? view(tensor) : tensor;
      if (weights[name] !== tensor) tensors.push(weights[name]);
    }
    return { weights: weights as unknown as Weights, tensors };
  } catch (error) {
    for (const tensor of tensors) tensor.dispose();
    throw error;
  } finally {
    await file.close();
  }
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
