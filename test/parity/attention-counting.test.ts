/**
 * Masks by counting. With q = 0 every visible key weighs the same, so exp(lse) is the number of keys a row saw: an
 * integer that is right or wrong, for every mask option and every combination of them that is allowed.
 */

import { headsOf } from '../oracle/heads.js';
import { sequencesOf, visibility, type AttentionShape } from '../oracle/visibility.js';
import { runAttention, shapeOf, type AttentionCase, type CaseOptions } from '../support/attention-case.js';
import { targets } from '../support/backends.js';
import { Random } from '../support/random.js';

const forms = [
  { form: 'many queries', shape: { b: 2, sQ: 53, sKv: 170, hQ: 3, hK: 1, d: 4 } },
  { form: 'few queries', shape: { b: 2, sQ: 2, sKv: 530, hQ: 3, hK: 1, d: 4 } },
];

interface Choice {
  says: string;
  options(shape: AttentionShape, random: Random): CaseOptions;
}
const none: Choice = { says: '', options: () => ({}) };

/** Options that exclude one another stand in one list; one of each list makes a combination. */
const dense: Choice[][] = [
  [none, { says: 'causal', options: () => ({ causal: true }) }],
  [
    none,
    { says: 'left', options: () => ({ window: { left: 21 } }) },
    { says: 'left and right', options: () => ({ window: { left: 17, right: 5 } }) },
    { says: 'window per head', options: () => ({ window: { left: [9, -1, 130], right: [-1, 3, 60] } }) },
    { says: 'left per head', options: () => ({ window: { left: [40, -1, 0] } }) },
  ],
  [
    none,
    { says: 'sink tokens', options: () => ({ sinkTokens: 3 }) },
    { says: 'sink tokens per head', options: () => ({ sinkTokens: [0, 70, 5] }) },
  ],
  [none, { says: 'prefix', options: ({ sKv }) => ({ prefixLengths: [sKv - 20, 7] }) }],
  [
    none,
    {
      says: 'segments',
      options: ({ b, sQ, sKv }, random) => ({
        segments: {
          q: Array.from({ length: b * sQ }, () => random.integer(0, 2)),
          k: Array.from({ length: b * sKv }, (_, j) => (j >> 4) % 3),
        },
      }),
    },
  ],
  [none, { says: 'keys in use', options: ({ sKv }) => ({ kvLengths: [sKv - 33, 1] }) }],
  [
    none,
    {
      says: 'mask',
      options: ({ b, sQ, sKv }, random) => ({
        mask: { shape: [b, 1, sQ, sKv], data: Array.from({ length: b * sQ * sKv }, () => Number(random.chance(0.6))) },
      }),
    },
  ],
];

/** Four sequences of no, one and many queries and keys; the last token is nobody's. */
const packedLengths: Choice = {
  says: 'packed',
  options: ({ sQ, sKv }) => ({
    cuSeqLensQ: [0, 0, sQ - 3, sQ - 2, sQ],
    cuSeqLensK: [0, 19, sKv - 41, sKv - 1, sKv - 1],
  }),
};

/** Combinations the library refuses are refused for their own reasons; here the rest is counted. */
function allowed(options: CaseOptions): boolean {
  const { window, sinkTokens, prefixLengths, causal } = options;
  if (sinkTokens !== undefined && !window) return false;
  return !prefixLengths || (causal === true && window?.right === undefined);
}

function combinations(lists: readonly Choice[][], shape: AttentionShape): { says: string; options: CaseOptions }[] {
  const all = lists.reduce<Choice[][]>((sets, list) => sets.flatMap((set) => list.map((each) => [...set, each])), [[]]);
  return all
    .map((set, n) => ({
      says:
        set
          .map(({ says }) => says)
          .filter(Boolean)
          .join(', ') || 'no mask',
      options: Object.assign({}, ...set.map((choice) => choice.options(shape, new Random(n)))) as CaseOptions,
    }))
    .filter(({ options }) => allowed(options));
}

/** Visible keys of every row, one by one, laid out like lse. */
function counts(shape: AttentionShape, options: CaseOptions): number[] {
  const { hO } = headsOf(shape);
  const visible = visibility(options);
  const result: number[] = [];
  for (const sequence of sequencesOf(shape, options))
    for (let o = 0; o < hO; ++o)
      for (let i = 0; i < sequence.sQ; ++i) {
        let count = 0;
        for (let j = 0; j < sequence.sKv; ++j) count += Number(visible(sequence, o, i, j));
        const at = options.cuSeqLensQ ? o * shape.sQ + sequence.q0 + i : (sequence.n * hO + o) * shape.sQ + i;
        result[at] = count;
      }
  return result;
}

// Counting is about masks, not dtypes: float32, and the one 16-bit dtype that may have a kernel of its own.
for (const { name, ...place } of targets(['float32', 'bfloat16']))
  describe(`visible keys by counting, ${name}`, () => {
    for (const { form, shape } of forms) {
      const full = shapeOf({ shape });
      const count = async (options: CaseOptions, row: AttentionCase['shape'] = shape) => {
        const { lse } = await runAttention({ shape: row, options, edit: ({ q }) => q.fill(0) }, place);
        expect(Array.from(lse, (x) => Math.round(Math.exp(x)))).toEqual(counts(shapeOf({ shape: row }), options));
      };
      test.each(combinations(dense, full))(`${form}: $says`, ({ options }) => count(options));

      const packedShape = { ...shape, b: 4, sQ: Math.max(shape.sQ, 5) };
      const packed = combinations([[packedLengths], ...dense.slice(0, 3), dense[4]!], {
        ...full,
        sQ: packedShape.sQ,
        b: 1,
      });
      test.each(packed)(`${form}: $says`, ({ options }) => count(options, packedShape));
    }

    test('a sink counts as one more key', async () => {
      const row = { shape: forms[0]!.shape, options: { causal: true, sinks: [0, 0, 0] } };
      const { lse } = await runAttention({ ...row, edit: ({ q }) => q.fill(0) }, place);
      expect(Array.from(lse, (x) => Math.round(Math.exp(x)))).toEqual(
        counts(shapeOf(row), row.options).map((n) => n + 1),
      );
    });
  });
