import { round, roundOne, ulp } from './round.js';

test('float32 agrees with the language over ordinary, subnormal, huge and special values', () => {
  const values = [0, -0, 1, -1, 0.1, 1 / 3, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 2 ** -149, 2 ** -150, 3 * 2 ** -150];
  values.push(2 ** -127, 3.4e38, 3.5e38, -3.5e38, 1e-46, Infinity, -Infinity, NaN, Number.MIN_VALUE, Number.MAX_VALUE);
  for (let n = 0; n < 2000; ++n) values.push(Math.sin(n) * 2 ** ((n % 300) - 150));
  expect(Array.from(round(values, 'float32'))).toEqual(values.map(Math.fround));
});

test.each([
  ['float16', 1 + 2 ** -11, 1, 'a tie goes to the even neighbour below'],
  ['float16', 1 + 3 * 2 ** -11, 1 + 2 ** -9, 'a tie goes to the even neighbour above'],
  ['float16', 65519, 65504, 'just under the overflow threshold'],
  ['float16', 65520, Infinity, 'the overflow threshold itself'],
  ['float16', 2 ** -25, 0, 'half the smallest subnormal'],
  ['float16', 3 * 2 ** -26, 2 ** -24, 'three quarters of the smallest subnormal'],
  ['bfloat16', 1 + 2 ** -8, 1, 'a tie goes to the even neighbour below'],
  ['bfloat16', 1 + 3 * 2 ** -8, 1 + 2 ** -6, 'a tie goes to the even neighbour above'],
  ['bfloat16', 3.4e38, Infinity, 'float32 reaches further than bfloat16'],
  ['bfloat16', 2 ** -133, 2 ** -133, 'the smallest subnormal'],
] as const)('%s: %d becomes %d: %s', (dtype, x, expected, _reason) => {
  expect(roundOne(x, dtype)).toBe(expected);
  expect(roundOne(-x, dtype)).toBe(-expected);
});

test('ulp is the distance to the next number', () => {
  expect(ulp(1, 'float32')).toBe(2 ** -23);
  expect(ulp(-1.99, 'float16')).toBe(2 ** -10);
  expect(ulp(4, 'bfloat16')).toBe(2 ** -5);
  expect(ulp(0, 'float16')).toBe(2 ** -24);
});
