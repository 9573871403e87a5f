/** Members of a class, used on what is no object of it. */

import { inspect } from 'node:util';
import { Event, Stream, Tensor } from '../../lib/index.js';
import { badCalls } from '../support/expect-error.js';

const forged = Object.create(Tensor.zeros([1])) as Tensor;
const method = (name: string) => Reflect.get(Tensor.prototype, name) as () => unknown;
badCalls('what is no tensor is refused as the receiver of', [
  ['toArray', () => Reflect.apply(method('toArray'), undefined, []), 'ERR_NOT_A_TENSOR', 'undefined'],
  ['dispose', () => Reflect.apply(method('dispose'), null, []), 'ERR_NOT_A_TENSOR', 'no Tensor: null'],
  ['reshape', () => Reflect.apply(method('reshape'), [1], [[1]]) as unknown, 'ERR_NOT_A_TENSOR', 'an array of 1'],
  ['shape', () => forged.shape, 'ERR_NOT_A_TENSOR', 'no Tensor: an object'],
  ['disposed', () => forged.disposed, 'ERR_NOT_A_TENSOR', 'no Tensor'],
  ['to', () => forged.to(), 'ERR_NOT_A_TENSOR', 'no Tensor'],
  ['copyFrom', () => forged.copyFrom(Tensor.zeros([1])), 'ERR_NOT_A_TENSOR', 'no Tensor'],
  ['toBits', () => forged.toBits(), 'ERR_NOT_A_TENSOR', 'no Tensor'],
]);

test('what only inherits from a tensor can be printed all the same', () => {
  expect(inspect(forged)).toBe('an object that inherits from Tensor');
});

const noStream = Object.create(Stream.prototype) as Stream;
const close = Object.getOwnPropertyDescriptor(Stream.prototype, 'close')!.value as () => void;
badCalls('what is no stream is refused as the receiver of', [
  ['device', () => noStream.device, 'ERR_NOT_A_STREAM', 'no Stream: an object'],
  ['close', () => Reflect.apply(close, undefined, []), 'ERR_NOT_A_STREAM', 'undefined'],
  ['synchronize', () => noStream.synchronize(), 'ERR_NOT_A_STREAM', 'no Stream'],
  ['record', () => noStream.record(), 'ERR_NOT_A_STREAM', 'no Stream'],
  [
    'members of events',
    () => (Object.create(Event.prototype) as Event).device,
    'ERR_ARGUMENT_TYPE',
    'must be an Event',
  ],
]);
