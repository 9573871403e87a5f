// How much faster than multi-head attention of the same model width are compressed heads, alone and as whole layers?

import {
  attention,
  CompressedConvAttention,
  compressedConvAttention,
  compressedConvPrologue,
  linear,
  Tensor,
} from '../../dist/esm.mjs';
import { defineBench } from '../define.mjs';
import { coldSets, ours, randomSets, stream } from '../inputs.mjs';
import { ratioOfTimes, shareOfCeiling } from '../measure.mjs';

const D = 128;
const HEADS = 16;
const E = HEADS * D;
const TAPS = 2;
const designs = [
  { label: 'CCA 4/4', hQ: 4, hKv: 4 },
  { label: 'CCGQA 8/2', hQ: 8, hKv: 2 },
];

/** Cold sets of projections, and parameters of one layer. */
function inputs(s, { hQ, hKv }) {
  const [channels, half] = [(hQ + hKv) * D, (hKv * D) / 2];
  const random = (shape, seed) => Tensor.randn(shape, { stream, seed });
  const sets = Array.from({ length: s === 0 ? 0 : coldSets(8 * s * (channels + 2 * half)) }, (_, set) => ({
    latent: random([1, s, channels], 3 * set),
    value: random([1, s, half], 3 * set + 1),
    delayed: random([1, s, half], 3 * set + 2),
  }));
  const parameters = {
    w1: random([channels, TAPS], 1),
    b1: random([channels], 2),
    w2: random([channels, D, TAPS], 3),
    b2: random([channels], 4),
    temperature: Tensor.zeros([hKv], { stream }),
  };
  return { sets, parameters };
}

/** A contestant: `call` queues and gives back what is to be disposed of. */
function contestant(name, s, design, call) {
  const { sets, parameters } = inputs(s, design);
  let next = 0;
  return {
    name,
    async run() {
      const made = call(sets[next++ % sets.length], parameters);
      await stream.synchronize();
      for (const tensor of made) tensor.dispose();
    },
    async dispose() {
      await stream.synchronize();
      for (const group of [...sets, parameters]) for (const tensor of Object.values(group)) tensor.dispose();
    },
  };
}

const whole = (s, design) =>
  contestant(design.label, s, design, (projections, parameters) => [
    compressedConvAttention(projections, parameters, { stream }),
  ]);
const prologue = (s, design) => {
  const heads = (h) => Tensor.empty([1, s, h, D]);
  const out = { q: heads(design.hQ), k: heads(design.hKv), v: heads(design.hKv) };
  const { dispose, ...rest } = contestant('prologue', s, design, (projections, parameters) => {
    compressedConvPrologue(projections, parameters, { out, stream });
    return [];
  });
  return {
    ...rest,
    async dispose() {
      await dispose();
      for (const tensor of Object.values(out)) tensor.dispose();
    },
  };
};
const multiHead = (s) =>
  ours('MHA 16/16', randomSets({ sQ: s, sKv: s, hQ: HEADS, hKv: HEADS, d: D }), { causal: true });

/** A whole layer, from x [1, s, E] to as much: `queue` makes what is to be disposed of, the result last. */
function layer(name, s, weights, queue) {
  const inputs = Array.from({ length: coldSets(8 * s * E) }, (_, set) =>
    Tensor.randn([1, s, E], { stream, seed: set }),
  );
  let next = 0;
  return {
    name,
    async run() {
      const made = queue(inputs[next++ % inputs.length]);
      await stream.synchronize();
      for (const tensor of made) tensor.dispose();
    },
    async dispose() {
      await stream.synchronize();
      for (const tensor of [...inputs, ...weights]) tensor.dispose();
    },
  };
}

const weight = (out, from, seed) => Tensor.randn([out, from], { stream, seed });

function multiHeadLayer(s) {
  const weights = [1, 2, 3, 4].map((seed) => weight(E, E, seed));
  const [wq, wk, wv, wo] = weights;
  return layer('MHA layer', s, weights, (x) => {
    const rows = [wq, wk, wv].map((w) => linear(x, w, { stream }));
    const heads = rows.map((row) => row.reshape([1, s, HEADS, D]));
    const attended = attention(...heads, { causal: true, stream });
    const joined = attended.reshape([1, s, E]);
    return [...rows, ...heads, attended, joined, linear(joined, wo, { stream })];
  });
}

function compressedLayer(s, design) {
  const { hQ, hKv, label } = design;
  const { parameters } = inputs(0, design);
  const weights = {
    ...parameters,
    wq: weight(hQ * D, E, 5),
    wk: weight(hKv * D, E, 6),
    wv1: weight((hKv * D) / 2, E, 7),
    wv2: weight((hKv * D) / 2, E, 8),
    wo: weight(E, hQ * D, 9),
  };
  const made = new CompressedConvAttention(weights);
  return layer(`${label} layer`, s, Object.values(weights), (x) => [made.forward(x, { stream })]);
}

/** 2 flop per multiply-add of both convolutions: more than its bytes take, on any machine with 8 of them per byte. */
const flops = (s, { hQ, hKv }) => 2 * s * (hQ + hKv) * D * (TAPS + TAPS * D);

export default defineBench({
  name: 'compressed-conv',
  question: 'How much faster than 16/16 heads is compressed convolutional attention, prologue or whole layer included?',
  rows: [
    ...[2048, 4096, 8192, 16384].flatMap((s) =>
      designs.map((design) => ({
        name: `MHA 16/16 over ${design.label}, causal, S=${s}, d=${D}`,
        unit: 'x',
        ...(s === 16384 && design.hQ === 4 && { atLeast: 3.3 }),
        measure: (context) => ratioOfTimes(whole(s, design), [multiHead(s)], context),
      })),
    ),
    ...[2048, 4096, 8192, 16384].flatMap((s) =>
      designs.map((design) => ({
        name: `MHA 16/16 over ${design.label}, whole layer, E=${E}, causal, S=${s}`,
        unit: 'x',
        ...(s === 16384 && design.hQ === 4 && { atLeast: 3 }),
        measure: (context) => ratioOfTimes(compressedLayer(s, design), [multiHeadLayer(s)], context),
      })),
    ),
    ...[2048, 16384].flatMap((s) =>
      designs.map((design) => ({
        name: `prologue, share of the multiply-add rate, ${design.label}, S=${s}, d=${D}`,
        unit: '%',
        atLeast: 70,
        measure: (context) => shareOfCeiling(prologue(s, design), flops(s, design), 'f32Flops', context),
      })),
    ),
  ],
});
