/** The judge itself: it passes an honest kernel and fails the errors it is there for. */

import { attentionOracle, type AttentionShape } from '../oracle/attention.js';
import { round, type FloatDType } from '../oracle/round.js';
import { assertSameBits, assertWithin, roundingBudget } from './compare.js';
import { normal } from './random.js';

const shape: AttentionShape = { b: 1, sQ: 40, sKv: 300, hQ: 2, hK: 1, hV: 1, d: 16, dV: 16 };
const q = normal([1, 40, 2, 16], 1);
const k = normal([1, 300, 1, 16], 2);
const v = normal([1, 300, 1, 16], 3);

describe.each(['float32', 'float16', 'bfloat16'] as const)('a result in %s', (dtype: FloatDType) => {
  const inputs = [round(q, dtype), round(k, dtype), round(v, dtype)] as const;
  const exact = attentionOracle(...inputs, shape);
  const plain = attentionOracle(...inputs, shape, { roundTo: dtype });
  const budget = roundingBudget(dtype, exact.out, plain.out);
  const honest = round(exact.out, dtype);
  const spoil = (at: number, value: number) => honest.map((x, n) => (n === at ? value : x));

  test('passes when it is the exact one, rounded', () => assertWithin(honest, exact.out, budget));
  test('passes when it is the naive one', () => assertWithin(plain.out, exact.out, budget));

  test('fails with one element off', () => {
    expect(() => assertWithin(spoil(100, honest[100]! + 1.1 * budget.max), exact.out, budget)).toThrow(
      /\[100\].*off by/,
    );
  });
  test('fails with one element that is not a number, or is one where none belongs', () => {
    expect(() => assertWithin(spoil(7, NaN), exact.out, budget)).toThrow('[7] is NaN');
    const expected = exact.out.map((x, n) => (n === 7 ? NaN : x));
    expect(() => assertWithin(honest, expected, budget)).toThrow('expected NaN');
    expect(() => assertWithin(spoil(7, Infinity), exact.out, budget)).toThrow('[7] is Infinity');
  });
  test('fails when every element is off a little', () => {
    const drifted = exact.out.map((x) => x + 1.01 * budget.rms);
    expect(() => assertWithin(drifted, exact.out, budget)).toThrow('root mean square');
  });
  test('fails with one element missing', () => {
    expect(() => assertWithin(honest.slice(1), exact.out, budget)).toThrow('1279 elements');
  });
  test('one lost key of 300 shows in lse', () => {
    const mask = { shape: [300], data: Array.from({ length: 300 }, (_, j) => Number(j !== 150)) };
    const lost = attentionOracle(...inputs, shape, { mask });
    const lse = roundingBudget('float32', exact.lse, plain.lse);
    assertWithin(plain.lse, exact.lse, lse, 'lse');
    expect(() => assertWithin(lost.lse, exact.lse, lse, 'lse')).toThrow('lse');
  });
});

test('the same bits are the same bits: the sign of zero counts', () => {
  assertSameBits([0, NaN, 1], [0, NaN, 1]);
  expect(() => assertSameBits([0], [-0])).toThrow('[0]');
});
