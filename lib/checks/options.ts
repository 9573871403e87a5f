/** Arguments that are no tensors: names of options, numbers, booleans, choices. */

import { AttentionError, invalidRange, invalidType } from '../errors.js';

/** How a value is named in a message: short, and never by running its code. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  switch (typeof value) {
    case 'string':
      return value.length > 40 ? `'${value.slice(0, 40)}…'` : `'${value}'`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    default:
      return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
  }
}

/** Names of options, for {@link readOptions}. */
export type OptionNames<Options> = ReadonlySet<string & keyof Options>;

/** `options` is an object and has known names only: a misspelt option must not be ignored. `what` names the call. */
export function expectKnown(what: string, options: object, names: ReadonlySet<string>): void {
  if (!isRecord(options))
    throw invalidType('ERR_ARGUMENT_TYPE', `${what}: options must be an object, got ${describe(options)}`);
  expectNames(what, options, names);
}

/**
 * A copy of `options`, checked as by {@link expectKnown}. Each option is read once, whether its property is enumerable
 * or a getter, so that what is checked afterwards is what is used.
 */
export function readOptions<Options extends object>(
  what: string,
  options: Options,
  names: ReadonlySet<string>,
): Options {
  expectKnown(what, options, names);
  return copyOf(options, names);
}

/** The same for an argument that is an object; `form` says which: `{ q, k }`. */
export function readFields<Fields extends object>(
  name: string,
  value: Fields,
  names: ReadonlySet<string>,
  form = `{ ${[...names].join(', ')} }`,
): Fields {
  if (!isRecord(value)) throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be ${form}, got ${describe(value)}`);
  expectNames(name, value, names);
  return copyOf(value, names);
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expectNames(what: string, given: object, names: ReadonlySet<string>): void {
  for (const name in given)
    if (!names.has(name))
      throw new AttentionError(
        'ERR_OPTION',
        `${what}: unknown option '${name}'; known are ${[...names].join(', ') || 'none'}`,
      );
}

function copyOf<Given extends object>(given: Given, names: ReadonlySet<string>): Given {
  const read: Record<string, unknown> = {};
  for (const name of names) {
    const value = (given as Record<string, unknown>)[name];
    if (value !== undefined) read[name] = value;
  }
  return read as Given;
}

/** Those of the options that are there. */
export function only<Options extends object, Name extends keyof Options>(
  options: Options,
  names: readonly Name[],
): Pick<Options, Name> {
  return Object.fromEntries(
    names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  ) as Pick<Options, Name>;
}

/** A boolean, or `otherwise` where the option is absent. */
export function expectBoolean(name: string, value: boolean | undefined, otherwise: boolean): boolean {
  if (value === undefined) return otherwise;
  if (typeof value !== 'boolean')
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be a boolean, got ${describe(value)}`);
  return value;
}

/** A number, NaN and infinities included. */
export function expectNumber(name: string, value: unknown): asserts value is number {
  if (typeof value !== 'number')
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be a number, got ${describe(value)}`);
}

/** A finite number. */
export function expectFinite(name: string, value: unknown): asserts value is number {
  expectNumber(name, value);
  if (!Number.isFinite(value))
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be a finite number, got ${value}`);
}

/** A number that is finite in float32, in which kernels compute. */
export function expectFinite32(name: string, value: unknown): asserts value is number {
  expectFinite(name, value);
  if (!Number.isFinite(Math.fround(value)))
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be finite in float32, at most 3.4e38, got ${value}`);
}

/** A number above 0 that is so, and finite, in float32. */
export function expectPositive32(name: string, value: unknown): asserts value is number {
  expectPositive(name, value);
  const rounded = Math.fround(value);
  if (!(rounded > 0 && rounded < Infinity))
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must lie within 1.5e-45 to 3.4e38, as float32, got ${value}`);
}

/** A finite number above 0. */
export function expectPositive(name: string, value: unknown): asserts value is number {
  expectNumber(name, value);
  if (!(value > 0 && value < Infinity))
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be a finite number above 0, got ${value}`);
}

/** A safe integer within `least` and `most`, both included. */
export function expectInteger(
  name: string,
  value: unknown,
  least = Number.MIN_SAFE_INTEGER,
  most = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  expectNumber(name, value);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const from = least === Number.MIN_SAFE_INTEGER ? '' : ` of at least ${least}`;
  const to = most === Number.MAX_SAFE_INTEGER ? '' : `${from === '' ? ' of' : ' and'} at most ${most}`;
  throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be an integer${from}${to}, got ${value}`);
}

/** One of a few names; answers with what `table` holds for it. */
export function expectChoice<Name extends string, Value>(
  name: string,
  value: unknown,
  table: Readonly<Record<Name, Value>>,
): Value {
  if (typeof value !== 'string')
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be a string, got ${describe(value)}`);
  if (!Object.hasOwn(table, value)) {
    const names = Object.keys(table).map((each) => `'${each}'`);
    throw invalidRange('ERR_ARGUMENT_VALUE', `${name} must be ${names.join(' or ')}, got ${describe(value)}`);
  }
  return table[value as Name];
}
