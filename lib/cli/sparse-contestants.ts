import { attention, dynamicMaskAttention, explain, headCounts, type Explanation } from '../index.js';
import { contestant, type Absence, type Contestant, type Field, type Setting } from './contestants.js';

const onlyCausal: Absence = {
  designs: ['window', 'DMA'],
  reason: 'they are compared as causal attention',
};

/** How many keys a query keeps, where there are more. */
export function keptKeys(seq: number): readonly number[] {
  return [512, 1024, 2048].filter((width) => width < seq);
}

/**
 * The keys of the best scores (DMA) beside as many of the nearest keys (window), with the heads of GQA. The scores are
 * random, so that no run of keys is free of kept ones: nothing is harder to skip.
 */
export async function sparseContestants(setting: Setting): Promise<Field> {
  const { seq, causal } = setting;
  const fitting = keptKeys(seq);
  if (fitting.length === 0) return { contestants: [], leftOut: [] };
  if (!causal) return { contestants: [], leftOut: [onlyCausal] };
  const contestants: Contestant[] = [];
  let refusal: string | undefined;
  for (const keep of fitting) {
    const window = await windowContestant(keep, setting);
    contestants.push(window);
    const cost = await explainDynamicMask(keep, setting);
    if (cost.supported) contestants.push(dynamicMaskContestant(window, keep, cost));
    else refusal = cost.reason;
  }
  return { contestants, leftOut: refusal === undefined ? [] : [{ designs: ['DMA'], reason: refusal }] };
}

async function windowContestant(keep: number, { mode, seq, heads, headDim, dtype, device }: Setting) {
  const { q: headsQ, k: headsKv } = headCounts('gqa', { heads });
  const request = { b: 1, sQ: seq, sKv: seq, hQ: headsQ, hKv: headsKv, d: headDim, dtype, device };
  const options = { causal: true, window: { left: keep - 1 } };
  const kv = [1, seq, headsKv, headDim];
  return contestant({
    ...{ design: 'window' as const, keep, headsQ, headsKv, mode, seq },
    cost: await explain({ op: 'attention', ...request, ...options }),
    inputs: { q: [1, seq, headsQ, headDim], k: kv, v: kv },
    output: [1, seq, headsQ, headDim],
    queue: ({ q, k, v }, out, stream) => void attention(q, k, v, { ...options, out, stream }),
  });
}

/** A query keeps as many keys as it has in the window; choosing them is part of the call. */
function dynamicMaskContestant(window: Contestant, keep: number, cost: Explanation): Contestant {
  const { headsKv, inputs, seq } = window;
  return contestant({
    ...window,
    design: 'DMA',
    cost,
    inputs: { q: inputs.q!, k: inputs.k!, v: inputs.v!, scores: [1, headsKv, seq] },
    float32: ['scores'],
    queue: ({ q, k, v, scores }, out, stream) =>
      void dynamicMaskAttention(q, k, v, { scores, keep, causal: true, out, stream }),
  });
}

/** Dynamic masks with the heads of GQA, a score for each key head. */
export function explainDynamicMask(keep: number, { seq, heads, headDim, dtype, device }: Setting) {
  const { q: hQ, k: hKv } = headCounts('gqa', { heads });
  const sizes = { b: 1, sQ: seq, sKv: seq, hQ, hKv, d: headDim };
  return explain({ op: 'dynamicMaskAttention', ...sizes, keep, causal: true, dtype, device });
}
