// Long because private state is reached only from within the body of its class; half of it is documentation.

import { expectElement, expectFloat } from './checks/dtypes.js';
import { describe } from './checks/options.js';
import { countElements, expectSizes, formatShape, sameShape } from './checks/shapes.js';
import { copyingDevice, type Device } from './device.js';
import { converts, dtypeFacts, type DType, type TensorBits, type TensorValues } from './dtype.js';
import { AttentionError, guarded, invalidRange, invalidType } from './errors.js';
import type { AbortHandle, TensorHandle } from './native-module.js';
import { native } from './native.js';
import { defaultStream, streamHandle, type Stream } from './stream.js';
import * as read from './tensor-options.js';
import type { CopyOptions, RandomOptions, TensorOptions } from './tensor-options.js';
import * as sharing from './sharing.js';
import type { DeviceMemoryOptions, SharedTensor } from './sharing.js';
import { readSource, type DTypeOf, type TensorData } from './tensor-source.js';
import { contiguousStrides, expanded, reshaped, sliced, transposed, type Geometry } from './views.js';
import { waitFor, type WaitOptions } from './waiting.js';

/** Lets this module make tensors, and nobody else. */
const own = Symbol('tensor');
let storages = 0;
const inspect = Symbol.for('nodejs.util.inspect.custom');

/** @internal */
export let isTensor: (value: unknown) => value is Tensor;
/** @internal The native tensor; throws ERR_DISPOSED. */
export let tensorHandle: (tensor: Tensor) => TensorHandle;
/** @internal A number that views of one storage share, and nothing else does. */
export let storageOf: (tensor: Tensor) => number;
/** @internal An uninitialised tensor of a frozen, checked shape. */
export let allocate: <D extends DType>(shape: readonly number[], dtype: D, device: Device) => Tensor<D>;

/**
 * An n-dimensional array (up to 8 axes) on a device: a view of a storage, with a size and a stride, in elements, for
 * each axis. Data never changes device unless asked to.
 *
 * Calls that fill a tensor queue the work and return at once; further work on the same stream may use it, and
 * {@link Tensor.toArray} waits for it. Dispose of tensors that are no longer needed (`using`, or `dispose()`), also
 * while work on them is in flight: garbage collection does it too, but late, since it does not see how large they are.
 *
 * The type parameter is the dtype, where it is known, and tells what {@link Tensor.toArray} gives.
 */
export class Tensor<D extends DType = DType> implements Disposable {
  #handle: TensorHandle | undefined;
  readonly #storage: number;
  readonly #dtype: D;
  readonly #device: Device;
  readonly #geometry: Geometry;
  readonly #size: number;

  static {
    isTensor = (value): value is Tensor => typeof value === 'object' && value !== null && #handle in value;
    tensorHandle = (tensor) => tensor.#live();
    storageOf = (tensor) => tensor.#storage;
    allocate = (shape, dtype, device) => {
      const size = countElements('shape', shape, dtypeFacts[dtype].bytes);
      const handle = guarded(() => native.tensorEmpty(device, dtypeFacts[dtype].index, shape));
      return new Tensor(own, handle, ++storages, dtype, device, contiguous(shape), size);
    };
  }

  private constructor(
    key: typeof own,
    handle: TensorHandle,
    storage: number,
    dtype: D,
    device: Device,
    geometry: Geometry,
    size: number,
  ) {
    if (key !== own)
      throw invalidType('ERR_ARGUMENT_TYPE', 'tensors are made by Tensor.from, empty, zeros, full and randn');
    this.#handle = handle;
    this.#storage = storage;
    this.#dtype = dtype;
    this.#device = device;
    this.#geometry = geometry;
    this.#size = size;
  }

  /**
   * A tensor that holds a copy of `data`, which is read during the call.
   *
   * | data | dtype by default |
   * | --- | --- |
   * | flat numbers, `Float32Array`, `Float64Array` | `'float32'` |
   * | `Float16Array` | `'float16'` |
   * | `Int8Array`, `Int16Array`, `Int32Array`, `Uint32Array`, `BigInt64Array`, `BigUint64Array` | `'int32'` |
   * | `Uint8Array`, `Uint8ClampedArray` | `'uint8'` |
   * | `Uint16Array` | none: `'float16'` and `'bfloat16'` take its elements as bits, other dtypes as values |
   * | `{ data, dims, type }` of onnxruntime | `type`; int64 becomes `'int32'` |
   * | a tensor | its own; copied on the stream |
   *
   * @param shape Default: `[data.length]`, `dims`, or that of the tensor.
   * @throws {TypeError} `ERR_ARGUMENT_TYPE`, `ERR_DTYPE`.
   * @throws {RangeError} `ERR_SHAPE`: another number of elements. `ERR_ARGUMENT_VALUE`: a value that an integer dtype
   *   cannot hold. `ERR_BOUNDS`: a detached buffer.
   */
  static from<D extends DType>(
    data: TensorData | Tensor,
    shape: readonly number[] | undefined,
    options: TensorOptions<D> & { dtype: D },
  ): Tensor<D>;
  static from<const Data extends TensorData | Tensor>(
    data: Data,
    shape?: readonly number[],
    options?: TensorOptions & { dtype?: undefined },
  ): Tensor<DTypeOf<Data>>;
  static from(data: TensorData | Tensor, shape?: readonly number[], options?: TensorOptions): Tensor;
  static from(data: TensorData | Tensor, shape?: readonly number[], options: TensorOptions = {}): Tensor {
    if (isTensor(data)) return copied('Tensor.from', 'data', data, options, shape);
    const given = read.readTensorOptions('Tensor.from', options);
    const { dtype, device, stream, abort } = read.place(given);
    const source = readSource(data, shape, given.dtype === undefined ? undefined : dtype);
    const { index } = dtypeFacts[source.dtype];
    const handle = guarded(() => native.tensorFrom(source.data, source.dataType, index, source.shape));
    const size = countElements('shape', source.shape);
    const here = new Tensor(own, handle, ++storages, source.dtype, 'cpu', contiguous(source.shape), size);
    if (device === 'cpu') return here;
    using staged = here;
    return queueCopy(staged, allocate(source.shape, source.dtype, device), stream, abort);
  }

  /** A tensor whose elements are not set: they must be written before they mean anything. */
  static empty<D extends DType = 'float32'>(shape: readonly number[], options: TensorOptions<D> = {}): Tensor<D> {
    const { dtype, device } = read.readPlacement('Tensor.empty', options);
    return allocate(expectSizes('shape', shape), dtype, device);
  }

  /**
   * A view of memory on a GPU that others own, such as a tensor of another library: row-major, of `shape`. The owner
   * keeps it until all work queued on it here is done, and finishes its own work on it before that is queued.
   *
   * @param address Of the first element, on `options.device`; aligned to an element.
   * @throws {RangeError} `ERR_ARGUMENT_VALUE`: no address of that device. `ERR_DEVICE`: the CPU has no device pointers.
   */
  static fromDevicePointer<D extends DType = 'float32'>(
    address: number | bigint,
    shape: readonly number[],
    options: DeviceMemoryOptions<D>,
  ): Tensor<D> {
    const { dtype, device } = sharing.readDeviceMemory('Tensor.fromDevicePointer', options);
    const sizes = expectSizes('shape', shape);
    const size = countElements('shape', sizes, dtypeFacts[dtype].bytes);
    const where = sharing.expectAddress('address', address, dtypeFacts[dtype].bytes);
    const handle = guarded(() => native.tensorFromPointer(device, where, dtypeFacts[dtype].index, sizes));
    return new Tensor(own, handle, ++storages, dtype, device, contiguous(sizes), size);
  }

  /**
   * A tensor like that of {@link Tensor.empty}, in memory that other processes of this machine can open
   * ({@link Tensor.share}). Making and giving back such memory may wait for the device: keep it.
   */
  static shareable<D extends DType = 'float32'>(shape: readonly number[], options: DeviceMemoryOptions<D>): Tensor<D> {
    const { dtype, device } = sharing.readDeviceMemory('Tensor.shareable', options);
    const sizes = expectSizes('shape', shape);
    const size = countElements('shape', sizes, dtypeFacts[dtype].bytes);
    const handle = guarded(() => native.tensorShareable(device, dtypeFacts[dtype].index, sizes));
    return new Tensor(own, handle, ++storages, dtype, device, contiguous(sizes), size);
  }

  /**
   * The tensor that another process has shared, on the same memory. That process keeps its own until this one is
   * disposed of, and each side waits for its work before the other goes on.
   *
   * @throws {RangeError} `ERR_ARGUMENT_VALUE`: the handle does not open.
   */
  static fromShared(shared: SharedTensor): Tensor {
    const { device, dtype, shape, handle: bytes } = sharing.readShared(shared);
    const size = countElements('shared.shape', shape, dtypeFacts[dtype].bytes);
    const handle = guarded(() => native.tensorOpenShared(device, bytes, dtypeFacts[dtype].index, shape));
    return new Tensor(own, handle, ++storages, dtype, device, contiguous(shape), size);
  }

  /** A tensor of zeros. */
  static zeros<D extends DType = 'float32'>(shape: readonly number[], options: TensorOptions<D> = {}): Tensor<D> {
    return fill('Tensor.zeros', shape, 0, options);
  }

  /**
   * A tensor whose elements are all `value`, rounded to the dtype; an integer dtype takes only values it can hold.
   *
   * @throws {RangeError} `ERR_ARGUMENT_VALUE`.
   */
  static full<D extends DType = 'float32'>(
    shape: readonly number[],
    value: number | boolean,
    options: TensorOptions<D> = {},
  ): Tensor<D> {
    return fill('Tensor.full', shape, value, options);
  }

  /**
   * Independent samples of the standard normal distribution, in a float dtype.
   *
   * @see Box and Muller, "A note on the generation of random normal deviates", 1958.
   */
  static randn<D extends DType = 'float32'>(shape: readonly number[], options: RandomOptions<D> = {}): Tensor<D> {
    const place = read.readRandomPlacement('Tensor.randn', options);
    const { dtype, device, stream = defaultStream(device), abort, seed } = place;
    expectFloat('dtype', dtype);
    const tensor = allocate(expectSizes('shape', shape), dtype, device);
    guarded(() => native.tensorRandn(streamHandle(stream), tensor.#live(), seed, abort));
    return tensor;
  }

  /** Size of each axis. */
  get shape(): readonly number[] {
    return checked(this).#geometry.shape;
  }

  /** Distance, in elements, between neighbours along each axis. */
  get strides(): readonly number[] {
    return checked(this).#geometry.strides;
  }

  /** Number of axes. */
  get rank(): number {
    return checked(this).#geometry.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return checked(this).#size;
  }

  /** Bytes of the elements that this view shows; its storage may be larger. */
  get byteLength(): number {
    return checked(this).#size * dtypeFacts[this.#dtype].bytes;
  }

  /** Element type. */
  get dtype(): D {
    return checked(this).#dtype;
  }

  /** Where it lies. */
  get device(): Device {
    return checked(this).#device;
  }

  /** Whether {@link dispose} has been called on this view. */
  get disposed(): boolean {
    return checked(this).#handle === undefined;
  }

  /**
   * Where the first element lies on a GPU, for other libraries. They wait for the work queued here first
   * (`await stream.synchronize()`), and this tensor is kept until theirs is done.
   *
   * @throws {RangeError} `ERR_DEVICE`: the tensor lies on the CPU.
   */
  get devicePointer(): bigint {
    sharing.expectGpu('devicePointer', checked(this).#device);
    return guarded(() => native.tensorPointer(this.#live()));
  }

  /**
   * What another process needs to open this tensor, which {@link Tensor.shareable} made: plain data, to be sent as it is.
   *
   * @throws {RangeError} `ERR_ARGUMENT_VALUE`: its memory cannot be shared. `ERR_LAYOUT`: a view of part of it.
   */
  share(): SharedTensor {
    sharing.expectGpu('share', checked(this).#device);
    const handle = guarded(() => native.tensorShare(this.#live()));
    return { device: this.#device, dtype: this.#dtype, shape: this.shape, handle: new Uint8Array(handle) };
  }

  /**
   * The same elements, in the same order, as another shape; one size may be -1. No copy.
   *
   * @throws {RangeError} `ERR_SHAPE`: another number of elements. `ERR_LAYOUT`: it would take a copy.
   */
  reshape(shape: readonly number[]): Tensor<D> {
    return checked(this).#view(reshaped(this.#geometry, shape));
  }

  /** Exchanges two axes (negative: from the end), or puts all in the given order. No copy. */
  transpose(order: readonly number[]): Tensor<D>;
  transpose(a: number, b: number): Tensor<D>;
  transpose(first: number | readonly number[], second?: number): Tensor<D> {
    return checked(this).#view(transposed(this.#geometry, first, second));
  }

  /**
   * Part of the tensor: `[start, end)` of each axis, null for all of it. No copy.
   *
   * @throws {RangeError} `ERR_BOUNDS`.
   */
  slice(ranges: readonly (readonly [start: number, end: number] | null)[]): Tensor<D> {
    return checked(this).#view(sliced(this.#geometry, ranges));
  }

  /** Repeats axes of size 1, and adds axes on the left, without a copy. What comes out cannot be written to. */
  expand(shape: readonly number[]): Tensor<D> {
    return checked(this).#view(expanded(this.#geometry, shape));
  }

  /**
   * A copy with a storage of its own, contiguous. Floats round to nearest even.
   *
   * @throws {TypeError} `ERR_DTYPE`: floats do not become integers.
   */
  to<To extends DType = D>(options: TensorOptions<To> = {}): Tensor<To> {
    return copied('to', 'the tensor', checked(this), options);
  }

  /**
   * Queues a copy of `source`, which has the same shape, into this tensor.
   *
   * @returns This tensor.
   * @throws {TypeError} `ERR_DTYPE`: floats do not become integers. {@link RangeError} `ERR_SHAPE`; `ERR_LAYOUT`:
   *   elements of this view overlap.
   */
  copyFrom(source: Tensor, options: CopyOptions = {}): this {
    checked(this).#live();
    if (!isTensor(source)) throw invalidType('ERR_NOT_A_TENSOR', `source must be a Tensor, got ${describe(source)}`);
    if (source.disposed) throw new AttentionError('ERR_DISPOSED', 'source has been disposed of');
    const { stream, abort } = read.readCopyOptions('copyFrom', options, copyingDevice(source.device, this.#device));
    if (!sameShape(source.shape, this.shape))
      throw invalidRange(
        'ERR_SHAPE',
        `source must have shape ${formatShape(this.shape)}, got ${formatShape(source.shape)}`,
      );
    if (!converts(source.dtype, this.#dtype))
      throw invalidType('ERR_DTYPE', `source must be ${this.#dtype} to be copied to it, got ${source.dtype}`);
    return queueCopy(source, this, stream, abort);
  }

  /**
   * Waits for the work that fills the tensor, and reads its values, row-major: a Float32Array for float dtypes, an
   * Int32Array for `'int32'`, a Uint8Array for `'uint8'` and `'bool'`.
   *
   * @throws The failure of the work that should have filled it, or `signal.reason`.
   */
  async toArray(options?: WaitOptions): Promise<TensorValues<D>> {
    checked(this);
    const buffer = await waitFor('toArray', options, () => native.tensorRead(this.#live(), true));
    return new dtypeFacts[this.#dtype].values(buffer) as TensorValues<D>;
  }

  /** The same without widening: the elements of 16-bit floats are the bits, in a Uint16Array. */
  async toBits(options?: WaitOptions): Promise<TensorBits<D>> {
    checked(this);
    const buffer = await waitFor('toBits', options, () => native.tensorRead(this.#live(), false));
    return new dtypeFacts[this.#dtype].storage(buffer) as TensorBits<D>;
  }

  /**
   * Gives up this view; using it afterwards throws `ERR_DISPOSED`. The storage goes with its last view and its last
   * queued work. Idempotent.
   */
  dispose(): void {
    const handle = checked(this).#handle;
    if (handle === undefined) return;
    this.#handle = undefined;
    native.tensorDispose(handle);
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal What console.log shows: the values would have to be waited for. */
  [inspect](): string {
    if (!isTensor(this)) return 'an object that inherits from Tensor';
    const state = this.#handle === undefined ? ', disposed' : '';
    return `Tensor(${this.#dtype} ${formatShape(this.shape)} on ${this.#device}${state})`;
  }

  #live(): TensorHandle {
    if (this.#handle === undefined) throw new AttentionError('ERR_DISPOSED', 'the tensor has been disposed of');
    return this.#handle;
  }

  #view(geometry: Geometry): Tensor<D> {
    const base = this.#live();
    const { shape, strides, offset } = geometry;
    const handle = guarded(() => native.tensorView(base, shape, strides, offset));
    const size = countElements('shape', shape, dtypeFacts[this.#dtype].bytes);
    return new Tensor(own, handle, this.#storage, this.#dtype, this.#device, geometry, size);
  }
}

function contiguous(shape: readonly number[]): Geometry {
  return { shape, strides: contiguousStrides(shape), offset: 0 };
}

/** The receiver of a public member: methods can be called on anything. */
function checked<T extends Tensor>(receiver: T): T {
  if (!isTensor(receiver))
    throw invalidType('ERR_NOT_A_TENSOR', `a member of Tensor was used on what is no Tensor: ${describe(receiver)}`);
  return receiver;
}

/** Queues the copy; its arguments have been checked. */
function queueCopy<Target extends Tensor>(
  source: Tensor,
  target: Target,
  stream: Stream = defaultStream(copyingDevice(source.device, target.device)),
  abort: AbortHandle | undefined,
): Target {
  guarded(() => native.tensorCopy(streamHandle(stream), tensorHandle(source), tensorHandle(target), abort));
  return target;
}

/** A contiguous copy of `source`; `what` names the call and `name` the tensor, in messages. */
function copied<From extends DType, D extends DType = From>(
  what: string,
  name: string,
  source: Tensor<From>,
  options: TensorOptions<D>,
  shape: readonly number[] = source.shape,
): Tensor<D> {
  const { dtype, device, stream, abort } = read.readPlacement(what, options, source.dtype, source.device);
  if (source.disposed) throw new AttentionError('ERR_DISPOSED', `${name} has been disposed of`);
  if (!converts(source.dtype, dtype))
    throw invalidType('ERR_DTYPE', `dtype must be a float or ${source.dtype} for a copy, got ${dtype}`);
  const target = expectSizes('shape', shape);
  if (countElements('shape', target) !== source.size)
    throw invalidRange(
      'ERR_SHAPE',
      `shape ${formatShape(target)} does not hold the ${source.size} elements of ${name}`,
    );
  const copy = queueCopy(source, allocate(source.shape, dtype, device), stream, abort);
  if (target === source.shape || sameShape(target, source.shape)) return copy;
  using contiguousCopy = copy;
  return contiguousCopy.reshape(target);
}

function fill<D extends DType>(
  what: string,
  shape: readonly number[],
  value: number | boolean,
  options: TensorOptions<D>,
): Tensor<D> {
  const { dtype, device, stream = defaultStream(device), abort } = read.readPlacement(what, options);
  const number = expectElement('value', value, dtype);
  const tensor = allocate(expectSizes('shape', shape), dtype, device);
  guarded(() => native.tensorFill(streamHandle(stream), tensorHandle(tensor), number, abort));
  return tensor;
}
