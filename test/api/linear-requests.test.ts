/** What explain() says of linear(). */

import { devices, explain, supports, type LinearRequest } from '../../lib/index.js';
import { badCalls } from '../support/expect-error.js';

const request: LinearRequest = { op: 'linear', rows: 200, in: 48, out: 32 };
const ask = (more: object) => () => explain({ ...request, ...more });
const { path } = devices()[0]!;

test('counts what a product does', async () => {
  const found = await explain(request);
  expect(found).toMatchObject({
    supported: true,
    kernel: 'cpu/linear-panels',
    path,
    visiblePairs: 0,
    accuracy: 'exact',
  });
  expect(found.flops).toBe(2 * 200 * 48 * 32);
  expect(found.bytes).toBe(4 * (200 * 48 + 48 * 32 + 200 * 32));
  const { flops, bytes } = await explain({ ...request, dtype: 'bfloat16', bias: true });
  expect({ flops, bytes }).toEqual({ flops: found.flops, bytes: found.bytes / 2 + 2 * 32 });
  expect(supports(request)).toBe(true);
});

test('few rows are a kernel of their own, bound by reading the weights', async () => {
  const { kernel, timeBound } = await explain({ ...request, rows: 1, in: 4096, out: 4096 });
  expect({ kernel, limitedBy: timeBound.limitedBy }).toEqual({ kernel: 'cpu/linear-stream', limitedBy: 'memory' });
  expect((await explain({ ...request, rows: 4096, in: 4096, out: 4096 })).timeBound.limitedBy).toBe('compute');
});

test('says what a precision gains', async () => {
  const low = { ...request, precision: 'bfloat16' } as const;
  const { note, timeBound, flops, ceilings } = await explain({ ...low, in: 4096, out: 4096, rows: 4096 });
  if (path === 'avx512bf16') {
    expect(note).toBeUndefined();
    expect(timeBound.seconds).toBe(flops / ceilings.bf16Flops);
  } else expect(note).toMatch("precision 'bfloat16' gains nothing here");
  expect((await explain({ ...low, rows: 1 })).note).toMatch('gains nothing here');
});

badCalls('explain of linear refuses', [
  ['a misspelt name', ask({ s: 4 }), 'ERR_OPTION', "request: unknown option 's'"],
  ['no rows given', ask({ rows: undefined }), 'ERR_ARGUMENT_TYPE', 'rows must be a number, got undefined'],
  ['a negative width', ask({ in: -1 }), 'ERR_ARGUMENT_VALUE', 'in must be an integer of at least 0'],
  [
    'rows without bound',
    ask({ rows: 2 ** 40 }),
    'ERR_ARGUMENT_VALUE',
    'rows must be an integer of at least 0 and at most',
  ],
  ['integers', ask({ dtype: 'int32' }), 'ERR_DTYPE', 'dtype must be float32'],
  ['a bias of numbers', ask({ bias: 1 }), 'ERR_ARGUMENT_TYPE', 'bias must be a boolean'],
  ['precision for 16 bits', ask({ dtype: 'float16', precision: 'bfloat16' }), 'ERR_OPTION', 'bfloat16'],
]);
