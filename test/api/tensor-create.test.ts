/** How tensors are made, and what is refused. */

import { inspect } from 'node:util';
import { dtypes, Stream, Tensor, type DType, type TensorData } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const floats = ['float32', 'float16', 'bfloat16'] as const;

function detached(): Float32Array {
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** Four floats over a buffer that has since become too small for them. */
function shrunk(): Float32Array {
  const resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: object,
  ) => ArrayBuffer & { resize(to: number): void };
  const buffer = new resizable(16, { maxByteLength: 32 });
  const array = new Float32Array(buffer, 0, 4);
  buffer.resize(8);
  return array;
}

const like = (data: unknown, dims: unknown, type: unknown): TensorData => wrong({ data, dims, type });
const closed = new Stream();
closed.close();

badCalls('Tensor.from refuses', [
  ['nothing', () => Tensor.from(wrong(undefined)), 'ERR_ARGUMENT_TYPE', 'data must be numbers, a typed array'],
  ['a string', () => Tensor.from(wrong('12')), 'ERR_ARGUMENT_TYPE', "got '12'"],
  ['an ArrayBuffer', () => Tensor.from(wrong(new ArrayBuffer(8))), 'ERR_ARGUMENT_TYPE', 'data must be'],
  ['a DataView', () => Tensor.from(wrong(new DataView(new ArrayBuffer(8)))), 'ERR_ARGUMENT_TYPE', 'got a DataView'],
  ['nested arrays', () => Tensor.from(wrong([[1, 2]])), 'ERR_ARGUMENT_TYPE', /data\[0\].*nested arrays are not taken/],
  [
    'strings among numbers',
    () => Tensor.from(wrong([1, '2'])),
    'ERR_ARGUMENT_TYPE',
    "data[1] must be a number, got '2'",
  ],
  ['holes', () => Tensor.from(Array<number>(2)), 'ERR_ARGUMENT_TYPE', 'data[0] must be a number, got undefined'],
  ['booleans as floats', () => Tensor.from([true]), 'ERR_ARGUMENT_TYPE', 'data[0] must be a number, got true'],
  ['a Uint16Array without a dtype', () => Tensor.from(new Uint16Array(2)), 'ERR_DTYPE', 'dtype must be given'],
  ['a shape of another size', () => Tensor.from([1, 2, 3], [2]), 'ERR_SHAPE', 'shape [2] does not hold the 3 elements'],
  ['a shape that is no array', () => Tensor.from([1], wrong(1)), 'ERR_ARGUMENT_TYPE', 'shape must be an array'],
  ['a shape of negative sizes', () => Tensor.from([1], [-1, -1]), 'ERR_SHAPE', 'shape[0]'],
  [
    'a shape that overflows',
    () => Tensor.from([1], [2 ** 40, 2 ** 40]),
    'ERR_SHAPE',
    'more elements than can be addressed',
  ],
  [
    'an unknown dtype',
    () => Tensor.from([1], [1], { dtype: wrong('f32') }),
    'ERR_DTYPE',
    'dtype must be one of float32',
  ],
  ['a dtype of Object', () => Tensor.from([1], [1], { dtype: wrong('toString') }), 'ERR_DTYPE', "got 'toString'"],
  [
    'an unknown device',
    () => Tensor.from([1], [1], { device: 'gpu' }),
    'ERR_DEVICE',
    "device must be 'cpu' or 'cuda:N'",
  ],
  ['a device without a number', () => Tensor.from([1], [1], { device: 'cuda' }), 'ERR_DEVICE', "got 'cuda'"],
  ['a device that is no string', () => Tensor.from([1], [1], { device: wrong(0) }), 'ERR_ARGUMENT_TYPE', 'device'],
  ['an unknown option', () => Tensor.from([1], [1], wrong({ dType: 'int32' })), 'ERR_OPTION', "unknown option 'dType'"],
  ['options that are a dtype', () => Tensor.from([1], [1], wrong('int32')), 'ERR_ARGUMENT_TYPE', 'options must be'],
  ['a stream that is none', () => Tensor.from([1], [1], { stream: wrong({}) }), 'ERR_NOT_A_STREAM', 'stream'],
  ['a closed stream', () => Tensor.from([1], [1], { stream: closed }), 'ERR_STREAM_CLOSED', 'stream'],
  ['a detached buffer', () => Tensor.from(detached()), 'ERR_BOUNDS', 'data has lost its memory'],
  ['a detached buffer and a shape', () => Tensor.from(detached(), [4]), 'ERR_BOUNDS', 'data has lost its memory'],
  ['a buffer that shrank', () => Tensor.from(shrunk(), [4]), 'ERR_BOUNDS', 'data has lost its memory'],
  ['a value beyond int32', () => Tensor.from([0, 2 ** 31], [2], { dtype: 'int32' }), 'ERR_ARGUMENT_VALUE', '1'],
  ['a fraction as int32', () => Tensor.from([0.5], [1], { dtype: 'int32' }), 'ERR_ARGUMENT_VALUE', '0.5'],
  ['NaN as uint8', () => Tensor.from([NaN], [1], { dtype: 'uint8' }), 'ERR_ARGUMENT_VALUE', /nan/i],
  ['256 as uint8', () => Tensor.from([256], [1], { dtype: 'uint8' }), 'ERR_ARGUMENT_VALUE', '256'],
  ['2 as bool', () => Tensor.from([2], [1], { dtype: 'bool' }), 'ERR_ARGUMENT_VALUE', '2'],
  ['an int64 beyond int32', () => Tensor.from(BigInt64Array.of(1n << 40n)), 'ERR_ARGUMENT_VALUE', '0'],
  ['a TensorLike of an unknown type', () => Tensor.from(like([1], [1], 'string')), 'ERR_ARGUMENT_VALUE', 'data.type'],
  ['a TensorLike without an array', () => Tensor.from(like([1], [1], 'float32')), 'ERR_ARGUMENT_TYPE', 'data.data'],
  [
    'a TensorLike with another array than its type says',
    () => Tensor.from(like(new Float64Array(1), [1], 'float32')),
    'ERR_ARGUMENT_TYPE',
    "data.data must be a Float32Array for 'float32', got a Float64Array",
  ],
  [
    'a TensorLike of other dims',
    () => Tensor.from(like(new Float32Array(2), [3], 'float32')),
    'ERR_SHAPE',
    'data.dims [3]',
  ],
  [
    'a TensorLike with dims that are none',
    () => Tensor.from(like(new Float32Array(2), 2, 'float32')),
    'ERR_ARGUMENT_TYPE',
    'data.dims',
  ],
  [
    'a misspelt option beside a tensor',
    () => Tensor.from(Tensor.zeros([1]), [1], wrong({ dtyp: 'float16' })),
    'ERR_OPTION',
    "Tensor.from: unknown option 'dtyp'",
  ],
  ['a tensor and a shape of another size', () => Tensor.from(Tensor.zeros([4]), [3]), 'ERR_SHAPE', 'shape [3]'],
  [
    'floats of a tensor as integers',
    () => Tensor.from(Tensor.zeros([4]), [4], { dtype: 'int32' }),
    'ERR_DTYPE',
    'dtype',
  ],
]);

badCalls('the other makers refuse', [
  ['a shape that overflows', () => Tensor.empty([2 ** 30, 2 ** 30]), 'ERR_SHAPE', 'more elements than'],
  ['more than there is memory', () => Tensor.empty([2 ** 40]), 'ERR_OUT_OF_MEMORY', /\d/],
  ['nine axes', () => Tensor.zeros(Array<number>(9).fill(1)), 'ERR_SHAPE', 'shape has 9 axes'],
  ['a value of the wrong kind', () => Tensor.full([1], wrong('1')), 'ERR_ARGUMENT_TYPE', 'value must be a number'],
  ['a boolean value for floats', () => Tensor.full([1], true), 'ERR_ARGUMENT_TYPE', 'value'],
  [
    'a fraction for int32',
    () => Tensor.full([1], 0.5, { dtype: 'int32' }),
    'ERR_ARGUMENT_VALUE',
    'value must be an integer',
  ],
  ['-1 for uint8', () => Tensor.full([1], -1, { dtype: 'uint8' }), 'ERR_ARGUMENT_VALUE', 'from 0 to 255'],
  ['2 for bool', () => Tensor.full([1], 2, { dtype: 'bool' }), 'ERR_ARGUMENT_VALUE', 'from 0 to 1'],
  ['random integers', () => Tensor.randn([1], { dtype: 'int32' }), 'ERR_DTYPE', 'dtype must be float32'],
  ['a seed that is a fraction', () => Tensor.randn([1], { seed: 1.5 }), 'ERR_ARGUMENT_VALUE', 'seed'],
  ['a negative seed', () => Tensor.randn([1], { seed: -1 }), 'ERR_ARGUMENT_VALUE', 'seed must lie within'],
  ['a seed of 65 bits', () => Tensor.randn([1], { seed: 1n << 64n }), 'ERR_ARGUMENT_VALUE', 'seed must lie within'],
  ['a seed that is a string', () => Tensor.randn([1], { seed: wrong('1') }), 'ERR_ARGUMENT_TYPE', "bigint, got '1'"],
  ['a seed where nothing is random', () => Tensor.zeros([1], wrong({ seed: 1 })), 'ERR_OPTION', "'seed'"],
  ['the constructor', () => new (Tensor as unknown as new () => Tensor)(), 'ERR_ARGUMENT_TYPE', 'tensors are made by'],
]);

describe('Tensor.from copies', () => {
  test.each<[string, TensorData, DType, number[]]>([
    ['numbers', [1.5, -2], 'float32', [1.5, -2]],
    ['a Float64Array', Float64Array.of(1.5, -2), 'float32', [1.5, -2]],
    ['a Float32Array', Float32Array.of(1.5, NaN), 'float32', [1.5, NaN]],
    ['an Int8Array', Int8Array.of(-128, 127), 'int32', [-128, 127]],
    ['an Int16Array', Int16Array.of(-32768, 5), 'int32', [-32768, 5]],
    ['an Int32Array', Int32Array.of(-(2 ** 31), 2 ** 31 - 1), 'int32', [-(2 ** 31), 2 ** 31 - 1]],
    ['a Uint32Array', Uint32Array.of(2 ** 31 - 1, 0), 'int32', [2 ** 31 - 1, 0]],
    ['a BigInt64Array', BigInt64Array.of(-5n, 6n), 'int32', [-5, 6]],
    ['a BigUint64Array', BigUint64Array.of(5n, 6n), 'int32', [5, 6]],
    ['a Uint8Array', Uint8Array.of(0, 255), 'uint8', [0, 255]],
    ['a Uint8ClampedArray', Uint8ClampedArray.of(0, 255), 'uint8', [0, 255]],
    ['a part of a larger buffer', new Float32Array(Float32Array.of(9, 8, 7, 6).buffer, 4, 2), 'float32', [8, 7]],
    ['shared memory', new Int32Array(new SharedArrayBuffer(8)).fill(3), 'int32', [3, 3]],
  ])('%s', async (_, data, dtype, values) => {
    const tensor = Tensor.from(data);
    expect(tensor.dtype).toBe(dtype);
    expect(tensor.shape).toEqual([2]);
    expect(Array.from(await tensor.toArray())).toEqual(values);
  });

  test('a Float16Array, known by its own name', async () => {
    const { Float16Array: Native } = globalThis as { Float16Array?: new (values: number[]) => Float32Array };
    if (Native === undefined) return; // only newer Nodes have it
    const tensor = Tensor.from(new Native([1.5, -2]));
    expect(tensor.dtype).toBe('float16');
    expect(Array.from(await tensor.toArray())).toEqual([1.5, -2]);
  });

  test('booleans as bool', async () => {
    const tensor = Tensor.from([true, false, true], [3], { dtype: 'bool' });
    expect(await tensor.toArray()).toEqual(Uint8Array.of(1, 0, 1));
  });

  test('the values, before the call returns', async () => {
    const data = Float32Array.of(1, 2);
    const tensor = Tensor.from(data);
    data.fill(9);
    expect(Array.from(await tensor.toArray())).toEqual([1, 2]);
  });

  test('nothing, into a tensor without elements', async () => {
    const tensor = Tensor.from([], [0, 3]);
    expect(tensor.size).toBe(0);
    expect(await tensor.toArray()).toEqual(new Float32Array(0));
    expect(Tensor.from(new Float32Array(0)).shape).toEqual([0]);
  });

  test('one value into a tensor without axes', async () => {
    const tensor = Tensor.from([7], []);
    expect(tensor).toMatchObject({ rank: 0, size: 1, shape: [], strides: [] });
    expect(Array.from(await tensor.toArray())).toEqual([7]);
  });

  test('another tensor, with another shape, dtype and storage', async () => {
    const source = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]);
    const copy = Tensor.from(source.transpose(0, 1), [6], { dtype: 'bfloat16' });
    source.copyFrom(Tensor.zeros([2, 3]));
    expect(copy).toMatchObject({ shape: [6], dtype: 'bfloat16' });
    expect(Array.from(await copy.toArray())).toEqual([1, 4, 2, 5, 3, 6]);
  });

  test.each([
    ['float32', Float32Array.of(1.5), 'float32', 1.5],
    ['float16', Uint16Array.of(0x3e00), 'float16', 1.5],
    ['bfloat16', Uint16Array.of(0x3fc0), 'bfloat16', 1.5],
    ['int32', Int32Array.of(-3), 'int32', -3],
    ['int64', BigInt64Array.of(-3n), 'int32', -3],
    ['uint8', Uint8Array.of(200), 'uint8', 200],
    ['bool', Uint8Array.of(1), 'bool', 1],
  ])('a %s tensor of onnxruntime', async (type, data, dtype, value) => {
    const tensor = Tensor.from({ data, dims: [1, 1], type });
    expect(tensor).toMatchObject({ shape: [1, 1], dtype });
    expect((await tensor.toArray())[0]).toBe(value);
  });
});

describe('bits and values', () => {
  // 1, -2, the largest finite, the smallest above 0, -0, infinity.
  const bits = {
    float16: Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00),
    bfloat16: Uint16Array.of(0x3f80, 0xc000, 0x7f7f, 0x0001, 0x8000, 0x7f80),
  };
  test.each(['float16', 'bfloat16'] as const)('%s keeps its bits both ways', async (dtype) => {
    const tensor = Tensor.from(bits[dtype], [6], { dtype });
    expect(await tensor.toBits()).toEqual(bits[dtype]);
    const values = await tensor.toArray();
    expect(values).toBeInstanceOf(Float32Array);
    expect(Array.from(values.slice(0, 2))).toEqual([1, -2]);
    expect(values.slice(4)).toEqual(Float32Array.of(-0, Infinity));
    expect(await Tensor.from(values, [6], { dtype }).toBits()).toEqual(bits[dtype]);
  });

  test('a Uint16Array holds values for the other dtypes', async () => {
    expect(await Tensor.from(Uint16Array.of(3, 65535), [2], { dtype: 'float32' }).toArray()).toEqual(
      Float32Array.of(3, 65535),
    );
    expect(await Tensor.from(Uint16Array.of(3, 65535), [2], { dtype: 'int32' }).toArray()).toEqual(
      Int32Array.of(3, 65535),
    );
  });

  test.each<[DType, string, string, number]>([
    ['float32', 'Float32Array', 'Float32Array', 4],
    ['float16', 'Float32Array', 'Uint16Array', 2],
    ['bfloat16', 'Float32Array', 'Uint16Array', 2],
    ['int32', 'Int32Array', 'Int32Array', 4],
    ['uint8', 'Uint8Array', 'Uint8Array', 1],
    ['bool', 'Uint8Array', 'Uint8Array', 1],
  ])('%s is read as %s, its bits as %s', async (dtype, values, storage, bytes) => {
    const tensor = Tensor.zeros([3, 2], { dtype });
    expect((await tensor.toArray()).constructor.name).toBe(values);
    expect((await tensor.toBits()).constructor.name).toBe(storage);
    expect(tensor.byteLength).toBe(6 * bytes);
  });
});

describe('filled tensors', () => {
  test.each(dtypes)('zeros and full, %s', async (dtype) => {
    expect(Array.from(await Tensor.zeros([2, 2], { dtype }).toArray())).toEqual([0, 0, 0, 0]);
    expect(Array.from(await Tensor.full([3], 1, { dtype }).toArray())).toEqual([1, 1, 1]);
  });

  test('full of what is no number', async () => {
    expect(Array.from(await Tensor.full([2], NaN, { dtype: 'float16' }).toArray())).toEqual([NaN, NaN]);
    expect(Array.from(await Tensor.full([1], -Infinity).toArray())).toEqual([-Infinity]);
    expect(await Tensor.full([2], true, { dtype: 'bool' }).toArray()).toEqual(Uint8Array.of(1, 1));
  });

  test.each(floats)('random numbers follow from the seed, %s', async (dtype) => {
    const draw = async (seed?: number | bigint) =>
      await Tensor.randn([4000], { dtype, ...(seed !== undefined && { seed }) }).toArray();
    const values = await draw(5);
    expect(values).toEqual(await draw(5n));
    expect(values).not.toEqual(await draw(6));
    expect(await draw()).not.toEqual(await draw());
    // The mean of 4000 samples strays by 1/63 and their variance by 1/45 (standard deviations): five of each.
    const mean = values.reduce((sum, x) => sum + x, 0) / 4000;
    const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 4000;
    expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(4000));
    expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / 4000));
  });

  test('a tensor stands for the options that it is like', () => {
    const source = Tensor.zeros([2], { dtype: 'bfloat16' });
    expect(Tensor.empty([3, 4], source)).toMatchObject({ shape: [3, 4], dtype: 'bfloat16', device: 'cpu' });
  });
});

test('a printed tensor says what it is', () => {
  using tensor = Tensor.zeros([2, 3], { dtype: 'float16' });
  expect(inspect(tensor)).toBe('Tensor(float16 [2, 3] on cpu)');
  tensor.dispose();
  expect(inspect(tensor)).toBe('Tensor(float16 [2, 3] on cpu, disposed)');
});
