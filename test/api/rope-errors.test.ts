/** What rope() refuses. */

import { rope, Tensor, type RopeOptions } from '../../lib/index.js';
import { badCalls, wrong } from '../support/expect-error.js';

const x = Tensor.zeros([2, 3, 4, 8]); // b, s, h, d
const int = (...shape: number[]) => Tensor.zeros(shape, { dtype: 'int32' });
const call = (options: RopeOptions) => () => rope(x, options);
const scaling = (form: object) => () => rope(x, { scaling: wrong(form) });
const ones = (n: number) => Array<number>(n).fill(1);
const longrope = { type: 'longrope', factor: 2, originalMax: 64, shortFactors: ones(4), longFactors: ones(4) };

badCalls('rope refuses', [
  ['no tensor', () => rope(wrong([1])), 'ERR_NOT_A_TENSOR', 'x must be a Tensor'],
  ['integers', () => rope(int(1, 1, 1, 2)), 'ERR_DTYPE', 'x must be float32'],
  ['two axes', () => rope(Tensor.zeros([2, 2])), 'ERR_SHAPE', 'x must have shape [b, s, h, d]'],
  ['a broken last axis', () => rope(Tensor.zeros([2, 3, 8, 4]).transpose(2, 3)), 'ERR_LAYOUT', 'x must have stride 1'],
  ['a misspelt option', call(wrong({ position: int(3) })), 'ERR_OPTION', "rope: unknown option 'position'"],
  ['positions of floats', call({ positions: Tensor.zeros([3]) }), 'ERR_DTYPE', 'positions must be int32'],
  ['positions of another length', call({ positions: int(4) }), 'ERR_SHAPE', 'positions must broadcast to shape [2, 3]'],
  ['an offset of a fraction', call({ offset: 0.5 }), 'ERR_ARGUMENT_VALUE', 'offset must be an integer'],
  ['theta 0', call({ theta: 0 }), 'ERR_ARGUMENT_VALUE', 'theta'],
  ['an odd rotaryDim', call({ rotaryDim: 3 }), 'ERR_ARGUMENT_VALUE', 'rotaryDim must be even, got 3'],
  [
    'a rotaryDim beyond the head',
    call({ rotaryDim: 10 }),
    'ERR_ARGUMENT_VALUE',
    'rotaryDim must be an integer of at least 2 and at most 8',
  ],
  [
    'an odd head without rotaryDim',
    () => rope(Tensor.zeros([1, 1, 1, 7])),
    'ERR_ARGUMENT_VALUE',
    'rotaryDim must be even',
  ],
  ['an unknown pairing', call({ pairing: wrong('neox') }), 'ERR_ARGUMENT_VALUE', "pairing must be 'half-split' or"],
  ['inverse: a number', call({ inverse: wrong(1) }), 'ERR_ARGUMENT_TYPE', 'inverse must be a boolean'],
  [
    'an out of another shape',
    call({ out: Tensor.zeros([2, 3, 4, 4]) }),
    'ERR_SHAPE',
    'out must have shape [2, 3, 4, 8]',
  ],
  [
    'an out that overlaps x',
    () => {
      const whole = Tensor.zeros([3, 3, 4, 8]);
      return rope(whole.slice([[0, 2]]), { out: whole.slice([[1, 3]]) });
    },
    'ERR_OPTION',
    /out overlaps x/,
  ],
  [
    'an out of the storage of positions',
    () => {
      const positions = int(6);
      return rope(x, { positions: positions.slice([[0, 3]]), out: wrong(positions) });
    },
    'ERR_DTYPE',
    'out must be float32',
  ],
  [
    'scaling: a string',
    call({ scaling: wrong('linear') }),
    'ERR_ARGUMENT_TYPE',
    'scaling must be an object with a type',
  ],
  ['scaling: an unknown type', scaling({ type: 'ntk' }), 'ERR_ARGUMENT_VALUE', "scaling.type must be 'linear' or"],
  [
    'scaling: a field of another type',
    scaling({ type: 'linear', factor: 2, betaFast: 1 }),
    'ERR_OPTION',
    "scaling: unknown option 'betaFast'",
  ],
  [
    'linear without factor',
    scaling({ type: 'linear' }),
    'ERR_ARGUMENT_TYPE',
    'scaling.factor must be a number, got undefined',
  ],
  ['linear with factor 0', scaling({ type: 'linear', factor: 0 }), 'ERR_ARGUMENT_VALUE', 'scaling.factor'],
  [
    'dynamic NTK without originalMax',
    scaling({ type: 'dynamic-ntk', factor: 2 }),
    'ERR_ARGUMENT_TYPE',
    'scaling.originalMax',
  ],
  [
    'dynamic NTK that shrinks',
    scaling({ type: 'dynamic-ntk', factor: 0.5, originalMax: 9 }),
    'ERR_ARGUMENT_VALUE',
    'factor',
  ],
  [
    'llama3 with its factors in disorder',
    scaling({ type: 'llama3', factor: 2, originalMax: 64, lowFreqFactor: 4, highFreqFactor: 1 }),
    'ERR_ARGUMENT_VALUE',
    'scaling.highFreqFactor is',
  ],
  [
    'YaRN with a negative mscale',
    scaling({ type: 'yarn', factor: 2, originalMax: 64, mscale: -1 }),
    'ERR_ARGUMENT_VALUE',
    'scaling.mscale',
  ],
  [
    'YaRN, truncate: a number',
    scaling({ type: 'yarn', factor: 2, originalMax: 64, truncate: 1 }),
    'ERR_ARGUMENT_TYPE',
    'scaling.truncate',
  ],
  [
    'LongRoPE with too few divisors',
    scaling({ ...longrope, longFactors: ones(3) }),
    'ERR_ARGUMENT_VALUE',
    'scaling.longFactors must have rotaryDim / 2 = 4 entries, got 3',
  ],
  [
    'LongRoPE with a divisor of 0',
    scaling({ ...longrope, shortFactors: [1, 0, 1, 1] }),
    'ERR_ARGUMENT_VALUE',
    'scaling.shortFactors[1]',
  ],
  [
    'LongRoPE with divisors that are none',
    scaling({ ...longrope, shortFactors: 'x' }),
    'ERR_ARGUMENT_TYPE',
    'scaling.shortFactors must be an array',
  ],
]);
