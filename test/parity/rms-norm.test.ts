/** The root-mean-square norm against the oracle: widths, weights, layouts, in place. */

import { rmsNorm, Tensor } from '../../lib/index.js';
import { rmsNormOracle } from '../oracle/rms-norm.js';
import { round, type FloatDType } from '../oracle/round.js';
import { targets } from '../support/backends.js';
import { assertSameBits, assertWithin, roundingBudget } from '../support/compare.js';
import { embed, type Layout } from '../support/embed.js';
import { normal } from '../support/random.js';

interface Row {
  name: string;
  shape: readonly number[];
  weight?: 'float32' | 'storage';
  epsilon?: number;
  layout?: Layout;
  inPlace?: boolean;
  edit?(x: Float64Array): void;
}

const table: Row[] = [
  { name: 'one element', shape: [1] },
  { name: 'a vector', shape: [37] },
  ...[1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 129].map((n): Row => ({
    name: `rows of ${n}`,
    shape: [5, n],
    weight: 'storage',
  })),
  { name: 'a long row', shape: [2, 5000], weight: 'storage' },
  { name: 'more rows than a task or a block', shape: [700, 64], weight: 'storage' },
  { name: 'heads', shape: [2, 3, 4, 16], weight: 'storage' },
  { name: 'packed heads', shape: [7, 2, 16], weight: 'storage' },
  { name: 'weights in float32', shape: [3, 40], weight: 'float32' },
  { name: 'no weights', shape: [3, 40] },
  { name: 'another epsilon', shape: [3, 40], weight: 'storage', epsilon: 0.5 },
  { name: 'in place', shape: [2, 3, 4, 20], weight: 'storage', inPlace: true },
  { name: 'a heads-first view', shape: [2, 3, 4, 20], weight: 'storage', layout: 'heads-first' },
  { name: 'slices', shape: [2, 3, 4, 21], weight: 'storage', layout: 'sliced' },
  { name: 'slices in place', shape: [2, 3, 4, 21], weight: 'storage', layout: 'sliced', inPlace: true },
  { name: 'no rows', shape: [0, 8], weight: 'storage' },
  { name: 'no columns', shape: [3, 0], weight: 'storage' },
  { name: 'a row of zeros', shape: [3, 40], edit: (x) => x.fill(0, 40, 80) },
  { name: 'a row far below epsilon', shape: [3, 40], edit: (x) => x.set(x.subarray(0, 40).map((y) => y * 1e-4)) },
  { name: 'NaN stays in its row', shape: [3, 40], edit: (x) => (x[45] = NaN) },
];

for (const { name, device, dtype } of targets())
  describe(`rmsNorm, ${name}`, () => {
    test.each(table)('$name', async (row) => {
      const { shape, epsilon, layout = 'dense' } = row;
      const n = shape.at(-1)!;
      const values = normal(shape, 3);
      row.edit?.(values);
      const x = round(values, dtype);
      const kind: FloatDType = row.weight === 'float32' ? 'float32' : dtype;
      const weight = row.weight && round(normal([n], 4), kind);
      const asked = { ...(weight && { weight }), ...(epsilon !== undefined && { epsilon }) };

      const [input, fresh] = [NaN, -7.75].map((margin, output) =>
        embed(output ? NaN : x, shape, { dtype, device, layout, margin }),
      ) as [ReturnType<typeof embed>, ReturnType<typeof embed>];
      const factors = weight && embed(weight, [n], { dtype: kind, device, layout: 'dense', margin: NaN });
      const target = row.inPlace ? input : fresh;
      try {
        const result = rmsNorm(input.view, {
          ...(factors && { weight: factors.view }),
          ...(epsilon !== undefined && { epsilon }),
          out: target.view,
        });
        expect(result).toBe(target.view);
        const exact = n === 0 ? new Float64Array() : rmsNormOracle(x, n, asked);
        const plain = n === 0 ? new Float64Array() : rmsNormOracle(x, n, { ...asked, roundTo: dtype });
        assertWithin(await target.read(), exact, roundingBudget(dtype, exact, plain, Math.max(n, 1)));
      } finally {
        for (const each of [input, fresh, factors]) each?.dispose();
      }
    });

    test('an infinite sum of squares leaves zeros, and an infinity NaN', async () => {
      if (dtype === 'float16') return; // its squares fit into float32
      const large = Tensor.full([2, 8], 3e38, { dtype, device });
      assertSameBits(await rmsNorm(large).toArray(), new Float32Array(16));
      const infinite = Tensor.full([1, 8], Infinity, { dtype, device });
      assertSameBits(await rmsNorm(infinite).toArray(), new Float32Array(8).fill(NaN));
    });
  });
