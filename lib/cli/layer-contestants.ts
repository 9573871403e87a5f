import {
  attention,
  CompressedConvAttention,
  DynamicMaskAttention,
  explain,
  headCounts,
  linear,
  rope,
  type Explanation,
} from '../index.js';
import { timeBoundOf } from '../time-bound.js';
import {
  compressedDesigns,
  explainCompressed,
  parameterShapes,
  type CompressedDesign,
} from './compressed-contestants.js';
import {
  contestant,
  elements,
  type Absence,
  type Contestant,
  type Cost,
  type Field,
  type Setting,
  type Shape,
} from './contestants.js';
import { explainDynamicMask, keptKeys } from './sparse-contestants.js';

const noPairs: Absence = {
  designs: ['MHA', 'GQA', 'CCA', 'CCGQA', 'DMA'],
  reason: 'whole layers turn pairs, and --head-dim is odd',
};
const onlyCausal: Absence = { designs: ['DMA'], reason: 'whole layers of it are compared as causal ones' };

/**
 * Whole layers, from `x [1, s, E]` to as much, where E is heads times head dim: projections, rope, attention, output
 * projection. What lies between is allocated by the calls, on both sides.
 */
export async function layerContestants(setting: Setting): Promise<Field> {
  const { designs, leftOut } = compressedDesigns(setting);
  if (designs.length === 0) return { contestants: [], leftOut: [noPairs] };
  const contestants = [await denseLayer('mha', setting), await denseLayer('gqa', setting)];
  for (const design of designs) {
    const cost = await explainCompressed(design, setting);
    if (cost.supported) contestants.push(compressedLayer(design, cost, setting));
    else leftOut.push({ designs: [design.design], reason: cost.reason! });
  }
  const masked = await dynamicMaskLayers(setting);
  return { contestants: [...contestants, ...masked.contestants], leftOut: [...leftOut, ...masked.leftOut] };
}

/** Projections of a layer with so many heads; queries, keys and values have one head dim. */
function projections(headsQ: number, headsKv: number, { heads, headDim }: Setting) {
  const [e, queries, keys] = [heads * headDim, headsQ * headDim, headsKv * headDim];
  return { wq: [queries, e], wk: [keys, e], wv: [keys, e], wo: [e, queries] } satisfies Record<string, Shape>;
}

async function denseLayer(design: 'mha' | 'gqa', setting: Setting): Promise<Contestant> {
  const { mode, seq, heads, headDim, dtype, causal, device } = setting;
  const e = heads * headDim;
  const { q: headsQ, k: headsKv } = headCounts(design, { heads });
  const request = { b: 1, sQ: seq, sKv: seq, hQ: headsQ, hKv: headsKv, d: headDim, dtype, causal, device };
  const weights = projections(headsQ, headsKv, setting);
  const inputs = { x: [1, seq, e], ...weights };
  return contestant({
    ...{ design: design === 'mha' ? ('MHA' as const) : ('GQA' as const), headsQ, headsKv, mode, seq },
    cost: layerCost(await explain({ op: 'attention', ...request }), Object.values(weights), inputs, setting),
    inputs,
    output: inputs.x,
    queue({ x, wq, wk, wv, wo }, out, stream) {
      const project = (w: typeof x, h: number) => {
        using rows = linear(x, w, { stream });
        return rows.reshape([1, seq, h, headDim]);
      };
      using q = project(wq, headsQ);
      using k = project(wk, headsKv);
      using v = project(wv, headsKv);
      for (const turned of [q, k]) rope(turned, { out: turned, stream });
      using attended = attention(q, k, v, { causal, stream });
      using joined = attended.reshape([1, seq, e]);
      linear(joined, wo, { out, stream });
    },
  });
}

/**
 * The heads of GQA and a score for each key head, made from the values and chosen by: that is part of the layer. The
 * linear form is finite whatever the weights.
 */
async function dynamicMaskLayers(setting: Setting): Promise<Field> {
  const { mode, seq, heads, headDim, causal } = setting;
  const fitting = keptKeys(seq);
  if (fitting.length === 0) return { contestants: [], leftOut: [] };
  if (!causal) return { contestants: [], leftOut: [onlyCausal] };
  const { q: headsQ, k: headsKv } = headCounts('gqa', { heads });
  const weights = projections(headsQ, headsKv, setting);
  const inputs = { x: [1, seq, heads * headDim], ...weights, wdt: [headsKv * headDim, headsKv], a: [headsKv] };
  const contestants: Contestant[] = [];
  for (const keep of fitting) {
    const cost = await explainDynamicMask(keep, setting);
    if (!cost.supported) return { contestants: [], leftOut: [{ designs: ['DMA'], reason: cost.reason! }] };
    contestants.push(
      contestant({
        ...{ design: 'DMA', keep, headsQ, headsKv, mode, seq },
        cost: layerCost(cost, [...Object.values(weights), inputs.wdt], inputs, setting),
        inputs,
        output: inputs.x,
        queue: ({ x, ...weights }, out, stream) =>
          void new DynamicMaskAttention(weights, { keep, headDim, form: 'linear' }).forward(x, { out, stream }),
      }),
    );
  }
  return { contestants, leftOut: [] };
}

function compressedLayer(design: CompressedDesign, cost: Explanation, setting: Setting): Contestant {
  const { mode, seq, heads, headDim, causal } = setting;
  const e = heads * headDim;
  const [queries, keys] = [design.headsQ * headDim, design.headsKv * headDim];
  const weights = { wq: [queries, e], wk: [keys, e], wv1: [keys / 2, e], wv2: [keys / 2, e], wo: [e, queries] };
  const inputs = { x: [1, seq, e], ...weights, ...parameterShapes(design, headDim) };
  return contestant({
    ...{ ...design, mode, seq },
    cost: layerCost(cost, Object.values(weights), inputs, setting),
    inputs,
    output: inputs.x,
    queue: ({ x, ...weights }, out, stream) =>
      void new CompressedConvAttention(weights, { causal }).forward(x, { out, stream }),
  });
}

/** `core` is what happens between the projections; the bytes are those of the layer's inputs and its output only. */
function layerCost(
  { flops, prologue, ceilings }: Explanation,
  weights: readonly Shape[],
  inputs: Readonly<Record<string, Shape>>,
  { seq, heads, headDim, dtype, device }: Setting,
): Cost {
  const all = flops + 2 * seq * elements(...weights);
  const bytes = (dtype === 'float32' ? 4 : 2) * elements(...Object.values(inputs), [1, seq, heads * headDim]);
  const halfProducts = dtype === 'bfloat16' || (dtype === 'float16' && device !== 'cpu'); // CPUs multiply float16 as float32
  return {
    flops: all,
    bytes,
    timeBound: timeBoundOf({ flops: all, bytes, halfProducts, prologue }, ceilings),
    ceilings,
  };
}
