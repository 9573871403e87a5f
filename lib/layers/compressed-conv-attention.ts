import { only, readOptions } from '../checks/options.js';
import type { FloatDType } from '../dtype.js';
import { AttentionError } from '../errors.js';
import { compressedConvAttention } from '../ops/compressed-conv-attention.js';
import type { CcaParameters } from '../ops/compressed-conv/options.js';
import { CcaState, sequencesOf } from '../ops/compressed-conv/state.js';
import { stepNames, type CcaStateOptions, type CcaStepOptions } from '../ops/compressed-conv/state-options.js';
import { linear } from '../ops/linear.js';
import { allocate, type Tensor } from '../tensor.js';
import {
  fileNames,
  forwardNames,
  layerNames,
  stateNames,
  type CcaForwardOptions,
  type CcaLayerOptions,
} from './cca-layer-options.js';
import { expectWeights, readWeights, type CcaLayerSizes, type CcaWeights } from './cca-weights.js';
import { Layer } from './layer.js';
import { expectInput, expectSequences } from './layer-checks.js';
import type { SafetensorsOptions } from './weights-file.js';
import { zayaNames } from './zaya-weights.js';

/** Where a call is queued, what revokes it, and where its result goes. */
type Queued = Pick<CcaForwardOptions, 'stream' | 'signal' | 'out'>;

/**
 * A layer of compressed convolutional attention: the projections of `x`, {@link compressedConvAttention}, and the output
 * projection. It keeps its weights but does not own them, but for those it has read from a file.
 *
 * @see CCA, arXiv:2510.04476, listing 1.
 */
export class CompressedConvAttention extends Layer {
  readonly #weights: CcaWeights;
  readonly #parameters: CcaParameters;
  readonly #sizes: CcaLayerSizes;
  readonly #options: CcaLayerOptions;
  readonly #states = new WeakSet<CcaState>();

  /**
   * @throws {TypeError} `ERR_NOT_A_TENSOR`: a missing weight, by name. `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
   * @throws {RangeError} `ERR_SHAPE`: sizes or head counts that do not fit. `ERR_DEVICE`, `ERR_LAYOUT`.
   * @throws {AttentionError} `ERR_OPTION`: an unknown option. `ERR_UNSUPPORTED`: more than 8 taps.
   */
  constructor(weights: CcaWeights, options: CcaLayerOptions = {}) {
    super();
    this.#options = readOptions('CompressedConvAttention', options, layerNames);
    this.#weights = readWeights(weights);
    this.#sizes = expectWeights(this.#weights);
    const { w1, b1, w2, b2, temperature, bv2 } = this.#weights;
    this.#parameters = {
      w1,
      w2,
      temperature,
      ...(b1 && { b1 }),
      ...(b2 && { b2 }),
      ...(bv2 && { delayedBias: bv2 }),
    };
  }

  /**
   * A layer of a safetensors file, whose names are those of ZAYA checkpoints, of Zyphra or of Hugging Face. Reads the
   * weights of this layer only. ZAYA1 needs `tempMode: 'raw'` and `rope: { rotaryDim: 64, theta: … }`.
   *
   * @param options `layer`: its number, in `'model.layers.<number>.self_attn.'`; or `prefix`, in place of that.
   * @throws {AttentionError} `ERR_OPTION`: the file lacks a weight; the message names it. Errors of the file system.
   */
  static async fromSafetensors(
    file: string,
    options: CcaLayerOptions & SafetensorsOptions,
  ): Promise<CompressedConvAttention> {
    const given = readOptions('fromSafetensors', options, fileNames);
    const own = only(given, [...layerNames]);
    return Layer.ofFile(file, given, zayaNames, (weights) => new CompressedConvAttention(weights, own));
  }

  /** Query heads, key heads, head dim, and the model width `e`. */
  get sizes(): Readonly<Pick<CcaLayerSizes, 'hQ' | 'hKv' | 'd' | 'e'>> {
    const { hQ, hKv, d, e } = this.#sizes;
    return Object.freeze({ hQ, hKv, d, e });
  }

  /**
   * Queues the whole layer.
   *
   * @param x `[b, s, E]`; packed `[t, E]`, with `cuSeqLens`.
   * @returns Like `x`. Padding gives the bias of the output projection, or zeros.
   * @throws As {@link compressedConvAttention} and {@link linear}.
   */
  forward(x: Tensor, options: CcaForwardOptions = {}): Tensor<FloatDType> {
    const given = readOptions('forward', options, forwardNames);
    expectInput(x, given, this.#weights, given.cuSeqLens !== undefined);
    const rest = only(given, ['cuSeqLens', 'lengths', 'lse', 'stream', 'signal']);
    const attend = (projections: Record<'latent' | 'value' | 'delayed', Tensor>) =>
      compressedConvAttention(projections, this.#parameters, { ...this.#options, ...rest });
    return this.#through(x, given, attend);
  }

  /**
   * A state for sequences that grow, for {@link append}.
   *
   * @throws As {@link CcaState}; `ERR_OPTION`: the layer is not causal, or has `rope.positions`.
   */
  state(options: Pick<CcaStateOptions, 'b' | 'capacity'> = {}): CcaState {
    const given = readOptions('state', options, stateNames);
    const { causal = true, rope, ...rest } = this.#options;
    if (!causal)
      throw new AttentionError('ERR_OPTION', 'a state is of a layer that is causal: later keys do not exist');
    if (rope !== false && rope?.positions !== undefined)
      throw new AttentionError(
        'ERR_OPTION',
        'rope.positions are of one call; tokens of a state stand one after the other',
      );
    const { dtype, device } = this.#weights.wq as Tensor<FloatDType>;
    const state = new CcaState(this.#parameters, {
      ...given,
      ...rest,
      ...(rope !== undefined && { rope }),
      dtype,
      device,
    });
    this.#states.add(state);
    return state;
  }

  /**
   * Queues the layer for the next tokens of every sequence of `state`, which it has made.
   *
   * @param x `[b, n, E]`.
   * @returns Like `x`.
   * @throws As {@link CcaState.append}; `ERR_OPTION`: the state of another layer. `ERR_DISPOSED`: the state is gone.
   */
  append(state: CcaState, x: Tensor, options: CcaStepOptions = {}): Tensor<FloatDType> {
    const given = readOptions('append', options, stepNames);
    if (!this.#states.has(state)) throw new AttentionError('ERR_OPTION', 'state must be one that this layer has made');
    expectInput(x, given, this.#weights, false);
    expectSequences(x, sequencesOf(state));
    const rest = only(given, ['lse', 'stream', 'signal']);
    using before = state.snapshot();
    try {
      return this.#through(x, given, (projections) => state.append(projections, rest));
    } catch (error) {
      state.rollback(before); // it may have the tokens already: the output projection comes last
      throw error;
    }
  }

  /** Projects, attends, projects back. What lies between is disposed of: the stream keeps what it needs. */
  #through(
    x: Tensor,
    given: Queued,
    attend: (projections: Record<'latent' | 'value' | 'delayed', Tensor>) => Tensor,
  ): Tensor<FloatDType> {
    const { wq, bq, wk, bk, wv1, bv1, wv2, bv2, wo, bo } = this.#weights;
    const { hQ, hKv, d } = this.#sizes;
    const made: Tensor[] = [];
    const keep = <T extends Tensor>(tensor: T): T => (made.push(tensor), tensor);
    const queued = { ...only(given, ['stream', 'signal']), ...only(this.#options, ['precision']) };
    const tokens = x.shape.slice(0, -1);
    try {
      const latent = keep(allocate(Object.freeze([...tokens, (hQ + hKv) * d]), x.dtype, x.device));
      const columns = (from: number, to: number) => keep(latent.slice([...tokens.map(() => null), [from, to]]));
      linear(x, wq, { ...queued, out: columns(0, hQ * d), ...(bq && { bias: bq }) });
      linear(x, wk, { ...queued, out: columns(hQ * d, (hQ + hKv) * d), ...(bk && { bias: bk }) });
      const value = keep(linear(x, wv1, { ...queued, ...(bv1 && { bias: bv1 }) }));
      const delayed = keep(linear(x, wv2, { ...queued, ...(bv2 && { bias: bv2 }) }));
      const attended = keep(attend({ latent, value, delayed }));
      const rows = keep(attended.reshape([...tokens, hQ * d]));
      return linear(rows, wo, { ...queued, ...(bo && { bias: bo }), ...only(given, ['out']) });
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }
}
