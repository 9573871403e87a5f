import type { CompressedConvAttentionOptions } from '../ops/compressed-conv/options.js';

/** Options of a {@link CompressedConvAttention}, the same for every call. */
export type CcaLayerOptions = Pick<
  CompressedConvAttentionOptions,
  'tempMode' | 'rope' | 'causal' | 'window' | 'sinkTokens' | 'scale' | 'precision'
>;

/** Options of {@link CompressedConvAttention.forward}. */
export type CcaForwardOptions = Pick<
  CompressedConvAttentionOptions,
  'cuSeqLens' | 'lengths' | 'lse' | 'out' | 'stream' | 'signal'
>;

export const layerNames: ReadonlySet<keyof CcaLayerOptions> = new Set<keyof CcaLayerOptions>([
  'tempMode',
  'rope',
  'causal',
  'window',
  'sinkTokens',
  'scale',
  'precision',
]);
export const fileNames: ReadonlySet<string> = new Set([...layerNames, 'layer', 'prefix', 'device']);
export const forwardNames: ReadonlySet<string> = new Set<keyof CcaForwardOptions>([
  'cuSeqLens',
  'lengths',
  'lse',
  'out',
  'stream',
  'signal',
]);
export const stateNames: ReadonlySet<string> = new Set<string>(['b', 'capacity']);
