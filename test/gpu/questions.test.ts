/** What a GPU answers about operations besides attention(). */

import { explain, supports, type OperationRequest } from '../../lib/index.js';
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

  test('what happens before attention has a kernel of its own, and a rate of its own', async () => {
    const cca = { op: 'compressedConvAttention', b: 1, s: 100, hQ: 4, hKv: 2, d: 64, device } as const;
    const on = async (dtype: 'float32' | 'bfloat16') => (await explain({ ...cca, dtype })).prologue;
    expect(await on('bfloat16')).toMatchObject({ kernel: 'compressed_conv_mma16_bf16_d64', halfProducts: true });
    expect(await on('float32')).toMatchObject({ kernel: 'compressed_conv_simple_f32', halfProducts: false });
    const sizes = { b: 1, sQ: 100, sKv: 100, hQ: 4, hKv: 2, d: 64, dtype: 'bfloat16', device } as const;
    const { prologue } = await explain({ op: 'dynamicMaskAttention', ...sizes, keep: 10, wdt: true });
    expect(prologue).toMatchObject({ kernel: 'key_scores_bf16', halfProducts: false });
  });

  test.each(['dynamicMaskAttention', 'blockSparseAttention'] as const)(
    '%s: tensor cores take 16-bit floats',
    async (op) => {
      const sizes = { b: 1, sQ: 100, sKv: 100, hQ: 4, hKv: 2, d: 64, device };
      const request = (dtype: 'float32' | 'bfloat16'): OperationRequest =>
        op === 'dynamicMaskAttention'
          ? { op, ...sizes, dtype, keep: 10 }
          : { op, ...sizes, dtype, blockQ: 10, blockK: 10, full: 40 };
      expect(supports(request('float32'))).toBe(true);
      expect(await explain(request('float32'))).toMatchObject({ path: 'simple' });
      expect(await explain(request('bfloat16'))).toMatchObject({ path: 'mma16' });
    },
  );
});
