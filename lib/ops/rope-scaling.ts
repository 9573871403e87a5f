/** The `scaling` option of rope(): its forms, and each of them as native code takes it. */

import {
  describe,
  expectBoolean,
  expectChoice,
  expectFinite,
  expectInteger,
  expectPositive,
  readFields,
} from '../checks/options.js';
import { invalidRange, invalidType } from '../errors.js';
import type { NativeRopeDescription } from '../native-module.js';

/** `f / factor`. */
export interface LinearScaling {
  type: 'linear';
  /** Above 0. */
  factor: number;
}

/** A larger theta for sequences beyond the trained length. */
export interface DynamicNtkScaling {
  type: 'dynamic-ntk';
  /** At least 1. */
  factor: number;
  /** Trained length, in tokens. */
  originalMax: number;
  /** Length of the sequence. Default: the largest position, plus 1. */
  currentLength?: number;
}

/** Stretches long waves, keeps short ones, blends between. */
export interface Llama3Scaling {
  type: 'llama3';
  factor: number;
  /** Trained length, in tokens. */
  originalMax: number;
  /** Default 1. */
  lowFreqFactor?: number;
  /** Above `lowFreqFactor`. Default 4. */
  highFreqFactor?: number;
}

/** Blends stretched and kept frequencies by how often they turn over the trained length. */
export interface YarnScaling {
  type: 'yarn';
  /** New over trained length. */
  factor: number;
  /** Trained length, in tokens. */
  originalMax: number;
  /** Turns from which a frequency is kept. Default 32. */
  betaFast?: number;
  /** Turns up to which it is stretched. Default 1. */
  betaSlow?: number;
  /** Whether the borders between are whole pairs. Default true. */
  truncate?: boolean;
  /** Factor on cosine and sine. Default: `0.1 ln(factor) + 1`, or the ratio of two such with the mscales. */
  attentionFactor?: number;
  mscale?: number;
  mscaleAllDim?: number;
}

/** Divides each frequency by a factor of its own. */
export interface LongRopeScaling {
  type: 'longrope';
  /** Trained length, in tokens. */
  originalMax: number;
  /** New over trained length. */
  factor: number;
  /** Divisors up to the trained length, one per pair: `rotaryDim / 2`. */
  shortFactors: readonly number[];
  /** Divisors beyond it. */
  longFactors: readonly number[];
  /** Length of the sequence. Default: the largest position, plus 1. */
  currentLength?: number;
  /** Factor on cosine and sine. Default: `sqrt(1 + ln(factor) / ln(originalMax))`. */
  attentionFactor?: number;
}

/** Frequencies spread over the whole head, of which the first `rotaryDim / 2` turn. */
export interface ProportionalScaling {
  type: 'proportional';
  /** Default 1. */
  factor?: number;
}

/** How frequencies change for sequences longer than those trained on. */
export type RopeScaling =
  LinearScaling | DynamicNtkScaling | Llama3Scaling | YarnScaling | LongRopeScaling | ProportionalScaling;

type Field = (name: string, value: unknown, pairs: number) => void;
type ScalingFields = Pick<
  NativeRopeDescription,
  | 'scaling'
  | 'factor'
  | 'originalMax'
  | 'lowFreqFactor'
  | 'highFreqFactor'
  | 'betaFast'
  | 'betaSlow'
  | 'truncate'
  | 'attentionFactor'
  | 'mscale'
  | 'mscaleAllDim'
  | 'currentLength'
  | 'shortFactors'
  | 'longFactors'
>;

interface Form {
  /** Number of `RopeScaling` in `native/core/ops/rope.h`. */
  readonly index: number;
  readonly required: Readonly<Record<string, Field>>;
  readonly optional?: Readonly<Record<string, Field>>;
}

const tokens: Field = (name, value) => expectInteger(name, value, 1);
const divisors: Field = (name, value, pairs) => {
  if (!Array.isArray(value)) throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be an array, got ${describe(value)}`);
  if (value.length !== pairs)
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must have rotaryDim / 2 = ${pairs} entries, got ${value.length}`);
  value.forEach((each, index) => expectPositive(`${name}[${index}]`, each));
};
const flag: Field = (name, value) => void expectBoolean(name, value as boolean, true);
const nonNegative: Field = (name, value) => {
  expectFinite(name, value);
  if (value < 0) throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be at least 0, got ${value}`);
};
const positive: Field = expectPositive;

const forms: Readonly<Record<RopeScaling['type'], Form>> = Object.freeze({
  linear: { index: 1, required: { factor: positive } },
  'dynamic-ntk': {
    index: 2,
    required: { factor: positive, originalMax: tokens },
    optional: { currentLength: tokens },
  },
  llama3: {
    index: 3,
    required: { factor: positive, originalMax: tokens },
    optional: { lowFreqFactor: positive, highFreqFactor: positive },
  },
  yarn: {
    index: 4,
    required: { factor: positive, originalMax: tokens },
    optional: {
      betaFast: positive,
      betaSlow: positive,
      truncate: flag,
      attentionFactor: positive,
      mscale: nonNegative,
      mscaleAllDim: nonNegative,
    },
  },
  longrope: {
    index: 5,
    required: { factor: positive, originalMax: tokens, shortFactors: divisors, longFactors: divisors },
    optional: { currentLength: tokens, attentionFactor: positive },
  },
  proportional: { index: 6, required: {}, optional: { factor: positive } },
});

const noScaling: ScalingFields = Object.freeze({
  scaling: 0,
  factor: 1,
  originalMax: 0,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  betaFast: 32,
  betaSlow: 1,
  truncate: true,
  attentionFactor: 0,
  mscale: 0,
  mscaleAllDim: 0,
  currentLength: 0, // the largest position, plus 1: found when the work runs
  shortFactors: Object.freeze([]),
  longFactors: Object.freeze([]),
});

/** `pairs`: how many pairs turn. */
export function readScaling(scaling: RopeScaling | undefined, pairs: number): ScalingFields {
  if (scaling === undefined) return noScaling;
  if (typeof scaling !== 'object' || scaling === null || Array.isArray(scaling))
    throw invalidType('ERR_ARGUMENT_TYPE', `scaling must be an object with a type, got ${describe(scaling)}`);
  const { index, required, optional = {} } = expectChoice('scaling.type', scaling.type, forms);
  const names = new Set(['type', ...Object.keys(required), ...Object.keys(optional)]);
  const given = readFields('scaling', scaling, names) as unknown as Readonly<Record<string, unknown>>;
  const fields: Record<string, unknown> = { ...noScaling, scaling: index };
  const read = (name: string, check: Field): void => {
    check(`scaling.${name}`, given[name], pairs);
    fields[name] = given[name];
  };
  for (const [name, check] of Object.entries(required)) read(name, check);
  for (const [name, check] of Object.entries(optional)) if (given[name] !== undefined) read(name, check);
  return fields as unknown as ScalingFields;
}
