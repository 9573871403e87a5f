/** Rounding to the storage formats, written from the IEEE 754 definition and nothing else. */

export type FloatDType = 'float32' | 'float16' | 'bfloat16';

interface Format {
  /** Stored bits of the significand. */
  fraction: number;
  /** Exponent of the smallest normal number. */
  minExponent: number;
  /** Largest finite value. */
  max: number;
}

const formats: Record<FloatDType, Format> = {
  float32: { fraction: 23, minExponent: -126, max: (2 - 2 ** -23) * 2 ** 127 },
  float16: { fraction: 10, minExponent: -14, max: (2 - 2 ** -10) * 2 ** 15 },
  bfloat16: { fraction: 7, minExponent: -126, max: (2 - 2 ** -7) * 2 ** 127 },
};

const { abs, max, sign } = Math; // globals are slow to reach inside Jest
const { isFinite } = Number;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const highWord = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0; // little-endian machines: second word

/** Largest e with 2^e <= |x|; a float64 subnormal counts as 2^-1023, which every format rounds to zero. */
function exponentOf(x: number): number {
  double[0] = x;
  return ((words[highWord]! >>> 20) & 0x7ff) - 1023;
}

/** Distance between neighbouring numbers of the format at `x`. */
export function ulp(x: number, dtype: FloatDType): number {
  const { fraction, minExponent } = formats[dtype];
  return 2 ** (max(exponentOf(x), minExponent) - fraction);
}

/** The nearest number of the format, ties to even, past the largest one infinity. */
export function roundOne(x: number, dtype: FloatDType): number {
  if (!isFinite(x) || x === 0) return x;
  const { max: largest } = formats[dtype];
  if (abs(x) >= 2 * largest) return sign(x) * Infinity;
  const step = ulp(x, dtype);
  // float64 itself rounds to even at a spacing of `step` while the sum lies between 2^52 and 2^53 steps.
  const anchor = 1.5 * 2 ** 52 * step;
  const rounded = x + anchor - anchor;
  if (abs(rounded) > largest) return sign(x) * Infinity;
  return rounded === 0 ? 0 * x : rounded; // keeps the sign of zero
}

/** Rounds every element. */
export function round(values: ArrayLike<number>, dtype: FloatDType): Float64Array {
  const result = new Float64Array(values.length);
  for (let i = 0; i < values.length; ++i) result[i] = roundOne(values[i]!, dtype);
  return result;
}
