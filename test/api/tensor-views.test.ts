/** Views of one storage: shapes, strides, what they show, and what is refused. */

import { memoryUsage, Tensor } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const counted = (...shape: number[]) => {
  const size = shape.reduce((product, n) => product * n, 1);
  return Tensor.from(
    Float32Array.from({ length: size }, (_, n) => n),
    shape,
  );
};
const valuesOf = async (tensor: Tensor) => Array.from(await tensor.toArray());
const base = counted(2, 3, 4);

badCalls('views refuse', [
  ['reshape: another size', () => base.reshape([5, 5]), 'ERR_SHAPE', 'shape [5, 5] does not hold the 24 elements'],
  ['reshape: two unknown sizes', () => base.reshape([-1, -1]), 'ERR_SHAPE', 'more than one -1'],
  ['reshape: no size fits', () => base.reshape([-1, 7]), 'ERR_SHAPE', 'no size for -1 in [-1, 7]'],
  ['reshape: an unknown size beside 0', () => counted(0).reshape([-1, 0]), 'ERR_SHAPE', 'no size for -1'],
  ['reshape: -2', () => base.reshape([-2, 12]), 'ERR_SHAPE', 'shape[0]'],
  ['reshape: no array', () => base.reshape(wrong(24)), 'ERR_ARGUMENT_TYPE', 'shape must be an array'],
  ['reshape: elements would move', () => base.transpose(0, 1).reshape([24]), 'ERR_LAYOUT', 'without a copy'],
  ['reshape: a repeated axis', () => counted(1, 3).expand([2, 3]).reshape([6]), 'ERR_LAYOUT', 'without a copy'],
  [
    'transpose: an axis beyond',
    () => base.transpose(0, 3),
    'ERR_BOUNDS',
    'b must be an axis of a tensor of rank 3, got 3',
  ],
  ['transpose: an axis before', () => base.transpose(-4, 0), 'ERR_BOUNDS', 'a must be an axis'],
  [
    'transpose: one axis',
    () => base.transpose(...(wrong([0] as never) as [number, number])),
    'ERR_ARGUMENT_TYPE',
    'b must be',
  ],
  ['transpose: a fraction', () => base.transpose(0.5, 1), 'ERR_ARGUMENT_VALUE', 'a must be an integer'],
  ['transpose: an order too short', () => base.transpose([0, 1]), 'ERR_SHAPE', 'each of the 3 axes once'],
  ['transpose: an axis twice', () => base.transpose([0, 1, 1]), 'ERR_SHAPE', 'each of the 3 axes once'],
  ['transpose: a string in the order', () => base.transpose(wrong(['0', 1, 2])), 'ERR_ARGUMENT_TYPE', 'order[0]'],
  ['slice: an end beyond', () => base.slice([[0, 3]]), 'ERR_BOUNDS', 'ranges[0] must lie within 0 to 2, got [0, 3]'],
  ['slice: a negative start', () => base.slice([[-1, 2]]), 'ERR_BOUNDS', 'ranges[0]'],
  ['slice: an end before the start', () => base.slice([[2, 1]]), 'ERR_BOUNDS', 'ranges[0]'],
  ['slice: a fraction', () => base.slice([null, [0, 1.5]]), 'ERR_ARGUMENT_VALUE', 'ranges[1][1]'],
  ['slice: a number', () => base.slice(wrong([1])), 'ERR_ARGUMENT_TYPE', 'ranges[0] must be [start, end] or null'],
  ['slice: three numbers', () => base.slice(wrong([[0, 1, 2]])), 'ERR_ARGUMENT_TYPE', 'ranges[0]'],
  ['slice: more axes than there are', () => base.slice([null, null, null, null]), 'ERR_SHAPE', '4 entries for 3 axes'],
  ['slice: no array', () => base.slice(wrong(0)), 'ERR_ARGUMENT_TYPE', 'ranges must be an array'],
  ['expand: an axis that is not 1', () => base.expand([4, 3, 4]), 'ERR_SHAPE', 'does not broadcast to shape [4, 3, 4]'],
  ['expand: fewer axes', () => base.expand([3, 4]), 'ERR_SHAPE', 'does not broadcast'],
  ['expand: a size that overflows', () => counted(1).expand([2 ** 30, 2 ** 30]), 'ERR_SHAPE', 'more elements than'],
]);

describe('reshape', () => {
  test.each<[string, Tensor, number[], number[], number[]]>([
    ['of a whole tensor', base, [4, 6], [4, 6], [6, 1]],
    ['infers a size', base, [3, -1, 2], [3, 4, 2], [8, 2, 1]],
    ['to no axes', counted(1, 1), [], [], []],
    ['adds axes of size 1', counted(2, 3), [1, 2, 1, 3, 1], [1, 2, 1, 3, 1], [6, 3, 3, 1, 1]],
    ['divides an axis of a transposed tensor', base.transpose(0, 2), [2, 2, 3, 2], [2, 2, 3, 2], [2, 1, 4, 12]],
    ['joins axes that lie in a row', base.transpose([2, 0, 1]), [4, 6], [4, 6], [1, 4]],
    ['keeps a repeated axis', counted(3, 1).expand([3, 5]).reshape([1, 3, 5]), [3, 5], [3, 5], [1, 0]],
    ['of a slice', base.slice([null, [1, 3], null]), [2, 8], [2, 8], [12, 1]],
    ['of nothing', counted(0, 3), [6, 0], [6, 0], [1, 1]],
  ])('%s', async (_, tensor, wanted, shape, strides) => {
    const view = tensor.reshape(wanted);
    expect(view).toMatchObject({ shape, strides: tensor.size === 0 ? view.strides : strides, size: tensor.size });
    expect(await valuesOf(view)).toEqual(await valuesOf(tensor));
  });
});

test('transpose exchanges axes, also counted from the end', async () => {
  const view = counted(2, 3).transpose(0, -1);
  expect(view).toMatchObject({ shape: [3, 2], strides: [1, 3], rank: 2 });
  expect(await valuesOf(view)).toEqual([0, 3, 1, 4, 2, 5]);
  expect(base.transpose([2, -3, 1])).toMatchObject({ shape: [4, 2, 3], strides: [1, 12, 4] });
});

test('slice shows a part', async () => {
  const view = base.slice([[1, 2], null, [1, 3]]);
  expect(view).toMatchObject({ shape: [1, 3, 2], strides: [12, 4, 1], size: 6, byteLength: 24 });
  expect(await valuesOf(view)).toEqual([13, 14, 17, 18, 21, 22]);
  expect(await valuesOf(view.slice([null, [2, 3]]))).toEqual([21, 22]);
  expect(await valuesOf(base.slice([[2, 2]]))).toEqual([]);
  expect(base.slice([])).toMatchObject({ shape: [2, 3, 4] });
});

test('expand repeats', async () => {
  const view = counted(3, 1).expand([2, 3, 2]);
  expect(view).toMatchObject({ shape: [2, 3, 2], strides: [0, 1, 0], size: 12 });
  expect(await valuesOf(view)).toEqual([0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]);
  expect(await valuesOf(counted(1, 3).expand([0, 3]))).toEqual([]);
});

test('shapes and strides cannot be changed', () => {
  const view = base.slice([[0, 1]]);
  for (const list of [base.shape, base.strides, view.shape, view.transpose(0, 1).strides])
    expect(() => (list as number[]).push(1)).toThrow(TypeError);
  expect(() => Object.assign(base, { shape: [1] })).toThrow(TypeError);
});

test('views share their storage', async () => {
  const tensor = Tensor.zeros([2, 2]);
  const bytes = () => memoryUsage().find(({ device }) => device === 'cpu')!;
  const before = bytes();
  const column = tensor.slice([null, [1, 2]]);
  expect(bytes()).toMatchObject({ bytes: before.bytes, tensors: before.tensors + 1 });
  column.copyFrom(Tensor.from([5, 6], [2, 1]));
  expect(await valuesOf(tensor)).toEqual([0, 5, 0, 6]);
});

describe('copies', () => {
  badCalls('refuse', [
    [
      'another shape',
      () => Tensor.zeros([2]).copyFrom(Tensor.zeros([1, 2])),
      'ERR_SHAPE',
      'source must have shape [2]',
    ],
    [
      'what is no tensor',
      () => Tensor.zeros([2]).copyFrom(wrong([1, 2])),
      'ERR_NOT_A_TENSOR',
      'source must be a Tensor',
    ],
    [
      'floats into integers',
      () => Tensor.zeros([2], { dtype: 'int32' }).copyFrom(Tensor.zeros([2])),
      'ERR_DTYPE',
      'source',
    ],
    ['int32 into uint8', () => Tensor.zeros([2], { dtype: 'int32' }).to({ dtype: 'uint8' }), 'ERR_DTYPE', 'dtype'],
    [
      'a repeated target',
      () =>
        counted(1)
          .expand([2])
          .copyFrom(Tensor.zeros([2])),
      'ERR_LAYOUT',
      /overlap/,
    ],
    ['an unknown option', () => base.to(wrong({ type: 'int32' })), 'ERR_OPTION', "to: unknown option 'type'"],
  ]);

  test('to() packs a view and converts', async () => {
    const copy = counted(2, 3).transpose(0, 1).to({ dtype: 'float16' });
    expect(copy).toMatchObject({ shape: [3, 2], strides: [2, 1], dtype: 'float16' });
    expect(await valuesOf(copy)).toEqual([0, 3, 1, 4, 2, 5]);
  });

  test('floats round to nearest even', async () => {
    const bits = await Tensor.from([1 + 1 / 256, 1 + 3 / 256])
      .to({ dtype: 'bfloat16' })
      .toBits();
    expect(bits).toEqual(Uint16Array.of(0x3f80, 0x3f82));
  });

  test.each(['int32', 'uint8', 'bool'] as const)('%s becomes a float', async (dtype) => {
    expect(await valuesOf(Tensor.full([2], 1, { dtype }).to({ dtype: 'float32' }))).toEqual([1, 1]);
  });

  test('copyFrom returns its tensor', () => {
    const target = Tensor.empty([2]);
    expect(target.copyFrom(Tensor.zeros([2]))).toBe(target);
  });

  test('overlapping views of one storage', async () => {
    const tensor = counted(6);
    tensor.slice([[1, 6]]).copyFrom(tensor.slice([[0, 5]]));
    expect(await valuesOf(tensor)).toEqual([0, 0, 1, 2, 3, 4]);
  });
});
