/** The oracle of dynamic masks against worked example 7.5 of attention-variants: every printed digit. */

import { g, printed } from '../support/generators.js';
import { dynamicMaskOracle, keyScoresOracle, selectionOracle } from './dynamic-mask-attention.js';
import { sequencesOf, type AttentionShape } from './visibility.js';

const shape: AttentionShape & { hB: number } = { b: 1, sQ: 4, sKv: 4, hQ: 2, hK: 1, hV: 1, d: 2, dV: 2, hB: 1 };
const [q, k, v, dO, wdt] = [g(16, 0.1), g(8, 0.2), g(8, 0.3), g(16, 0.4), g(2, 0.5)];
const scoresOf = (form: 'exp' | 'linear', values = v, weights = wdt, a = -0.8) =>
  keyScoresOracle(values, { b: 1, s: 4, width: 2 }, { wdt: weights, a: [a], form });
const options = { keep: 2, causal: true };

function expectPrinted(actual: ArrayLike<number>, text: string): void {
  const digits = (x: number) => x.toFixed(6).replace(/^-(0\.0+)$/, '$1');
  expect(Array.from(actual, digits)).toEqual(printed(text).map(digits));
}

/** Kept keys of each row. */
function keptRows(scores: ArrayLike<number>, selection: 'perQuery' | 'shared'): number[][] {
  const [sequence] = sequencesOf(shape, {});
  const kept = selectionOracle(scores, shape, { ...options, selection });
  return [0, 1, 2, 3].map((i) => [0, 1, 2, 3].filter((j) => kept(sequence!, 0, i, j)));
}

/** Central differences of sum(out * dO) over each element of `x`. */
function gradient(x: Float64Array, out: (moved: Float64Array) => Float64Array): number[] {
  const h = 1e-6;
  const loss = (moved: Float64Array) => out(moved).reduce((sum, y, n) => sum + y * dO[n]!, 0);
  return Array.from(x, (_, n) => {
    const by = (step: number) => x.map((value, m) => (m === n ? value + step : value));
    return (loss(by(h)) - loss(by(-h))) / (2 * h);
  });
}

test('7.5 scores', () => {
  const { dt, scores } = scoresOf('exp');
  expectPrinted(dt, '0.925964 1.104988 -0.550341 -1.292067');
  expectPrinted(scores, '0.365041 0.328617 0.694687 0.823518');
  expectPrinted(scoresOf('linear').scores, '-1.007745 -1.112864 -0.364294 -0.194170');
});

test('7.5 selection', () => {
  for (const form of ['exp', 'linear'] as const) {
    expect(keptRows(scoresOf(form).scores, 'perQuery')).toEqual([[0], [0, 1], [0, 2], [2, 3]]);
    expect(keptRows(scoresOf(form).scores, 'shared')).toEqual([[], [], [2], [2, 3]]);
  }
});

test('7.5 outputs', () => {
  const { out, lse } = dynamicMaskOracle(q, k, v, scoresOf('exp').scores, shape, options);
  expectPrinted(
    out,
    `0.295520 0.841471 0.295520 0.841471
     0.662863 0.753872 0.553492 0.779953
     0.153147 0.026650 0.207113 0.335505
     -0.331147 -0.711191 -0.648516 -0.795771`,
  );
  expectPrinted(lse, '0.776406 0.903643 1.174714 1.146152 0.952992 0.168138 1.448466 2.125335');
  const shared = dynamicMaskOracle(q, k, v, scoresOf('exp').scores, shape, { ...options, selection: 'shared' });
  expectPrinted(shared.out.slice(0, 12), '0 0 0 0 0 0 0 0 0.041581 -0.611858 0.041581 -0.611858');
  expectPrinted(shared.out.slice(12), '-0.331147 -0.711191 -0.648516 -0.795771');
  expectPrinted(shared.lse.slice(0, 2), '-inf -inf');
  const linear = dynamicMaskOracle(q, k, v, scoresOf('linear').scores, shape, options);
  expectPrinted(linear.out.slice(4, 8), '0.650926 0.756718 0.542441 0.782589');
});

test('7.5 gradients, by central differences', () => {
  const { scores } = scoresOf('exp');
  const run = (keys: Float64Array, values: Float64Array, bias: Float64Array) =>
    dynamicMaskOracle(q, keys, values, bias, shape, options).out;
  expectPrinted(
    gradient(scores, (x) => run(k, v, x)),
    '0.609927 -0.110796 -0.580619 0.081488',
  );
  expectPrinted(
    gradient(k, (x) => run(x, v, scores)),
    '0.055205 0.191118 0.086751 0.081819 0.003014 -0.111581 -0.144969 -0.161356',
  );
  expectPrinted(
    gradient(v, (x) => run(k, x, scores)),
    '1.173309 1.451080 -0.399037 -0.671337 0.301263 0.195606 -0.259998 -0.701551',
  );
  expectPrinted(
    gradient(v, (x) => run(k, x, scoresOf('exp', x).scores)),
    '1.112144 1.332172 -0.388547 -0.650944 0.357850 0.305616 -0.265545 -0.712334',
  );
  expectPrinted(
    gradient(wdt, (x) => run(k, v, scoresOf('exp', v, x).scores)),
    '0.000213 -0.154571',
  );
  const overA = (form: 'exp' | 'linear') =>
    gradient(Float64Array.of(-0.8), ([a]) => run(k, v, scoresOf(form, v, wdt, a).scores));
  expectPrinted(overA('exp'), '0.062434');
  expectPrinted(overA('linear'), '0.387146');
  expectPrinted(
    gradient(scoresOf('linear').scores, (x) => run(k, v, x)),
    '0.627687 -0.108333 -0.596205 0.076851',
  );
});

test('smoothing keeps a block whole that is kept by more than half, and no key that is not visible', () => {
  const [sequence] = sequencesOf({ ...shape, sQ: 5, sKv: 5 }, {});
  const kept = selectionOracle([5, 1, 4, 3, 2], { sKv: 5, hB: 1 }, { keep: 3, causal: true, blockSize: 2 });
  const rows = [0, 1, 2, 3, 4].map((i) => [0, 1, 2, 3, 4].filter((j) => kept(sequence!, 0, i, j)));
  // Row 2 keeps {0, 1, 2}: the block {0, 1} whole, half of {2, 3}. Row 4 keeps {0, 2, 3}; its tail block is {4}.
  expect(rows).toEqual([[], [0, 1], [0, 1], [2, 3], [2, 3]]);
});
