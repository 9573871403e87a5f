import { only, readFields } from '../../checks/options.js';
import type { Device } from '../../device.js';
import type { FloatDType } from '../../dtype.js';
import { AttentionError } from '../../errors.js';
import type { NativeRopeDescription } from '../../native-module.js';
import { allocate } from '../../tensor.js';
import type { AttentionOptions } from '../attention/options.js';
import { readWindow } from '../attention/read.js';
import { describeRope } from '../rope.js';
import { expectAttended } from './attended.js';
import { ropeNames, type CcaRope, type CompressedConvAttentionOptions } from './options.js';
import { disposeHeads } from './heads.js';
import type { CcaHeadSizes } from './sizes.js';

/** Those of attention(). */
export type CcaStateAttention = Pick<CompressedConvAttentionOptions, 'window' | 'sinkTokens' | 'scale' | 'precision'>;

/** Options of a {@link CcaState}, the same for every token. */
export interface CcaStateOptions extends CcaStateAttention, Pick<CompressedConvAttentionOptions, 'tempMode'> {
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

const stateRopeNames: ReadonlySet<string> = new Set([...ropeNames].filter((name) => name !== 'positions'));

/** How the first token turns, copied and checked; undefined where nothing turns. */
export function readStateRope(rope: CcaStateOptions['rope'] = {}, d: number): NativeRopeDescription | undefined {
  if (rope === false) return undefined;
  const given = readFields('rope', rope, stateRopeNames, 'false or { theta, rotaryDim, … }');
  const description = describeRope(d, given);
  expectLengthless(given);
  const { shortFactors, longFactors } = description;
  return { ...description, shortFactors: [...shortFactors], longFactors: [...longFactors] };
}

/** The options that attention() gets in every call, copied and checked. */
export function readStateAttention(
  options: CcaStateOptions,
  b: number,
  { hQ, hKv, d }: CcaHeadSizes,
  { dtype, device }: { readonly dtype: FloatDType; readonly device: Device },
): CcaStateAttention {
  const given = only(options, ['window', 'sinkTokens', 'scale', 'precision']);
  if (given.window !== undefined) given.window = readWindow(given.window);
  const none = (h: number) => allocate(Object.freeze([b, 0, h, d]), dtype, device);
  const heads = { q: none(hQ), k: none(hKv), v: none(hKv) };
  try {
    expectAttended(heads, { causal: true, ...given });
  } finally {
    disposeHeads(heads);
  }
  return given;
}

/** Cached keys have turned already: their frequencies must not depend on how many tokens there will be. */
export function expectLengthless(rope: CcaRope): void {
  if (!isLengthless(rope))
    throw new AttentionError(
      'ERR_OPTION',
      `rope.scaling '${rope.scaling!.type}' needs currentLength in a state: keys that have turned do not turn again`,
    );
}

/** Whether frequencies are the same for any number of tokens. */
export function isLengthless({ scaling }: CcaRope = {}): boolean {
  if (scaling === undefined || (scaling.type !== 'dynamic-ntk' && scaling.type !== 'longrope')) return true;
  return scaling.currentLength !== undefined;
}
