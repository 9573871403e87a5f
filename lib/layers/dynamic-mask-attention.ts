import { only, readOptions } from '../checks/options.js';
import type { FloatDType } from '../dtype.js';
import { AttentionError } from '../errors.js';
import {
  cacheNames,
  makeCache,
  roomIn,
  sequencesOf,
  stateOf,
  tokensOf,
  unlessItFails,
  type DmaCache,
  type DmaCacheOptions,
} from '../ops/dynamic-mask/cache.js';
import { dynamicMaskScores } from '../ops/dynamic-mask/scores.js';
import { dynamicMaskAttention } from '../ops/dynamic-mask-attention.js';
import { linear } from '../ops/linear.js';
import { expectStream } from '../stream.js';
import { allocate, type Tensor } from '../tensor.js';
import { joined, queueHeads, type Heads, type Keep } from './dma-heads.js';
import {
  expectCarried,
  expectForward,
  fileNames,
  forwardNames,
  layerNames,
  readLayerOptions,
  stepNames,
  type DmaForwardOptions,
  type DmaLayerOptions,
  type DmaStepOptions,
} from './dma-layer-options.js';
import { expectWeights, readWeights, type DmaLayerSizes, type DmaWeights } from './dma-weights.js';
import { dogeNames } from './doge-weights.js';
import { Layer } from './layer.js';
import { expectInput, expectSequences } from './layer-checks.js';
import type { SafetensorsOptions } from './weights-file.js';

/**
 * A layer of dynamic-mask attention: the projections of `x`, the norm of heads where it has one, the turn of queries and
 * keys, {@link dynamicMaskAttention} with scores made from the values, and the output projection. It keeps its weights but
 * does not own them, but for those it has read from a file.
 *
 * @see Trainable dynamic mask sparse attention, arXiv:2508.02124, section 3.
 */
export class DynamicMaskAttention extends Layer {
  readonly #weights: DmaWeights;
  readonly #sizes: DmaLayerSizes;
  readonly #options: DmaLayerOptions;
  readonly #caches = new WeakSet<DmaCache>();

  /**
   * @throws {TypeError} `ERR_NOT_A_TENSOR`: a missing weight, by name. `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
   * @throws {RangeError} `ERR_SHAPE`: sizes or head counts that do not fit. `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
   * @throws {AttentionError} `ERR_OPTION`: an unknown option, options that contradict one another, or no `headDim` where
   *   there are no norms to tell it.
   */
  constructor(weights: DmaWeights, options: DmaLayerOptions = {}) {
    super();
    const given = readOptions('DynamicMaskAttention', options, layerNames);
    this.#weights = readWeights(weights);
    this.#sizes = expectWeights(this.#weights, given.headDim);
    this.#options = readLayerOptions(given, this.#sizes.d, this.#weights.wq);
  }

  /**
   * A layer of a safetensors file, whose names are those of Doge checkpoints, of Hugging Face or of small-doge; the latter
   * have no norms, and need `headDim`. Reads the weights of this layer only.
   *
   * @param options `layer`: its number, in `'model.layers.<number>.self_attn.'`; or `prefix`, in place of that.
   * @throws {AttentionError} `ERR_OPTION`: the file lacks a weight; the message names it. `ERR_UNSUPPORTED`: it has a bias of
   *   the scores. Errors of the file system.
   */
  static async fromSafetensors(
    file: string,
    options: DmaLayerOptions & SafetensorsOptions,
  ): Promise<DynamicMaskAttention> {
    const given = readOptions('fromSafetensors', options, fileNames);
    const own = only(given, [...layerNames]);
    return Layer.ofFile(file, given, dogeNames, (weights) => new DynamicMaskAttention(weights, own));
  }

  /** Query heads, key heads, score heads, head dims, and the model width `e`. */
  get sizes(): Readonly<DmaLayerSizes> {
    return Object.freeze({ ...this.#sizes });
  }

  /**
   * Queues the whole layer.
   *
   * @param x `[b, s, E]`; packed `[t, E]`, with `cuSeqLens`. Padding may be anything finite, and its rows of the result mean
   *   nothing.
   * @returns Like `x`.
   * @throws As {@link dynamicMaskAttention}, {@link rmsNorm}, {@link rope} and {@link linear}.
   */
  forward(x: Tensor, options: DmaForwardOptions = {}): Tensor<FloatDType> {
    const given = readOptions('forward', options, forwardNames);
    expectInput(x, given, this.#weights, given.cuSeqLens !== undefined);
    expectForward(this.#options, given);
    const { cuSeqLens, lengths } = given;
    const { wdt, a } = this.#weights;
    const { hKv, d, dV } = this.#sizes;
    const make = (keep: Keep) => ({
      k: keep(allocate(Object.freeze([...x.shape.slice(0, -1), hKv, d]), x.dtype, x.device)),
      v: keep(allocate(Object.freeze([...x.shape.slice(0, -1), hKv, dV]), x.dtype, x.device)),
    });
    return this.#through(x, given, 0, make, ({ q, k, v }) =>
      dynamicMaskAttention(q, k, v, {
        ...only(this.#options, ['form', 'keep', 'selection', 'blockSize', 'scale']),
        ...only(given, ['lse', 'stream', 'signal']),
        ...{ wdt, a, causal: this.#options.causal ?? true },
        ...(lengths && { kvLengths: lengths }),
        ...(cuSeqLens && { cuSeqLensQ: cuSeqLens, cuSeqLensK: cuSeqLens }),
      }),
    );
  }

  /**
   * A state for sequences that grow, for {@link append}.
   *
   * @throws {AttentionError} `ERR_OPTION`: the layer is not causal, its selection is not `'perQuery'`, it has a `blockSize`,
   *   or how it turns depends on positions or on the length. `ERR_OUT_OF_MEMORY`. `ERR_ARGUMENT_TYPE`, `ERR_ARGUMENT_VALUE`.
   */
  state(options: DmaCacheOptions = {}): DmaCache {
    const { b = 1, capacity = 256 } = readOptions('state', options, cacheNames);
    expectCarried(this.#options);
    const { dtype, device } = this.#weights.wq as Tensor<FloatDType>;
    const { hKv, d, dV, hB } = this.#sizes;
    const { keep } = this.#options;
    const cache = makeCache({ b, capacity, hKv, d, dV, hB, dtype, device, ...(keep !== undefined && { keep }) });
    this.#caches.add(cache);
    return cache;
  }

  /**
   * Queues the layer for the next tokens of every sequence of `state`, which it has made: a prompt, a part of one, or one
   * token, for which it gathers the keys that are kept, however many there were.
   *
   * @param x `[b, n, E]`.
   * @returns Like `x`.
   * @throws As {@link forward}; then the state is as before. `ERR_OPTION`: the state of another layer. `ERR_DISPOSED`.
   *   Work that is revoked, or fails later, leaves a state that fails whoever reads it: roll back to an earlier snapshot.
   */
  append(state: DmaCache, x: Tensor, options: DmaStepOptions = {}): Tensor<FloatDType> {
    const given = readOptions('append', options, stepNames);
    if (!this.#caches.has(state)) throw new AttentionError('ERR_OPTION', 'state must be one that this layer has made');
    const { length } = state; // throws where it has been disposed of
    expectInput(x, given, this.#weights, false);
    expectSequences(x, sequencesOf(state));
    const stream = expectStream(given.stream, x.device);
    const queued = { ...only(given, ['signal']), stream };
    const count = x.shape[1]!;
    const { wdt, a } = this.#weights;
    let scores: Tensor | undefined;
    const make = (keep: Keep) => {
      const room = roomIn(state, count, stream);
      scores = keep(room.scores);
      return { k: keep(room.k), v: keep(room.v) };
    };
    return unlessItFails(state, stream, () =>
      this.#through(x, given, length, make, ({ q, v }, keep) => {
        dynamicMaskScores(v, { ...only(this.#options, ['form']), wdt, a, out: scores!, ...queued });
        stateOf(state).append(scores!, queued);
        const all = tokensOf(state, length + count);
        for (const tensor of [all.k, all.v, all.scores]) keep(tensor);
        const kept = count === 1 ? { state: stateOf(state) } : { scores: all.scores, causal: true };
        return dynamicMaskAttention(q, all.k, all.v, {
          ...only(this.#options, count === 1 ? ['scale'] : ['scale', 'keep']),
          ...only(given, ['lse']),
          ...{ ...kept, ...queued },
        });
      }),
    );
  }

  /** Projects, attends, projects back. What lies between is disposed of: the stream keeps what it needs. */
  #through(
    x: Tensor,
    given: Pick<DmaForwardOptions, 'stream' | 'signal' | 'out'>,
    past: number,
    make: (keep: Keep) => Omit<Heads, 'q'>,
    attend: (heads: Heads, keep: Keep) => Tensor,
  ): Tensor<FloatDType> {
    const { wo, bo } = this.#weights;
    const { hQ, d } = this.#sizes;
    const made: Tensor[] = [];
    const keep: Keep = (tensor) => (made.push(tensor), tensor);
    const queued = only(given, ['stream', 'signal']);
    try {
      const q = keep(allocate(Object.freeze([...x.shape.slice(0, -1), hQ, d]), x.dtype, x.device));
      const heads: Heads = { q, ...make(keep) };
      queueHeads(x, heads, this.#weights, this.#options, past, queued);
      const rows = keep(joined(keep(attend(heads, keep))));
      const project = { ...queued, ...only(this.#options, ['precision']), ...only(given, ['out']) };
      return linear(rows, wo, { ...project, ...(bo && { bias: bo }) });
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }
}
