/**
 * Element types of a tensor. The position in this list crosses the binding: `native/core/dtype.h` has the same.
 */
export const dtypes = Object.freeze(['float32', 'float16', 'bfloat16', 'int32', 'uint8', 'bool'] as const);

/** Element type of a tensor. */
export type DType = (typeof dtypes)[number];

/** Element types that attention computes with. */
export type FloatDType = 'float32' | 'float16' | 'bfloat16';

/** What `toArray()` gives of a tensor of this dtype: the values. */
export type TensorValues<D extends DType = DType> = D extends FloatDType
  ? Float32Array
  : D extends 'int32'
    ? Int32Array
    : Uint8Array;

/** What `toBits()` gives: the elements as they are stored. */
export type TensorBits<D extends DType = DType> = D extends 'float16' | 'bfloat16' ? Uint16Array : TensorValues<D>;

interface DTypeFacts {
  /** Number of the dtype in native code. */
  readonly index: number;
  /** Of one element. */
  readonly bytes: number;
  readonly isFloat: boolean;
  /** Name of the element type in the binding's `dataType`, for bits that are already of this dtype. */
  readonly bits: string;
  /** Holds the values; 16-bit floats are widened. */
  readonly values: new (buffer: ArrayBuffer) => TensorValues;
  /** Holds the storage as it is. */
  readonly storage: new (buffer: ArrayBuffer) => TensorBits;
  /** Integer dtypes: least and greatest value. */
  readonly range?: readonly [number, number];
}

/** @internal Everything that depends on a dtype. */
export const dtypeFacts: Readonly<Record<DType, DTypeFacts>> = Object.freeze({
  float32: { index: 0, bytes: 4, isFloat: true, bits: 'f32', values: Float32Array, storage: Float32Array },
  float16: { index: 1, bytes: 2, isFloat: true, bits: 'f16', values: Float32Array, storage: Uint16Array },
  bfloat16: { index: 2, bytes: 2, isFloat: true, bits: 'bf16', values: Float32Array, storage: Uint16Array },
  int32: {
    index: 3,
    bytes: 4,
    isFloat: false,
    bits: 'i32',
    values: Int32Array,
    storage: Int32Array,
    range: [-(2 ** 31), 2 ** 31 - 1],
  },
  uint8: { index: 4, bytes: 1, isFloat: false, bits: 'u8', values: Uint8Array, storage: Uint8Array, range: [0, 255] },
  bool: { index: 5, bytes: 1, isFloat: false, bits: 'u8', values: Uint8Array, storage: Uint8Array, range: [0, 1] },
});

/** @internal Whether elements of `from` can be stored as `to` by a copy: floats do not become integers. */
export function converts(from: DType, to: DType): boolean {
  return from === to || dtypeFacts[to].isFloat || (from === 'bool' && to === 'uint8');
}
