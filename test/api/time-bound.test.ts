/** The least time of a call, from what it does and what a device reaches. */

import { timeBoundOf } from '../../lib/time-bound.js';

const ceilings = { f32Flops: 10, bf16Flops: 100, readBytes: 50 };
const attended = { flops: 500, bytes: 100, halfProducts: true };

test.each([
  ['float32', { ...attended, halfProducts: false }, 50, 'compute'],
  ['16 bits', attended, 5, 'compute'],
  ['reads more than it multiplies', { ...attended, bytes: 1000 }, 20, 'memory'],
  ['a prologue of float32', { ...attended, prologue: { flops: 300, halfProducts: false } }, 2 + 30, 'compute'],
  ['a prologue of 16 bits', { ...attended, prologue: { flops: 300, halfProducts: true } }, 5, 'compute'],
] as const)('%s', (_, work, seconds, limitedBy) => {
  expect(timeBoundOf(work, ceilings)).toEqual({ seconds, limitedBy });
});

test('a device without units for 16-bit floats multiplies them as float32', () => {
  expect(timeBoundOf(attended, { ...ceilings, bf16Flops: 0 }).seconds).toBe(50);
});
