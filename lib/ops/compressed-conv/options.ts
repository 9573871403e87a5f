import type { Stream } from '../../stream.js';
import type { Tensor } from '../../tensor.js';
import type { AttentionOptions } from '../attention/options.js';
import type { RopeOptions } from '../rope.js';

/** What the projections of a layer give, one row per token: `[b, s, …]`, packed `[t, …]`. */
export interface CcaProjections {
  /** `[q0 | k0]`: `C = (hQ + hKv) d` channels, those of the queries first. */
  latent: Tensor;
  /** `x Wv1`: the half of the values that belongs to the token itself, `hKv d / 2`. */
  value: Tensor;
  /** `x Wv2`: the half that the next token gets, `hKv d / 2`. Not delayed yet: row `t` is that of token `t`. */
  delayed: Tensor;
}

/** Parameters, contiguous, each float32 or of the dtype of the projections. */
export interface CcaParameters {
  /** First convolution, depthwise: `[C, k1]`. The last tap multiplies the current token. */
  w1: Tensor;
  /** `[C]`. Default: none. */
  b1?: Tensor;
  /** Second convolution, `d` to `d` channels in each head: `[C, d, k2]`. */
  w2: Tensor;
  /** `[C]`. Default: none. */
  b2?: Tensor;
  /** Of the keys, `[hKv]`; see `tempMode`. */
  temperature: Tensor;
  /** Bias of the projection `Wv2`: what the first token gets as its delayed half, `[hKv d / 2]`. Default: zeros. */
  delayedBias?: Tensor;
}

/** How the factor on the keys follows from `temperature`: its exponential, itself, or that of it clamped to `[1e-7, 2]`. */
export type CcaTempMode = 'exp' | 'raw' | 'expClamped';

/** How queries and keys turn; as in {@link rope}. Without `positions` tokens stand at 0, 1, … in each sequence. */
export type CcaRope = Pick<RopeOptions, 'positions' | 'offset' | 'theta' | 'rotaryDim' | 'pairing' | 'scaling'>;

/** What {@link compressedConvPrologue} and {@link compressedConvAttention} share. */
export interface CcaCallOptions {
  /** Default `'exp'`. */
  tempMode?: CcaTempMode;
  /** `false`: nothing turns. Default: all of a head, theta 10000. */
  rope?: CcaRope | false;
  /** Packed sequences: where each one begins, and the end of the last; int32 `[b + 1]`. History restarts at each. */
  cuSeqLens?: Tensor;
  /** Tokens in use of each sequence, the rest is padding behind them; int32 `[b]`. Not in a packed call. */
  lengths?: Tensor;
  /** Where the work is queued. Default: the default stream of the projections' device. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

/** Options of {@link compressedConvPrologue}. */
export interface CompressedConvPrologueOptions extends CcaCallOptions {
  /**
   * Receives the result in place of new tensors: all three, of its shapes and dtype. They lie apart from one another
   * and share no storage with what is read.
   */
  out?: Record<'q' | 'k' | 'v', Tensor>;
}

/** Options of {@link compressedConvAttention}. */
export interface CompressedConvAttentionOptions
  extends CcaCallOptions, Pick<AttentionOptions, 'window' | 'sinkTokens' | 'scale' | 'precision' | 'lse' | 'out'> {
  /** A query sees no key after its own. Default `true`: the convolutions are causal in any case. */
  causal?: boolean;
}

export const projectionNames: ReadonlySet<string> = new Set<keyof CcaProjections>(['latent', 'value', 'delayed']);
export const parameterNames: ReadonlySet<string> = new Set<keyof CcaParameters>([
  'w1',
  'b1',
  'w2',
  'b2',
  'temperature',
  'delayedBias',
]);
export const ropeNames: ReadonlySet<string> = new Set<keyof CcaRope>([
  'positions',
  'offset',
  'theta',
  'rotaryDim',
  'pairing',
  'scaling',
]);
const callOptions = ['tempMode', 'rope', 'cuSeqLens', 'lengths', 'stream', 'signal'] as const;
export const prologueNames: ReadonlySet<string> = new Set<keyof CompressedConvPrologueOptions>([...callOptions, 'out']);
export const attentionNames: ReadonlySet<string> = new Set<keyof CompressedConvAttentionOptions>([
  ...callOptions,
  'causal',
  'window',
  'sinkTokens',
  'scale',
  'precision',
  'lse',
  'out',
]);

/** Numbers of `TemperatureMode` in `native/core/ops/compressed_conv.h`. */
export const tempModes = Object.freeze({ exp: 0, raw: 1, expClamped: 2 } satisfies Record<CcaTempMode, number>);
