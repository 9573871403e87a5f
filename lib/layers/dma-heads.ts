/** Queries, keys and values of a layer of dynamic-mask attention, on their way from its input to attention. */

import { only } from '../checks/options.js';
import { linear } from '../ops/linear.js';
import { rmsNorm } from '../ops/rms-norm.js';
import { rope } from '../ops/rope.js';
import type { Tensor } from '../tensor.js';
import type { DmaForwardOptions, DmaLayerOptions } from './dma-layer-options.js';
import type { DmaWeights } from './dma-weights.js';

export type Heads = Readonly<Record<'q' | 'k' | 'v', Tensor>>;
/** Adds to what is disposed of once all is queued. */
export type Keep = <T extends Tensor>(tensor: T) => T;
type Queued = Pick<DmaForwardOptions, 'stream' | 'signal'>;

/** `[…, h d]` of `[…, h, d]`. */
export function joined(heads: Tensor): Tensor {
  const [h, d] = heads.shape.slice(-2) as [number, number];
  return heads.reshape([...heads.shape.slice(0, -2), h * d]);
}

/** Queues projections of `x` into `heads`, and norm and turn of those. `past`: how many tokens there are in front. */
export function queueHeads(
  x: Tensor,
  { q, k, v }: Heads,
  weights: DmaWeights,
  options: DmaLayerOptions,
  past: number,
  queued: Queued,
): void {
  const { wq, bq, wk, bk, wv, bv, qNorm, kNorm } = weights;
  const project = (w: Tensor, bias: Tensor | undefined, heads: Tensor) => {
    using out = joined(heads);
    linear(x, w, { ...queued, ...only(options, ['precision']), out, ...(bias && { bias }) });
  };
  project(wq, bq, q);
  project(wk, bk, k);
  project(wv, bv, v);
  const { rope: turn } = options;
  for (const [heads, weight] of [[q, qNorm] as const, [k, kNorm] as const]) {
    if (weight !== undefined) rmsNorm(heads, { weight, ...only(options, ['epsilon']), out: heads, ...queued });
    if (turn !== false) rope(heads, { ...turn, offset: (turn?.offset ?? 0) + past, out: heads, ...queued });
  }
}
