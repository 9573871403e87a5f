/** Element types: names, and which of them go where. */

import { dtypeFacts, dtypes, type DType } from '../dtype.js';
import { AttentionError, invalidRange, invalidType } from '../errors.js';
import { describe, expectChoice, expectNumber } from './options.js';

/** The name of a dtype. */
export function expectDType(name: string, dtype: unknown): asserts dtype is DType {
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypeFacts, dtype))
    throw invalidType('ERR_DTYPE', `${name} must be one of ${dtypes.join(', ')}, got ${describe(dtype)}`);
}

/** A dtype that `what` works on. */
export function expectFloat(name: string, dtype: DType): void {
  if (!dtypeFacts[dtype].isFloat)
    throw invalidType('ERR_DTYPE', `${name} must be float32, float16 or bfloat16, got ${dtype}`);
}

/** What products are taken in, where that is not the dtype of the tensors. */
export function expectPrecision(name: string, value: unknown, dtype: DType): void {
  expectChoice(name, value, { bfloat16: true });
  if (dtype !== 'float32')
    throw new AttentionError('ERR_OPTION', `${name} 'bfloat16' is for float32 tensors, these are ${dtype}`);
}

/** A number that a tensor of `dtype` can hold: floats round, integers do not. Booleans stand for 0 and 1. */
export function expectElement(name: string, value: unknown, dtype: DType): number {
  const number: unknown = typeof value === 'boolean' && dtype === 'bool' ? Number(value) : value;
  expectNumber(name, number);
  const { range } = dtypeFacts[dtype];
  if (range === undefined || (Number.isInteger(number) && number >= range[0] && number <= range[1])) return number;
  throw invalidRange(
    'ERR_ARGUMENT_VALUE',
    `${name} must be an integer from ${range[0]} to ${range[1]} for ${dtype}, got ${number}`,
  );
}
