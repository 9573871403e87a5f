/** The pure functions of lib/checks. */

import {
  describe as describeValue,
  expectBoolean,
  expectChoice,
  expectFinite,
  expectInteger,
  expectFinite32,
  expectPositive,
  expectPositive32,
  readFields,
  readOptions,
} from '../../lib/checks/options.js';
import { broadcasts, countElements, expectSizes, formatShape, sameShape } from '../../lib/checks/shapes.js';
import { badCalls, wrong } from '../support/expect-error.js';

const table = { red: 1, green: 2 };
const names = new Set(['causal', 'scale']);

badCalls('checks of options refuse', [
  ['options that are no object', () => readOptions('f', wrong(3), names), 'ERR_ARGUMENT_TYPE', 'f: options must be'],
  ['options that are null', () => readOptions('f', wrong(null), names), 'ERR_ARGUMENT_TYPE', 'got null'],
  ['options that are an array', () => readOptions('f', [1, 2], names), 'ERR_ARGUMENT_TYPE', 'an array of 2'],
  [
    'a misspelt option, with the list of known ones',
    () => readOptions('f', { casual: true }, names),
    'ERR_OPTION',
    "f: unknown option 'casual'; known are causal, scale",
  ],
  [
    'a misspelt option that is undefined',
    () => readOptions('f', { casual: undefined }, names),
    'ERR_OPTION',
    "'casual'",
  ],
  [
    'an inherited unknown option',
    () => readOptions('f', Object.create({ odd: 1 }) as object, names),
    'ERR_OPTION',
    "'odd'",
  ],
  [
    'a field that is no object, by its form',
    () => readFields('window', wrong([]), names),
    'ERR_ARGUMENT_TYPE',
    'window must be { causal, scale }, got an array of 0',
  ],
  ['1e308, infinite as float32', () => expectFinite32('scale', 1e308), 'ERR_ARGUMENT_VALUE', 'scale must be finite in'],
  ['1e-300, zero as float32', () => expectPositive32('cap', 1e-300), 'ERR_ARGUMENT_VALUE', 'cap must lie within'],
  ['a boolean that is a number', () => expectBoolean('causal', wrong(1), false), 'ERR_ARGUMENT_TYPE', 'causal must be'],
  ['a boolean that is null', () => expectBoolean('causal', wrong(null), false), 'ERR_ARGUMENT_TYPE', 'got null'],
  [
    'a number that is a string',
    () => expectFinite('scale', '1'),
    'ERR_ARGUMENT_TYPE',
    "scale must be a number, got '1'",
  ],
  ['NaN', () => expectFinite('scale', NaN), 'ERR_ARGUMENT_VALUE', 'scale must be a finite number, got NaN'],
  ['infinity', () => expectFinite('scale', -Infinity), 'ERR_ARGUMENT_VALUE', 'got -Infinity'],
  [
    '0 where more is asked',
    () => expectPositive('theta', 0),
    'ERR_ARGUMENT_VALUE',
    'theta must be a finite number above 0',
  ],
  ['NaN where more is asked', () => expectPositive('theta', NaN), 'ERR_ARGUMENT_VALUE', 'got NaN'],
  ['a fraction', () => expectInteger('n', 1.5), 'ERR_ARGUMENT_VALUE', 'n must be an integer, got 1.5'],
  ['an integer beyond 2^53', () => expectInteger('n', 2 ** 53), 'ERR_ARGUMENT_VALUE', 'n must be an integer'],
  ['a bigint', () => expectInteger('n', 3n), 'ERR_ARGUMENT_TYPE', 'got 3n'],
  ['too little', () => expectInteger('n', 0, 1), 'ERR_ARGUMENT_VALUE', 'an integer of at least 1, got 0'],
  ['too much', () => expectInteger('n', 9, 1, 8), 'ERR_ARGUMENT_VALUE', 'of at least 1 and at most 8, got 9'],
  ['an unknown choice', () => expectChoice('c', 'blue', table), 'ERR_ARGUMENT_VALUE', "'red' or 'green', got 'blue'"],
  ['an inherited choice', () => expectChoice('c', 'toString', table), 'ERR_ARGUMENT_VALUE', "got 'toString'"],
  ['a choice that is no string', () => expectChoice('c', 1, table), 'ERR_ARGUMENT_TYPE', 'c must be a string'],
]);

badCalls('checks of shapes refuse', [
  ['a number', () => expectSizes('shape', 3), 'ERR_ARGUMENT_TYPE', 'shape must be an array of sizes, got 3'],
  ['a typed array', () => expectSizes('shape', Int32Array.of(2)), 'ERR_ARGUMENT_TYPE', 'shape must be an array'],
  ['nine axes', () => expectSizes('shape', Array(9).fill(1)), 'ERR_SHAPE', 'shape has 9 axes'],
  [
    'a negative size',
    () => expectSizes('shape', [2, -1]),
    'ERR_SHAPE',
    'shape[1] must be an integer of at least 0, got -1',
  ],
  ['a fraction', () => expectSizes('shape', [0.5]), 'ERR_SHAPE', 'shape[0]'],
  ['NaN', () => expectSizes('shape', [NaN]), 'ERR_SHAPE', 'got NaN'],
  ['a hole', () => expectSizes('shape', Array(2)), 'ERR_ARGUMENT_TYPE', 'shape[0] must be a number, got undefined'],
  ['a string', () => expectSizes('shape', ['2']), 'ERR_ARGUMENT_TYPE', "got '2'"],
  ['a size beyond 2^53', () => expectSizes('shape', [2 ** 53]), 'ERR_SHAPE', 'shape[0]'],
  ['a product beyond 2^53', () => countElements('shape', [2 ** 27, 2 ** 27]), 'ERR_SHAPE', 'more elements than'],
  ['bytes beyond 2^53', () => countElements('shape', [2 ** 26, 2 ** 26], 4), 'ERR_SHAPE', 'more elements than'],
  [
    'a product beyond 2^53 behind a zero',
    () => countElements('shape', [0, 2 ** 40, 2 ** 40]),
    'ERR_SHAPE',
    'more elements than',
  ],
]);

describe('checks accept', () => {
  test('options behind getters and hidden properties, each read once', () => {
    let reads = 0;
    const options = Object.create(
      {},
      { causal: { get: () => ++reads }, scale: { value: 3, enumerable: false } },
    ) as object;
    expect(readOptions('f', options, names)).toEqual({ causal: 1, scale: 3 });
    expect(reads).toBe(1);
  });

  test('known options, and none', () => {
    expect(() => readOptions('f', { causal: true }, names)).not.toThrow();
    expect(() => readOptions('f', {}, names)).not.toThrow();
    expect(expectBoolean('causal', undefined, true)).toBe(true);
    expect(expectBoolean('causal', false, true)).toBe(false);
    expect(expectChoice('c', 'green', table)).toBe(2);
  });

  test('sizes, of which they make a frozen copy', () => {
    const given = [2, 0, 3];
    const sizes = expectSizes('shape', given);
    given[0] = 7;
    expect(sizes).toEqual([2, 0, 3]);
    expect(Object.isFrozen(sizes)).toBe(true);
    expect(expectSizes('shape', [])).toEqual([]);
  });

  test('each element of a shape is read once', () => {
    let reads = 0;
    const shape = new Proxy([4], { get: (of, key): unknown => (key === '0' ? 4 + reads++ : Reflect.get(of, key)) });
    expect(expectSizes('shape', shape)).toEqual([4]);
    expect(reads).toBe(1);
  });

  test('minus zero is zero', () => expect(expectSizes('shape', [-0])).toEqual([0]));
});

test('counting elements', () => {
  expect(countElements('shape', [])).toBe(1);
  expect(countElements('shape', [2, 3, 4], 4)).toBe(24);
  expect(countElements('shape', [2, 0, 4])).toBe(0);
});

test.each([
  [[], [2, 3], true],
  [[3], [2, 3], true],
  [[1, 3], [2, 3], true],
  [[2, 1], [2, 3], true],
  [[2], [2, 3], false],
  [[1, 2, 3], [2, 3], false],
  [[2, 3], [2, 0], false],
  [[2, 1], [2, 0], true],
])('%j broadcasts to %j: %s', (shape, target, answer) => expect(broadcasts(shape, target)).toBe(answer));

test('shapes are compared and printed', () => {
  expect(sameShape([2, 3], [2, 3])).toBe(true);
  expect(sameShape([2, 3], [2, 3, 1])).toBe(false);
  expect(sameShape([2, 3], [3, 2])).toBe(false);
  expect(formatShape(['b', 2])).toBe('[b, 2]');
});

test.each([
  [null, 'null'],
  [undefined, 'undefined'],
  ['x'.repeat(99), `'${'x'.repeat(40)}…'`],
  [Symbol('s'), 'a symbol'],
  [() => 1, 'a function'],
  [[1, 2], 'an array of 2'],
  [{ toString: () => fail() }, 'an object'],
])('a value in a message runs none of its code: %#', (value, text) => expect(describeValue(value)).toBe(text));

function fail(): never {
  throw new Error('code of the value was run');
}
