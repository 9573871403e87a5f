/**
 * Hostile inputs. What a row may not see must not reach it, be it NaN in the very tile the row works on; what it sees
 * must, be it NaN or infinite. Every other parity test adds NaN around each input and in the keys nobody sees.
 */

import { attentionOracle } from '../oracle/attention.js';
import {
  checkAttention,
  expectedOf,
  inputsOf,
  judge,
  runAttention,
  type AttentionCase,
  type CaseOptions,
  type Values,
} from '../support/attention-case.js';
import { targets } from '../support/backends.js';
import { Random } from '../support/random.js';

const forms = [
  { form: 'many queries', shape: { b: 2, sQ: 45, sKv: 140, hQ: 2, hK: 1, d: 16 } },
  { form: 'few queries', shape: { b: 2, sQ: 3, sKv: 300, hQ: 2, hK: 1, d: 16 } },
];
type Form = (typeof forms)[number]['shape'];

const random = new Random(77);
const randomMask = ({ b, sQ, sKv }: Form) => ({
  shape: [b, 2, sQ, sKv],
  data: Array.from({ length: b * 2 * sQ * sKv }, () => Number(random.chance(0.5))),
});

/** Masks that hide a key from some rows of a tile, and keys they hide. */
const masks: { says: string; options(form: Form): CaseOptions; keys(form: Form): number[] }[] = [
  { says: 'causal', options: () => ({ causal: true }), keys: ({ sKv }) => [sKv - 1] },
  { says: 'causal, further down', options: () => ({ causal: true }), keys: ({ sQ, sKv }) => [sKv - (sQ >> 1)] },
  { says: 'window', options: () => ({ window: { left: 3, right: 2 } }), keys: ({ sQ, sKv }) => [sKv - sQ, sKv - 20] },
  {
    says: 'window and sink tokens',
    options: () => ({ causal: true, window: { left: 1 }, sinkTokens: 2 }),
    keys: ({ sKv }) => [2, sKv - 2],
  },
  {
    says: 'prefix',
    options: ({ sKv, sQ }) => ({ causal: true, prefixLengths: [sKv - (sQ >> 1), 0] }),
    keys: ({ sKv }) => [sKv - 1],
  },
  {
    says: 'segments',
    options: ({ b, sQ, sKv }) => ({
      segments: {
        q: Array.from({ length: b * sQ }, (_, t) => t % 3),
        k: Array.from({ length: b * sKv }, (_, t) => t % 4),
      },
    }),
    keys: () => [0, 17, 64],
  },
  { says: 'mask', options: (form) => ({ mask: randomMask(form) }), keys: () => [37] },
  {
    says: 'mask that hides a key from all',
    options: ({ sKv }) => ({
      mask: { shape: [sKv], data: Array.from({ length: sKv }, (_, j) => Number(j % 5 !== 0)) },
    }),
    keys: () => [0, 5, 135],
  },
];

const poison: { what: string; edit(values: Values, key: number, shape: { b: number; sKv: number }): void }[] = [
  { what: 'NaN keys', edit: ({ k }, key) => fillRow(k, key) },
  { what: 'NaN values', edit: ({ v }, key) => fillRow(v, key) },
  { what: 'NaN keys and values', edit: ({ k, v }, key) => (fillRow(k, key), fillRow(v, key)) },
  { what: 'infinite values', edit: ({ v }, key) => fillRow(v, key, Infinity) },
];

/** Row `key` of the first sequence, one key-value head of width 16. */
function fillRow(tensor: Float64Array, key: number, value = NaN): void {
  tensor.fill(value, key * 16, (key + 1) * 16);
}

for (const { name, ...place } of targets())
  describe(`hostile inputs, ${name}`, () => {
    for (const { form, shape } of forms) {
      const rows = masks.flatMap(({ says, options, keys }) =>
        poison.map(({ what, edit }) => ({
          name: `${what} behind ${says}`,
          shape,
          options: options(shape),
          edit: (values: Values) => keys(shape).forEach((key) => edit(values, key, shape)),
        })),
      );
      test.each(rows)(`${form}: $name`, (row) => checkAttention(row, place));

      test(`${form}: NaN in a query stays in its row`, () =>
        checkAttention({ shape, options: { causal: true }, edit: ({ q }) => q.fill(NaN, 16, 20) }, place));

      test(`${form}: infinity in one column of the values stays in that column`, () =>
        checkAttention(
          { shape, options: { causal: true }, edit: ({ v }) => ((v[7] = Infinity), (v[16 + 2] = -Infinity)) },
          place,
        ));

      test(`${form}: an infinite score spoils the rows that see it and no other`, async () => {
        const key = shape.sKv - (shape.sQ >> 1);
        const row: AttentionCase = { shape, options: { causal: true } };
        const values = inputsOf(row, place.dtype);
        for (let at = 0; at < values.q.length; at += 16) values.q[at] = 1;
        const healthy = expectedOf(row, place.dtype, { ...values });
        values.k[key * 16] = Infinity;
        const { out, lse } = await runAttention(row, place, values);

        const spoilt = (i: number, n: number) => n === 0 && key <= i + shape.sKv - shape.sQ;
        const { sQ } = shape;
        for (let at = 0; at < out.length; ++at) {
          const [n, i] = [Math.floor(at / (sQ * 2 * 16)), Math.floor(at / (2 * 16)) % sQ];
          if (!spoilt(i, n)) continue;
          expect({ at, finite: Number.isFinite(out[at]) }).toEqual({ at, finite: false });
          out[at] = healthy.exact.out[at]!;
        }
        for (let at = 0; at < lse.length; ++at) {
          if (!spoilt(at % sQ, Math.floor(at / (2 * sQ)))) continue;
          expect({ at, finite: Number.isFinite(lse[at]) }).toEqual({ at, finite: false });
          lse[at] = healthy.exact.lse[at]!;
        }
        judge({ out, lse }, healthy, place.dtype, shape.d);
      });
    }

    test('keys past the last packed sequence are never read', () =>
      checkAttention(
        {
          shape: { b: 2, sQ: 20, sKv: 90, hQ: 2, d: 16 },
          options: { cuSeqLensQ: [0, 7, 20], cuSeqLensK: [0, 30, 61] },
        },
        place,
      ));

    test('bias of -infinity on a whole row empties it, on some keys hides them', () => {
      const shape = forms[0]!.shape;
      const data = Array.from({ length: shape.sQ * shape.sKv }, (_, n) => {
        const [i, j] = [Math.floor(n / shape.sKv), n % shape.sKv];
        return i === 4 || i === shape.sQ - 1 || (i % 3 === 0 && j < 130) ? -Infinity : Math.sin(n);
      });
      return checkAttention(
        { shape, options: { bias: { shape: [shape.sQ, shape.sKv], data } }, biasDtype: 'storage' },
        place,
      );
    });
  });

test('the oracle itself lets NaN through where it is seen, and only there', () => {
  const shape = { b: 1, sQ: 2, sKv: 2, hQ: 1, hK: 1, hV: 1, d: 1, dV: 1 };
  const { out } = attentionOracle([1, 1], [1, NaN], [3, 4], shape, { causal: true });
  expect(Array.from(out)).toEqual([3, NaN]);
});
