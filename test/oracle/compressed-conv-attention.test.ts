/** The oracle of compressed convolutional attention: every printed digit of attention-variants 7.6, and each pitfall of 4.2. */

import { g, printed } from '../support/generators.js';
import { normal } from '../support/random.js';
import {
  ccaOracle,
  ccaPrologueOracle,
  type CcaParameters,
  type CcaProjections,
  type CcaShape,
} from './compressed-conv-attention.js';
import { ccaLayerOracle, type CcaWeights } from './compressed-conv-layer.js';

function expectPrinted(actual: ArrayLike<number>, text: string): void {
  const digits = (x: number) => x.toFixed(6).replace(/^-(0\.0+)$/, '$1');
  expect(Array.from(actual, digits)).toEqual(printed(text).map(digits));
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let n = 0; n < expected.length; ++n) expect(actual[n]).toBeCloseTo(expected[n]!, 12);
}

describe('7.6, a CCGQA layer', () => {
  const shape: CcaShape = { b: 1, s: 3, hQ: 2, hKv: 1, d: 4, k1: 2, k2: 2 };
  const by = (factor: number, values: Float64Array) => values.map((x) => factor * x);
  const x = g(12, 0.1);
  const weights: CcaWeights = {
    wq: g(32, 0.2),
    wk: g(16, 0.3),
    wv1: g(8, 0.4),
    wv2: g(8, 0.5),
    w1: by(0.5, g(24, 0.6)),
    b1: by(0.1, g(12, 0.7)),
    w2: by(0.5, g(96, 0.8)),
    b2: by(0.1, g(12, 0.9)),
    temperature: [0.2],
    wo: g(32, 1.0),
  };
  const layer = (changed: Partial<CcaWeights> = {}, input: ArrayLike<number> = x) =>
    ccaLayerOracle(input, 4, { ...weights, ...changed }, shape, { rope: { rotaryDim: 2 } });
  const result = layer();

  test('y[-1] is the bias of the first convolution', () =>
    expectPrinted(
      result.y[0]!.subarray(0, 12),
      '0.064422 0.098545 0.086321 0.033499 -0.035078 -0.087158 -0.098245 -0.063127 0.001681 0.065699 0.098817 0.085460',
    ));
  test('y[0]', () =>
    expectPrinted(
      result.y[0]!.subarray(12, 24),
      '-0.902877 -0.105277 -0.138181 -0.599084 0.599554 0.618064 -0.125040 0.564306 -0.005694 0.053976 0.047380 0.241386',
    ));
  test('z[0]', () =>
    expectPrinted(
      result.z[0]!.subarray(0, 12),
      '-0.128534 0.093341 0.271174 0.325687 -0.321061 -0.355584 -0.228455 0.003205 -0.050563 -0.037910 -0.009942 0.020345',
    ));
  test('q3', () => {
    expectPrinted(
      result.q.subarray(0, 8),
      '-1.306008 -0.505962 0.531865 1.324940 | 1.365648 0.637276 -0.399414 -1.252738',
    );
    expectPrinted(
      result.q.subarray(16),
      '1.670060 -0.403028 -1.006170 -0.189972 | -1.442319 0.941288 -0.056356 -1.015144',
    );
  });
  test('k3', () =>
    expectPrinted(
      result.k,
      `1.647814 1.573345 0.720269 -0.507748 / -0.406690 -1.582569 0.749288 1.654069
       / 0.725855 0.576484 -1.614398 -1.581714`,
    ));
  test('v', () =>
    expectPrinted(
      result.v,
      `-0.124151 -0.840639 0 0 / 0.668575 1.376574 -0.239088 -0.916837
       / -1.135742 -1.753439 0.799317 1.429249`,
    ));
  test('lse', () => expectPrinted(result.lse, '-1.618880 1.406477 1.939233 1.800689 2.300718 1.062862'));
  test('out', () =>
    expectPrinted(
      result.layer,
      `-0.092301 0.651283 1.088558 1.013867 / 0.292772 0.342418 0.231020 0.010970
       / 0.182883 0.534729 0.635083 0.436748`,
    ));

  const upstream = g(12, 1.1);
  const loss = (changed: Partial<CcaWeights> = {}, input?: ArrayLike<number>) =>
    layer(changed, input).layer.reduce((sum, out, n) => sum + out * upstream[n]!, 0);
  test('loss', () => expectPrinted([loss()], '1.833354'));

  /** Central differences by the elements `which` of a weight, or of x. */
  const gradient = (name: keyof CcaWeights | 'x', which: number[]): number[] => {
    const h = 1e-6;
    const values = Array.from(name === 'x' ? x : weights[name]!);
    return which.map((n) => {
      const moved = (change: number) => values.with(n, values[n]! + change);
      const at = (change: number) => (name === 'x' ? loss({}, moved(change)) : loss({ [name]: moved(change) }));
      return (at(h) - at(-h)) / (2 * h);
    });
  };
  test.each([
    ['temperature', [0], '-0.054057'],
    ['b1', [0, 1, 2, 3], '-0.227122 0.164611 0.283079 -0.068383'],
    ['w1', [0, 1], '0.169964 0.175543'],
    ['w2', [0, 1], '0.284782 -0.144946'],
    ['wq', [0, 1, 2, 3], '-0.234090 -0.110411 -0.164486 0.184634'],
    ['wv2', [0, 1], '0.398360 -0.315334'],
    [
      'x',
      [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
      `-5.206834 5.179221 -3.078005 2.124571 / -0.443522 0.044612 1.068097 -0.245328
       / -0.860770 2.085200 0.085628 0.774995`,
    ],
  ] as const)('the gradient by %s', (name, which, text) => expectPrinted(gradient(name, [...which]), text));
});

/** Random projections and parameters. */
function random(shape: CcaShape, seed: number): { projections: CcaProjections; parameters: CcaParameters } {
  const { b, s, hQ, hKv, d, k1, k2 } = shape;
  const channels = (hQ + hKv) * d;
  const half = (hKv * d) / 2;
  return {
    projections: {
      latent: normal([b, s, channels], seed),
      value: normal([b, s, half], seed + 1),
      delayed: normal([b, s, half], seed + 2),
    },
    parameters: {
      w1: normal([channels, k1], seed + 3),
      b1: normal([channels], seed + 4),
      w2: normal([channels, d, k2], seed + 5),
      b2: normal([channels], seed + 6),
      temperature: normal([hKv], seed + 7),
    },
  };
}

describe('details that break implementations', () => {
  const shape: CcaShape = { b: 1, s: 5, hQ: 4, hKv: 2, d: 6, k1: 3, k2: 2 };
  const { projections, parameters } = random(shape, 1);
  const channels = 36;
  const half = 6;
  const run = (options = {}, changed: Partial<CcaParameters> = {}, given = projections, sizes = shape) =>
    ccaPrologueOracle(given, { ...parameters, ...changed }, sizes, options);

  test('padding goes in front of the first convolution only: the second sees its bias', () => {
    const { y, z } = run();
    expectClose(y[0]!.subarray(0, channels), parameters.b1!);
    // Zeros in front of the second convolution would give another z[0], unless b1 is zero.
    const w2 = parameters.w2;
    const first = (before: ArrayLike<number>) =>
      Array.from({ length: channels }, (_, c) => {
        let total = parameters.b2![c]!;
        for (let e = 0; e < 6; ++e) {
          const at = c - (c % 6) + e;
          total += w2[(c * 6 + e) * 2]! * before[at]! + w2[(c * 6 + e) * 2 + 1]! * y[0]![channels + at]!;
        }
        return total;
      });
    expectClose(z[0]!.subarray(0, channels), first(parameters.b1!));
    expect(Math.abs(z[0]![0]! - first(new Float64Array(channels))[0]!)).toBeGreaterThan(1e-3);
  });

  test('the last tap multiplies the current token', () => {
    const w1 = Float64Array.from({ length: channels * 3 }, (_, n) => Number(n % 3 === 2));
    const { y } = run({}, { w1, b1: new Float64Array(channels) });
    expectClose(y[0]!.subarray(channels), projections.latent);
  });

  test('the value split is over the flat vector: with two heads, one is current and one is delayed', () => {
    const { v } = run();
    for (let t = 0; t < 5; ++t) {
      expectClose(v.subarray(t * 12, t * 12 + 6), Array.from(projections.value).slice(t * half, (t + 1) * half));
      if (t > 0)
        expectClose(
          v.subarray(t * 12 + 6, t * 12 + 12),
          Array.from(projections.delayed).slice((t - 1) * half, t * half),
        );
    }
  });

  test('with one value head, its first half is current and its second half delayed', () => {
    const single = { ...shape, hKv: 1 };
    const own = random(single, 20);
    const { v } = ccaPrologueOracle(own.projections, own.parameters, single);
    const [value, delayed] = [Array.from(own.projections.value), Array.from(own.projections.delayed)];
    expectClose(v.subarray(6, 12), [...value.slice(3, 6), ...delayed.slice(0, 3)]);
  });

  test('token 0 gets a zero delayed half, or the bias of the delayed projection', () => {
    expectClose(run().v.subarray(6, 12), [0, 0, 0, 0, 0, 0]);
    expectClose(run({}, { delayedBias: [1, 2, 3, 4, 5, 6] }).v.subarray(6, 12), [1, 2, 3, 4, 5, 6]);
  });

  test('logits stay within tau sqrt(d)', () => {
    const { q, k } = run({ tempMode: 'raw' });
    for (let i = 0; i < 5; ++i)
      for (let h = 0; h < 4; ++h)
        for (let j = 0; j < 5; ++j) {
          const group = h >> 1;
          let dot = 0;
          for (let c = 0; c < 6; ++c) dot += q[(i * 4 + h) * 6 + c]! * k[(j * 2 + group) * 6 + c]!;
          const bound = Math.abs(parameters.temperature[group]!) * Math.sqrt(6);
          expect(Math.abs(dot / Math.sqrt(6))).toBeLessThanOrEqual(bound * (1 + 1e-12));
        }
  });

  test('packed sequences restart their history', () => {
    const packed = run({ cuSeqLens: [0, 2, 2, 5] });
    const part = (from: number, to: number) => {
      const rows = (values: ArrayLike<number>, width: number) => Array.from(values).slice(from * width, to * width);
      const given = {
        latent: rows(projections.latent, channels),
        value: rows(projections.value, half),
        delayed: rows(projections.delayed, half),
      };
      return run({}, {}, given, { ...shape, s: to - from });
    };
    const [first, second] = [part(0, 2), part(2, 5)];
    for (const name of ['q', 'k', 'v'] as const) expectClose(packed[name], [...first[name], ...second[name]]);
  });

  test('left padding of zeros is a fresh start', () => {
    const pad = (values: ArrayLike<number>, width: number) => [
      ...Array<number>(2 * width).fill(0),
      ...Array.from(values),
    ];
    const given = {
      latent: pad(projections.latent, channels),
      value: pad(projections.value, half),
      delayed: pad(projections.delayed, half),
    };
    const padded = run({ positions: [0, 0, 0, 1, 2, 3, 4] }, {}, given, { ...shape, s: 7 });
    const fresh = run();
    expectClose(padded.q.subarray(2 * 24), fresh.q);
    expectClose(padded.k.subarray(2 * 12), fresh.k);
    expectClose(padded.v.subarray(2 * 12), fresh.v);
  });

  test('convolutions and the shift are causal, whatever the mask', () => {
    const latent = Float64Array.from(projections.latent);
    latent.fill(7, 4 * channels);
    const changed = run({}, {}, { ...projections, latent, delayed: Array.from(projections.delayed).fill(9, 4 * half) });
    const before = run();
    for (const name of ['q', 'k', 'v'] as const) {
      const width = before[name].length / 5;
      expectClose(changed[name].subarray(0, 4 * width), before[name].subarray(0, 4 * width));
    }
  });

  test('norm first, then rotation; the temperature multiplies keys only', () => {
    const lengthOf = (x: Float64Array, at: number) => Math.hypot(...x.subarray(at * 6, at * 6 + 6));
    const { q, k } = run();
    for (let at = 0; at < 20; ++at) expect(lengthOf(q, at)).toBeCloseTo(Math.sqrt(6), 10);
    for (let at = 0; at < 10; ++at)
      expect(lengthOf(k, at)).toBeCloseTo(Math.exp(parameters.temperature[at % 2]!) * Math.sqrt(6), 10);
  });

  test('a zero vector stays zero', () => {
    const zeros = (n: number) => new Float64Array(n);
    const given = { ...projections, latent: zeros(5 * channels) };
    const { q, k } = run({}, { b1: zeros(channels), b2: zeros(channels) }, given);
    expectClose(q, zeros(5 * 24));
    expectClose(k, zeros(5 * 12));
  });

  test.each([
    ['exp', 0.3, Math.exp(0.3)],
    ['raw', 0.3, 0.3],
    ['expClamped', -3, Math.exp(1e-7)],
    ['expClamped', 5, Math.exp(2)],
  ] as const)('tempMode %s of %d', (tempMode, temperature, tau) => {
    const { k } = run({ tempMode, rope: false }, { temperature: [temperature, 1] });
    const { k: unit } = run({ tempMode: 'raw', rope: false }, { temperature: [1, 1] });
    expectClose(
      k.subarray(0, 6),
      unit.subarray(0, 6).map((x) => tau * x),
    );
  });

  test('padding tokens give zeros, and change nothing', () => {
    const batch = { ...shape, b: 2 };
    const own = random(batch, 40);
    const whole = ccaOracle(own.projections, own.parameters, batch, { lengths: [5, 3] });
    expect(Array.from(whole.out.subarray((5 + 3) * 24)).every((x) => x === 0)).toBe(true);
    const alone = ccaOracle(own.projections, own.parameters, batch);
    expectClose(whole.out.subarray(0, 8 * 24), alone.out.subarray(0, 8 * 24));
  });
});
