import type { Device } from '../../device.js';
import type { FloatDType } from '../../dtype.js';
import { AttentionError } from '../../errors.js';
import type { AttentionOptions } from '../attention/options.js';
import type { CcaRope, CompressedConvAttentionOptions } from './options.js';

/** Options of a {@link CcaState}, the same for every token. */
export interface CcaStateOptions extends Pick<
  CompressedConvAttentionOptions,
  'tempMode' | 'window' | 'sinkTokens' | 'scale' | 'precision'
> {
  /** Sequences, which grow together. Default 1. */
  b?: number;
  /** Tokens to make room for at first. Default 256; the buffers grow. */
  capacity?: number;
  /** Of projections, keys and values. Default `'float32'`. */
  dtype?: FloatDType;
  /** Default `'cpu'`. */
  device?: Device;
  /** `offset`: position of the first token. Default: all of a head turns, from position 0, theta 10000. */
  rope?: Omit<CcaRope, 'positions'> | false;
}

/** Options of {@link CcaState.append}; `lse` is float32 `[b, hQ, n]`. */
export type CcaStepOptions = Pick<AttentionOptions, 'lse' | 'out' | 'stream' | 'signal'>;

export const stateNames: ReadonlySet<string> = new Set<keyof CcaStateOptions>([
  'b',
  'capacity',
  'dtype',
  'device',
  'tempMode',
  'rope',
  'window',
  'sinkTokens',
  'scale',
  'precision',
]);
export const stepNames: ReadonlySet<string> = new Set<keyof CcaStepOptions>(['lse', 'out', 'stream', 'signal']);

/** Cached keys have turned already: their frequencies must not depend on how many tokens there will be. */
export function expectLengthless({ rope }: CcaStateOptions): void {
  const scaling = rope === false ? undefined : rope?.scaling;
  if (scaling === undefined || (scaling.type !== 'dynamic-ntk' && scaling.type !== 'longrope')) return;
  if (scaling.currentLength === undefined)
    throw new AttentionError(
      'ERR_OPTION',
      `rope.scaling '${scaling.type}' needs currentLength in a state: keys that have turned do not turn again`,
    );
}
