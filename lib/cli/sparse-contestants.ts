import { attention, AttentionError, dynamicMaskAttention, explain, headCounts, Stream, Tensor } from '../index.js';
import { contestant, elements, type Contestant, type Cost, type Field, type Setting } from './contestants.js';

const widths = [512, 1024, 2048];

/**
 * The keys of the best scores (DMA) beside as many of the nearest keys (window), with the heads of GQA. The scores are
 * random, so that no run of keys is free of kept ones: nothing is harder to skip.
 */
export async function sparseContestants(setting: Setting): Promise<Field> {
  const { seq, causal } = setting;
  const fitting = widths.filter((width) => width < seq);
  if (fitting.length === 0) return { contestants: [], leftOut: [] };
  if (!causal)
    return {
      contestants: [],
      leftOut: [{ designs: ['window', 'DMA'], reason: 'they are compared as causal attention' }],
    };
  const refusal = await dynamicMaskRefusal(setting);
  const contestants: Contestant[] = [];
  for (const keep of fitting) {
    const window = await windowContestant(keep, setting);
    contestants.push(window);
    if (refusal === undefined) contestants.push(dynamicMaskContestant(window, keep, setting));
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
function dynamicMaskContestant(window: Contestant, keep: number, { seq }: Setting): Contestant {
  const { headsKv, inputs } = window;
  const scores = [1, headsKv, seq];
  return contestant({
    ...window,
    design: 'DMA',
    cost: withScores(window.cost, 4 * elements(scores)),
    inputs: { q: inputs.q!, k: inputs.k!, v: inputs.v!, scores },
    float32: ['scores'],
    queue: ({ q, k, v, scores }, out, stream) =>
      void dynamicMaskAttention(q, k, v, { scores, keep, causal: true, out, stream }),
  });
}

/** The products are those of the window; the scores are read too. */
function withScores({ flops, bytes, timeBound, ceilings }: Cost, more: number): Cost {
  const memory = (bytes + more) / ceilings.readBytes;
  const bound = memory > timeBound.seconds ? ({ seconds: memory, limitedBy: 'memory' } as const) : timeBound;
  return { flops, bytes: bytes + more, timeBound: bound, ceilings };
}

/** What a device without these kernels says when it is asked to work: `explain()` does not know the operation. */
async function dynamicMaskRefusal({ heads, headDim, dtype, device }: Setting): Promise<string | undefined> {
  using stream = new Stream(device);
  const zeros = (shape: number[], type = dtype) => Tensor.zeros(shape, { dtype: type, device, stream });
  const { q: headsQ, k: headsKv } = headCounts('gqa', { heads });
  using q = zeros([1, 2, headsQ, headDim]);
  using kv = zeros([1, 2, headsKv, headDim]);
  using scores = zeros([1, headsKv, 2], 'float32');
  try {
    dynamicMaskAttention(q, kv, kv, { scores, keep: 1, causal: true, stream }).dispose();
    await stream.synchronize();
    return undefined;
  } catch (error) {
    if (error instanceof AttentionError && error.code === 'ERR_UNSUPPORTED') return error.message;
    throw error;
  }
}
