/** The closed list of codes, and the one class of our own. */

import fs from 'node:fs';
import path from 'node:path';
import { AttentionError, errorCodes, Tensor } from '../../lib/index.js';

test('the codes are those of the native side, in its order', () => {
  const header = fs.readFileSync(path.join(__dirname, '../../native/core/error.h'), 'utf8');
  const native = [...header.matchAll(/^ {2}k\w+,\s+\/\/ (ERR_\w+)/gm)].map(([, code]) => code);
  expect(errorCodes).toEqual(native);
  expect(Object.isFrozen(errorCodes)).toBe(true);
});

test('an AttentionError says what it is', () => {
  const cause = new Error('why');
  const error = new AttentionError('ERR_UNSUPPORTED', 'no kernel', { cause });
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'AttentionError', code: 'ERR_UNSUPPORTED', message: 'no kernel', cause });
  expect(String(error)).toBe('AttentionError: no kernel');
  expect(Object.keys(error)).toEqual(['code']);
});

test('what native code refuses comes as a class of this realm, with the native error as cause', () => {
  try {
    Tensor.from([2 ** 31], [1], { dtype: 'int32' });
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ code: 'ERR_ARGUMENT_VALUE', cause: { code: 'ERR_ARGUMENT_VALUE' } });
    return;
  }
  throw new Error('2^31 is no int32');
});
