// Compiled, never run: how the operations may be called, and how not.

import {
  attention,
  CcaState,
  CompressedConvAttention,
  compressedConvAttention,
  compressedConvPrologue,
  blockSparseAttention,
  configure,
  cudaStatus,
  DmaCache,
  DmaState,
  DynamicMaskAttention,
  dynamicMaskAttention,
  dynamicMaskIntervals,
  dynamicMaskScores,
  explain,
  headCounts,
  linear,
  mergeAttention,
  rmsNorm,
  rope,
  supports,
  type AttentionOptions,
  type Stream,
  type Tensor,
} from '../../lib/index.js';

export function attentionCalls(q: Tensor, k: Tensor, v: Tensor, heads: Tensor, stream: Stream): Tensor {
  attention(q, k, v);
  attention(q, k, v, { causal: true, window: { left: 4, right: null }, sinkTokens: heads, stream });
  attention(q, k, v, { window: { left: heads }, headMap: { k: heads, v: 'tile' }, segments: { q, k } });
  attention(q, k, v, { headMap: 'interleave', segments: q, precision: 'bfloat16' });
  const options: AttentionOptions = { scale: 1, softcap: 30 };
  // @ts-expect-error: values are needed
  attention(q, k);
  // @ts-expect-error: misspelt
  attention(q, k, v, { casual: true });
  // @ts-expect-error: a boolean
  attention(q, k, v, { causal: 1 });
  // @ts-expect-error: tensors, not arrays
  attention(q, k, [1]);
  // @ts-expect-error: two sides
  attention(q, k, v, { window: 4 });
  // @ts-expect-error: misspelt
  attention(q, k, v, { window: { lefft: 4 } });
  // @ts-expect-error: both of them
  attention(q, k, v, { segments: { q } });
  // @ts-expect-error: no such rule
  attention(q, k, v, { headMap: 'groups' });
  // @ts-expect-error: only this one
  attention(q, k, v, { precision: 'float16' });
  // @ts-expect-error: null is no tensor
  attention(q, k, v, { lse: null });
  // @ts-expect-error: the signal, not its controller
  attention(q, k, v, { signal: new AbortController() });
  return attention(q, k, v, { ...options, out: q, signal: AbortSignal.timeout(5) });
}

export function blockSparseCalls(q: Tensor, k: Tensor, v: Tensor, offsets: Tensor, indices: Tensor): Tensor {
  const lists = { blockQ: 64, blockK: 64, partial: { offsets, indices } };
  // @ts-expect-error: lists are needed
  blockSparseAttention(q, k, v, { causal: true });
  // @ts-expect-error: so are the sizes of blocks
  blockSparseAttention(q, k, v, { lists: { partial: { offsets, indices } } });
  // @ts-expect-error: both of them
  blockSparseAttention(q, k, v, { lists: { ...lists, full: { offsets } } });
  return blockSparseAttention(q, k, v, { lists, causal: true, lse: q });
}

export function dynamicMaskCalls(q: Tensor, k: Tensor, v: Tensor, scores: Tensor): Tensor {
  const made: Tensor<'float32'> = dynamicMaskScores(v, { wdt: k, a: q, form: 'linear' });
  const intervals: Tensor<'int32'> = dynamicMaskIntervals(made, { keep: 4, causal: true, sQ: 3 });
  dynamicMaskAttention(q, k, v, { scores, intervals, causal: true });
  // @ts-expect-error: scores come from somewhere
  dynamicMaskAttention(q, k, v);
  // @ts-expect-error: no such selection
  dynamicMaskAttention(q, k, v, { scores, selection: 'all' });
  // @ts-expect-error: weights are needed
  dynamicMaskScores(v, { a: q });
  // @ts-expect-error: no such form
  dynamicMaskScores(v, { wdt: k, a: q, form: 'sigmoid' });
  const state = new DmaState({ hB: 2, keep: 4 }).append(made);
  state.rollback(state.snapshot()).dispose();
  // @ts-expect-error: heads are needed
  new DmaState({ keep: 4 });
  dynamicMaskAttention(q, k, v, { state });
  const weights = { wq: q, wk: k, wv: v, wo: q, wdt: k, a: q };
  const layer = new DynamicMaskAttention({ ...weights, qNorm: q }, { keep: 4, rope: { theta: 1e6 }, epsilon: 1e-5 });
  const cache = layer.state({ b: 2 });
  layer.append(cache, layer.forward(q, { out: q, cuSeqLens: k }));
  cache.rollback(cache.snapshot());
  // @ts-expect-error: scores are made from something
  new DynamicMaskAttention({ ...weights, a: undefined });
  // @ts-expect-error: of the constructor
  layer.forward(q, { keep: 4 });
  // @ts-expect-error: layers make them
  new DmaCache();
  return dynamicMaskAttention(q, k, v, { wdt: k, a: q, keep: 1024, selection: 'shared' });
}

export function otherCalls(x: Tensor, lse: Tensor, signal: AbortSignal): void {
  mergeAttention(
    [
      { out: x, lse },
      { out: x, weight: lse },
    ],
    { sinks: lse, signal },
  );
  // @ts-expect-error: the output is what is merged
  mergeAttention([{ lse }]);
  // @ts-expect-error: a list
  mergeAttention({ out: x, lse });

  rope(x, { signal, offset: 5, pairing: 'interleaved', scaling: { type: 'linear', factor: 2 } });
  rope(x, { scaling: { type: 'yarn', factor: 4, originalMax: 4096, truncate: false } });
  // @ts-expect-error: no such pairing
  rope(x, { pairing: 'neox' });
  // @ts-expect-error: linear scaling has a factor
  rope(x, { scaling: { type: 'linear' } });
  // @ts-expect-error: fields of another scaling
  rope(x, { scaling: { type: 'linear', factor: 2, betaFast: 3 } });

  rmsNorm(x, { weight: lse, epsilon: 1e-5, out: x, signal });
  // @ts-expect-error: the weight is a tensor
  rmsNorm(x, { weight: 1 });

  linear(x, lse, { bias: lse, precision: 'bfloat16', out: x, signal });
  // @ts-expect-error: weights are needed
  linear(x);
  // @ts-expect-error: only this one
  linear(x, lse, { precision: 'float16' });
  // @ts-expect-error: a tensor
  linear(x, lse, { bias: [1] });

  const { q, k, v } = headCounts('sqa', { heads: 16 });
  [q, k, v].map((count) => count.toFixed());
  // @ts-expect-error: no such design
  headCounts('smqa', { heads: 16 });
  // @ts-expect-error: heads are needed
  headCounts('gqa', {});
  configure({ threads: 2 });
  // @ts-expect-error: a number
  configure({ threads: '2' });
}

export function compressedConvCalls(latent: Tensor, value: Tensor, w: Tensor): Tensor {
  const projections = { latent, value, delayed: value };
  const parameters = { w1: w, w2: w, temperature: w };
  compressedConvAttention(projections, parameters);
  compressedConvAttention(
    projections,
    { ...parameters, b1: w, b2: w, delayedBias: w },
    { tempMode: 'raw', rope: false },
  );
  compressedConvAttention(projections, parameters, {
    cuSeqLens: w,
    causal: false,
    rope: { theta: 1e6, rotaryDim: 64 },
  });
  // @ts-expect-error: the delayed half is needed
  compressedConvAttention({ latent, value }, parameters);
  // @ts-expect-error: weights are needed
  compressedConvAttention(projections, { w1: w, w2: w });
  // @ts-expect-error: no such mode
  compressedConvAttention(projections, parameters, { tempMode: 'log' });
  // @ts-expect-error: the prologue does not attend
  compressedConvPrologue(projections, parameters, { causal: true });
  const state = new CcaState(parameters, { b: 2, dtype: 'float16', rope: { rotaryDim: 8 } });
  state.rollback(state.snapshot());
  state.append(projections, { out: w });
  // @ts-expect-error: positions follow from what is there
  new CcaState(parameters, { rope: { positions: w } });
  // @ts-expect-error: of the constructor
  state.append(projections, { tempMode: 'raw' });
  const weights = { ...parameters, wq: w, wk: w, wv1: w, wv2: w, wo: w };
  const layer = new CompressedConvAttention(weights, { tempMode: 'raw', causal: true });
  layer.append(layer.state({ b: 2 }), layer.forward(w, { out: w }));
  // @ts-expect-error: the output projection is needed
  new CompressedConvAttention({ ...weights, wo: undefined });
  // @ts-expect-error: of each call
  new CompressedConvAttention(weights, { lengths: w });
  const { q, k, v } = compressedConvPrologue(projections, parameters, { lengths: w, out: { q: w, k: w, v: w } });
  // @ts-expect-error: all three
  compressedConvPrologue(projections, parameters, { out: { q: w, k: w } });
  return attention(q, k, v, { causal: true });
}

export async function questions(tensor: Tensor): Promise<void> {
  const request = { op: 'attention', b: 1, sQ: 1, sKv: 1, hQ: 1, hKv: 1, d: 8 } as const;
  const answer: boolean = supports(request);
  const { signal } = new AbortController();
  const { timeBound, reason } = await explain({ ...request, window: { left: 3 }, lse: true }, { signal });
  const limit: 'compute' | 'memory' = timeBound.limitedBy;
  supports({ ...request, bias: [1, 1], mask: true, gate: { shape: [1] }, segments: { q: true, k: [1, 1] } });
  supports({ ...request, window: { left: true, right: null }, sinkTokens: [1], headMap: { k: true, v: 'tile' } });
  // @ts-expect-error: two of them, as in a call
  supports({ ...request, segments: { q: true } });
  const sizes = { b: 1, sQ: 1, sKv: 1, hQ: 1, hKv: 1, d: 8 };
  supports({ op: 'dynamicMaskAttention', ...sizes, keep: 4, wdt: true, form: 'linear', hB: 1 });
  supports({ op: 'dynamicMaskAttention', ...sizes, intervals: true });
  const latent = { op: 'compressedConvAttention', b: 1, s: 1, hQ: 1, hKv: 1, d: 8 } as const;
  supports({ ...latent, lengths: true, tempMode: 'raw', rope: { rotaryDim: 4 } });
  // @ts-expect-error: requests have no positions
  supports({ ...latent, rope: { positions: tensor } });
  supports({ op: 'blockSparseAttention', ...sizes, blockQ: 1, blockK: 1, full: 1 });
  supports({ op: 'linear', rows: 1, in: 2, out: 3, bias: true, precision: 'bfloat16' });
  // @ts-expect-error: scores are chosen from, or made
  supports({ op: 'dynamicMaskAttention', ...sizes, scores: true });
  // @ts-expect-error: sizes of blocks are needed
  supports({ op: 'blockSparseAttention', ...sizes, full: 1 });
  // @ts-expect-error: widths are needed
  supports({ op: 'linear', rows: 1 });
  // @ts-expect-error: no element type
  supports({ ...request, bias: { dtype: 'float64' } });
  // @ts-expect-error: a request is queued nowhere
  supports({ ...request, stream: undefined });
  // @ts-expect-error: the op is named
  supports({ b: 1, sQ: 1, sKv: 1, hQ: 1, hKv: 1, d: 8 });
  // @ts-expect-error: there may be none
  reason.length;
  // @ts-expect-error: requests have no tensors
  supports({ ...request, headMap: { k: tensor } });
  // @ts-expect-error: nor as an option
  supports({ ...request, bias: tensor });
  // @ts-expect-error: answers are not to be changed
  timeBound.seconds = 0;
  const status = cudaStatus();
  // @ts-expect-error: only where it is available
  status.devices;
  if (!status.available) status.message.concat(limit, String(answer));
}
