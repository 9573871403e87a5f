/** What a GPU answers about operations besides attention(). */

import {
  blockSparseAttention,
  dynamicMaskAttention,
  explain,
  supports,
  Tensor,
  type OperationRequest,
} from '../../lib/index.js';
import { isServed } from '../support/backends.js';
import { gpus } from '../support/gpus.js';

describe.each(gpus)('questions, %s', (device) => {
  test('linear: tensor cores take many rows of whole 16 bytes', async () => {
    const request = { op: 'linear', rows: 100, in: 64, out: 32, dtype: 'bfloat16', device } as const;
    expect(await explain(request)).toMatchObject({ supported: true, kernel: 'linear_mma16_bf16', path: 'mma16' });
    const odd = await explain({ ...request, in: 65 });
    expect(odd).toMatchObject({ kernel: 'linear_simple_bf16', note: expect.stringContaining('multiples of 8') });
    const few = await explain({ ...request, rows: 2 });
    expect(few).toMatchObject({ kernel: 'linear_simple_bf16', note: expect.stringContaining('few rows') });
    const wide = await explain({ ...request, dtype: 'float32', precision: 'bfloat16' });
    expect(wide).toMatchObject({ kernel: 'linear_simple_f32', note: expect.stringContaining('gains nothing here') });
    const huge = await explain({ ...request, out: 2 ** 30 });
    expect(huge).toMatchObject({ supported: false, reason: expect.stringContaining('2^30 elements') });
  });

  const one = () => Tensor.zeros([1, 1, 1, 1], { device });
  const indices = (...values: number[]) => Tensor.from(Int32Array.from(values), [values.length], { device });
  const sizes = { b: 1, sQ: 1, sKv: 1, hQ: 1, hKv: 1, d: 1, device };
  const sparse: [string, OperationRequest, () => unknown][] = [
    [
      'dynamicMaskAttention',
      { op: 'dynamicMaskAttention', ...sizes },
      () => dynamicMaskAttention(one(), one(), one(), { scores: Tensor.zeros([1, 1, 1], { device }) }),
    ],
    [
      'blockSparseAttention',
      { op: 'blockSparseAttention', ...sizes, blockQ: 1, blockK: 1, full: 1 },
      () =>
        blockSparseAttention(one(), one(), one(), {
          lists: { blockQ: 1, blockK: 1, full: { offsets: indices(0, 1).reshape([1, 1, 2]), indices: indices(0) } },
        }),
    ],
  ];
  test.each(sparse)('%s: a question and a call agree', async (name, request, call) => {
    const served = isServed(device, call);
    expect(supports(request)).toBe(served);
    expect((await explain(request)).reason).toBe(served ? undefined : `${name} is not there yet on ${device}`);
  });
});
