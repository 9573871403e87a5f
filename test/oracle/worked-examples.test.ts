/** The oracle itself against the worked numbers of attention-variants 7: every printed digit. */

import { g, printed } from '../support/generators.js';
import { attentionOracle, type AttentionShape } from './attention.js';
import { headsOf } from './heads.js';
import { mergeOracle } from './merge-attention.js';

const single: AttentionShape = { b: 1, sQ: 3, sKv: 3, hQ: 1, hK: 1, hV: 1, d: 2, dV: 2 };

function expectPrinted(actual: ArrayLike<number>, text: string): void {
  const digits = (x: number) => x.toFixed(6).replace(/^-(0\.0+)$/, '$1');
  expect(Array.from(actual, digits)).toEqual(printed(text).map(digits));
}

test('7.1 grouped heads, bottom-right causal', () => {
  const shape = { ...single, sQ: 2, hQ: 2 };
  const { out, lse } = attentionOracle(g(8, 0.1), g(6, 0.2), g(6, 0.3), shape, { causal: true });
  expectPrinted(out, '0.650110 0.756913 | 0.735903 0.736454 || 0.412523 0.194472 | 0.243078 -0.070853');
  expectPrinted(lse, '1.123415 1.083836 ; 1.589262 0.760665');
});

test('7.2 a row that sees no key', () => {
  const { out, lse } = attentionOracle(g(6, 0.1), g(4, 0.2), g(4, 0.3), { ...single, sKv: 2 }, { causal: true });
  expectPrinted(out, '0 0 | 0.295520 0.841471 | 0.669176 0.752366');
  expectPrinted(lse, '-inf 0.587951 0.557988');
});

test('7.3 softcap, window, causal, sink', () => {
  const options = { softcap: 0.5, window: { left: 1 }, causal: true, sinks: [0.25] };
  const { out, lse } = attentionOracle(g(6, 0.1), g(6, 0.2), g(6, 0.3), single, options);
  expectPrinted(out, '0.154278 0.439294 0.466318 0.536216 0.286535 -0.029130');
  expectPrinted(lse, '0.988259 1.487640 1.229824');
});

test('7.4 merging two partial states gives the whole', () => {
  const [q, k, v] = [g(2, 0.1), g(6, 0.2), g(6, 0.3)];
  const part = (from: number, to: number) =>
    attentionOracle(q, k.slice(2 * from, 2 * to), v.slice(2 * from, 2 * to), { ...single, sQ: 1, sKv: to - from });
  const [first, second] = [part(0, 2), part(2, 3)];
  expectPrinted([...first.out, ...first.lse], '0.650110 0.756913 1.123415');
  expectPrinted([...second.out, ...second.lse], '0.041581 -0.611858 -0.258796');

  const merged = mergeOracle([first, second], { b: 1, s: 1, h: 1, d: 2 });
  const whole = part(0, 3);
  for (const { out, lse } of [merged, whole]) expectPrinted([...out, ...lse], '0.528006 0.482263 1.347377');
});

test('7.7 query heads of reversed SQA', () => {
  const queryHeads = (rule?: 'tile' | 'interleave') => {
    const { hO, q } = headsOf({ hQ: 2, hK: 4, hV: 4 }, rule);
    return Array.from({ length: hO }, (_, o) => q(o));
  };
  expect(queryHeads('tile')).toEqual([0, 1, 0, 1]);
  expect(queryHeads('interleave')).toEqual([0, 0, 1, 1]);
  expect(queryHeads()).toEqual(queryHeads('tile'));
});

test('the backward examples agree: the oracle is smooth where its gradients are printed', () => {
  // 7.1: dQ printed for loss = sum(O * g(8, .4)); central differences of the oracle give it back.
  const shape = { ...single, sQ: 2, hQ: 2 };
  const [k, v, dO] = [g(6, 0.2), g(6, 0.3), g(8, 0.4)];
  const loss = (q: Float64Array) =>
    attentionOracle(q, k, v, shape, { causal: true }).out.reduce((sum, x, n) => sum + x * dO[n]!, 0);
  const h = 1e-6;
  const gradient = Array.from({ length: 8 }, (_, n) => {
    const moved = (by: number) => g(8, 0.1).map((x, m) => (m === n ? x + by : x));
    return (loss(moved(h)) - loss(moved(-h))) / (2 * h);
  });
  expectPrinted(gradient, '0.017429 -0.000819 0.076156 -0.003577 -0.075098 -0.215728 -0.130202 -0.363631');
});
