/** What `Tensor.from` accepts, and how each kind of it crosses the binding. */

import { describe, expectChoice } from './checks/options.js';
import { countElements, expectSizes, formatShape } from './checks/shapes.js';
import { dtypeFacts, type DType } from './dtype.js';
import { invalidRange, invalidType } from './errors.js';

/**
 * A tensor of onnxruntime, or anything of that form. Of float16 and bfloat16 `data` holds the bits. A `'string'` tensor,
 * whose `data` is an array, is none that can be taken, but the type of what a session returns does not say so.
 */
export interface TensorLike {
  readonly data: ArrayBufferView | readonly string[];
  readonly dims: readonly number[];
  readonly type: string;
}

/** Typed arrays; a Float16Array, which not every Node has, is one of them. */
export type TypedArray = ArrayBufferView & { readonly length: number };

/** Data that {@link Tensor.from} copies: flat numbers (for `'bool'` also booleans), a typed array, or a TensorLike. */
export type TensorData = readonly number[] | readonly boolean[] | TypedArray | TensorLike;

/** The dtype that {@link Tensor.from} gives data of this kind, where the type tells. */
export type DTypeOf<Data> = Data extends { readonly dtype: infer D extends DType }
  ? D
  : Data extends Float32Array | Float64Array | readonly number[]
    ? 'float32'
    : Data extends Int8Array | Int16Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array
      ? 'int32'
      : Data extends Uint8Array | Uint8ClampedArray
        ? 'uint8'
        : DType;

/** @internal Elements as the binding takes them. */
export interface TensorSource {
  readonly data: ArrayBufferView;
  /** Type of the elements in `data`: 'f64', 'bf16', … */
  readonly dataType: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

interface ArrayKind {
  readonly dataType: string;
  /** What a tensor of it has by default; absent: the caller has to say. */
  readonly dtype?: DType;
}

const arrayKinds: Readonly<Record<string, ArrayKind>> = Object.freeze({
  Float64Array: { dataType: 'f64', dtype: 'float32' },
  Float32Array: { dataType: 'f32', dtype: 'float32' },
  Float16Array: { dataType: 'f16', dtype: 'float16' },
  Int8Array: { dataType: 'i8', dtype: 'int32' },
  Int16Array: { dataType: 'i16', dtype: 'int32' },
  Int32Array: { dataType: 'i32', dtype: 'int32' },
  BigInt64Array: { dataType: 'i64', dtype: 'int32' },
  Uint8Array: { dataType: 'u8', dtype: 'uint8' },
  Uint8ClampedArray: { dataType: 'u8', dtype: 'uint8' },
  Uint16Array: { dataType: 'u16' },
  Uint32Array: { dataType: 'u32', dtype: 'int32' },
  BigUint64Array: { dataType: 'u64', dtype: 'int32' },
});

// The types of onnxruntime that have a counterpart here: kinds of array each may come in, what their elements are, and
// the dtype they become.
const likeTypes = Object.freeze({
  float32: { arrays: ['Float32Array'], dataType: 'f32', dtype: 'float32' },
  float16: { arrays: ['Uint16Array', 'Float16Array'], dataType: 'f16', dtype: 'float16' },
  bfloat16: { arrays: ['Uint16Array'], dataType: 'bf16', dtype: 'bfloat16' },
  int32: { arrays: ['Int32Array'], dataType: 'i32', dtype: 'int32' },
  int64: { arrays: ['BigInt64Array'], dataType: 'i64', dtype: 'int32' },
  uint8: { arrays: ['Uint8Array'], dataType: 'u8', dtype: 'uint8' },
  bool: { arrays: ['Uint8Array'], dataType: 'u8', dtype: 'bool' },
} as const);

/** @internal Reads `data`; `shape` and `dtype` are the caller's, where given. */
export function readSource(data: unknown, shape: unknown, dtype: DType | undefined): TensorSource {
  if (ArrayBuffer.isView(data)) return fromTypedArray(data, shape, dtype);
  if (Array.isArray(data)) return fromNumbers(data, shape, dtype ?? 'float32');
  if (typeof data === 'object' && data !== null && 'data' in data && 'dims' in data && 'type' in data)
    return fromLike(data as TensorLike, shape, dtype);
  throw invalidType(
    'ERR_ARGUMENT_TYPE',
    `data must be numbers, a typed array, { data, dims, type } or a Tensor, got ${describe(data)}`,
  );
}

function fromTypedArray(data: ArrayBufferView, shape: unknown, dtype: DType | undefined): TensorSource {
  const kind = kindOf('data', data);
  const { dataType, dtype: usual } = arrayKinds[kind]!;
  const target = dtype ?? usual;
  if (target === undefined)
    throw invalidType(
      'ERR_DTYPE',
      "dtype must be given for a Uint16Array: 'float16' or 'bfloat16' for bits, another one for values",
    );
  const areBits = kind === 'Uint16Array' && dtypeFacts[target].bytes === 2;
  return withShape(data, areBits ? dtypeFacts[target].bits : dataType, target, shape, undefined);
}

/** Flat numbers. Nested arrays are refused: their shape would have to be guessed. */
function fromNumbers(data: readonly unknown[], shape: unknown, dtype: DType): TensorSource {
  const expectElement = (value: unknown, index: number): number => {
    if (typeof value === 'number' || (typeof value === 'boolean' && dtype === 'bool')) return Number(value);
    const hint = Array.isArray(value) ? ': nested arrays are not taken, give flat data and a shape' : '';
    throw invalidType('ERR_ARGUMENT_TYPE', `data[${index}] must be a number, got ${describe(value)}${hint}`);
  };
  return withShape(Float64Array.from(data, expectElement), 'f64', dtype, shape, undefined);
}

function fromLike({ data, dims, type }: TensorLike, shape: unknown, dtype: DType | undefined): TensorSource {
  const { arrays, dataType, dtype: usual } = expectChoice('data.type', type, likeTypes);
  if (!ArrayBuffer.isView(data))
    throw invalidType('ERR_ARGUMENT_TYPE', `data.data must be a typed array, got ${describe(data)}`);
  const kind = kindOf('data.data', data);
  if (!(arrays as readonly string[]).includes(kind))
    throw invalidType('ERR_ARGUMENT_TYPE', `data.data must be a ${arrays.join(' or ')} for '${type}', got a ${kind}`);
  return withShape(data, dataType, dtype ?? usual, shape, expectSizes('data.dims', dims));
}

// Methods of typed arrays work on those of any realm, whatever their prototypes claim.
const typedArrays = Object.getPrototypeOf(Uint8Array.prototype) as object;
const nameGetter = Object.getOwnPropertyDescriptor(typedArrays, Symbol.toStringTag)!;

/** 'Float32Array' and so on; undefined for a DataView. */
function nameOf(data: ArrayBufferView): string | undefined {
  return nameGetter.get!.call(data) as string | undefined;
}

function kindOf(name: string, data: ArrayBufferView): string {
  const kind = nameOf(data);
  if (kind === undefined || !Object.hasOwn(arrayKinds, kind))
    throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be a typed array, got a ${kind ?? 'DataView'}`);
  return kind;
}

function withShape(
  data: ArrayBufferView,
  dataType: string,
  dtype: DType,
  given: unknown,
  dims: readonly number[] | undefined,
): TensorSource {
  const { length } = data as TypedArray;
  if (length === 0) expectAttached(data);
  const own = dims ?? Object.freeze([length]);
  const shape = given === undefined ? own : expectSizes('shape', given);
  for (const [name, sizes] of [['data.dims', own] as const, ['shape', shape] as const])
    if (countElements(name, sizes, dtypeFacts[dtype].bytes) !== length)
      throw invalidRange('ERR_SHAPE', `${name} ${formatShape(sizes)} does not hold the ${length} elements of data`);
  return { data: asBits(data), dataType, dtype, shape };
}

/** Methods of typed arrays throw where the memory is gone, while `length` just says 0. */
function expectAttached(data: ArrayBufferView): void {
  try {
    (Reflect.get(typedArrays, 'keys') as () => unknown).call(data);
  } catch {
    throw invalidRange('ERR_BOUNDS', 'data has lost its memory: its buffer is detached, or shrunk below the array');
  }
}

/** Node-API does not know how large the elements of a Float16Array are. */
function asBits(data: ArrayBufferView): ArrayBufferView {
  if (nameOf(data) !== 'Float16Array') return data;
  return new Uint16Array(data.buffer, data.byteOffset, (data as TypedArray).length);
}
