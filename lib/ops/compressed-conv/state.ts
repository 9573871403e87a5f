import { expectChoice, expectInteger, only, readFields, readOptions } from '../../checks/options.js';
import { expectFloat } from '../../checks/dtypes.js';
import {
  expectApartFrom,
  expectShape,
  expectTensor,
  expectTensorDevice,
  expectTensorDType,
} from '../../checks/tensors.js';
import type { FloatDType } from '../../dtype.js';
import { AttentionError } from '../../errors.js';
import type { NativeRopeDescription } from '../../native-module.js';
import { allocate, type Tensor } from '../../tensor.js';
import { readPlacement } from '../../tensor-options.js';
import { attention } from '../attention.js';
import { KeyBuffers, type KeyStore } from './buffers.js';
import { parameterNames, tempModes, type CcaParameters, type CcaProjections, type CcaTempMode } from './options.js';
import { checkPrologue, queuePrologue } from './prologue.js';
import { readHeads, type CcaHeadSizes } from './sizes.js';
import { SnapshotList } from '../snapshot-list.js';
import { disposePast, makeSnapshot, pastOf, sharedPast, type CcaSnapshot, type Past } from './snapshot.js';
import {
  readStateAttention,
  readStateRope,
  stateNames,
  stepNames,
  type CcaStateAttention,
  type CcaStateOptions,
  type CcaStepOptions,
} from './state-options.js';

/** @internal How many sequences there are. */
export let sequencesOf: (state: CcaState) => number;

/**
 * Compressed convolutional attention of sequences that grow: keeps keys, values, and what the convolutions and the shift
 * see of the tokens before. Any sequence of {@link CcaState.append} calls gives what one call with all tokens would.
 */
export class CcaState implements Disposable {
  readonly #parameters: CcaParameters;
  readonly #tempMode: CcaTempMode;
  /** Of the first token. */
  readonly #rope: NativeRopeDescription | undefined;
  readonly #attention: CcaStateAttention;
  readonly #heads: CcaHeadSizes;
  readonly #b: number;
  readonly #like: { readonly dtype: FloatDType; readonly device: string };
  readonly #snapshots = new SnapshotList<CcaSnapshot>((snapshot) => pastOf(snapshot)?.length);
  readonly #own = new WeakSet<CcaSnapshot>();
  #keys: KeyStore | undefined;
  #past: Past = { length: 0, history: undefined, delayed: undefined };

  static {
    sequencesOf = (state) => {
      state.#live();
      return state.#b;
    };
  }

  /**
   * @param parameters Of the layer; the state keeps them but does not own them.
   * @throws As {@link compressedConvAttention}, and {@link AttentionError} `ERR_OPTION`: a rope scaling that depends on
   *   the length, which grows, or positions.
   */
  constructor(parameters: CcaParameters, options: CcaStateOptions = {}) {
    const given = readOptions('CcaState', options, stateNames);
    const { b = 1, capacity = 256, tempMode = 'exp' } = given;
    expectInteger('b', b, 1);
    expectInteger('capacity', capacity, 1);
    const { dtype, device } = readPlacement<FloatDType>('CcaState', only(given, ['dtype', 'device']));
    expectFloat('dtype', dtype);
    this.#like = { dtype, device };
    this.#parameters = readFields('parameters', parameters, parameterNames);
    expectTensor('parameters.w2', this.#parameters.w2);
    this.#heads = readHeads(this.#parameters, this.#like, this.#parameters.w2.shape[0] ?? 0);
    expectChoice('tempMode', tempMode, tempModes);
    this.#tempMode = tempMode;
    this.#rope = readStateRope(given.rope, this.#heads.d);
    this.#attention = readStateAttention(given, b, this.#heads, this.#like);
    this.#b = b;
    this.#keys = new KeyBuffers({ b, hKv: this.#heads.hKv, d: this.#heads.d }, capacity, this.#like.dtype, device);
  }

  /** Tokens so far, of each sequence. */
  get length(): number {
    this.#live();
    return this.#past.length;
  }

  /**
   * Queues the next tokens of every sequence: a prompt, a part of one, or one token.
   *
   * @param projections `[b, n, …]`, in the dtype and on the device of the state.
   * @returns `[b, n, hQ, d]`.
   * @throws As {@link compressedConvAttention}; then the state is as before. Work that is revoked, or fails later, leaves
   *   keys that fail whoever reads them: roll back to a snapshot from before.
   */
  append(projections: CcaProjections, options: CcaStepOptions = {}): Tensor<FloatDType> {
    const keys = this.#live();
    const given = readOptions('append', options, stepNames);
    const { length, history, delayed } = this.#past;
    const queued = only(given, ['stream', 'signal']);
    const checked = checkPrologue(projections, this.#parameters, { tempMode: this.#tempMode, rope: false, ...queued });
    const call = { ...checked, rope: this.#turned(length) };
    this.#expectOwn(call.projections.latent);
    expectApartFrom('out', given.out, 'parameters', call.parameters);
    expectApartFrom('lse', given.lse, 'parameters', call.parameters);
    const { s, hQ, hKv, d, k1, k2 } = call.sizes;

    const made: Tensor[] = [];
    let next: Past = { length: length + s, history: undefined, delayed: undefined };
    try {
      if (k1 + k2 > 2) next = { ...next, history: this.#make(k1 + k2 - 2, (hQ + hKv) * d) };
      next = { ...next, delayed: this.#make((hKv * d) / 2) };
      const q = this.#make(s, hQ, d);
      const written = keys.write(length, next.length, call.stream, this.#snapshots.lengths());
      made.push(q, written.k, written.v);
      const carry = { history, delayedHistory: delayed, nextHistory: next.history, nextDelayed: next.delayed };
      queuePrologue(call, { q, ...written }, carry);
      const { k, v } = keys.read(next.length);
      made.push(k, v);
      const result = attention(q, k, v, { causal: true, ...this.#attention, ...given, stream: call.stream });
      disposePast(this.#past);
      this.#past = next;
      return result;
    } catch (error) {
      disposePast(next);
      throw error;
    } finally {
      for (const tensor of made) tensor.dispose();
    }
  }

  /** The state as it is, to come back to. Costs no copy: keys stay where they are, the rest is never written again. */
  snapshot(): CcaSnapshot {
    this.#live();
    const snapshot = makeSnapshot(sharedPast(this.#past));
    this.#own.add(snapshot);
    return this.#snapshots.add(snapshot);
  }

  /**
   * Takes back what was appended since `snapshot`, which can be used again. Later snapshots are disposed of.
   *
   * @throws {AttentionError} `ERR_DISPOSED`: the snapshot, or what it stands for, is gone. `ERR_OPTION`: it is of another
   *   state.
   */
  rollback(snapshot: CcaSnapshot): void {
    this.#live();
    const past = pastOf(snapshot);
    if (past === undefined)
      throw new AttentionError('ERR_DISPOSED', 'snapshot has been disposed of, or its tokens were taken back');
    if (!this.#own.has(snapshot)) throw new AttentionError('ERR_OPTION', 'snapshot is of another state');
    this.#snapshots.endAfter(past.length);
    disposePast(this.#past);
    this.#past = sharedPast(past);
  }

  /** Gives up the state and its snapshots. Idempotent. */
  dispose(): void {
    this.#keys?.dispose();
    this.#keys = undefined;
    disposePast(this.#past);
    this.#snapshots.endAfter(-1);
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #live(): KeyStore {
    if (this.#keys === undefined) throw new AttentionError('ERR_DISPOSED', 'the state has been disposed of');
    return this.#keys;
  }

  #turned(tokens: number): NativeRopeDescription | undefined {
    if (this.#rope === undefined) return undefined;
    const positionOffset = this.#rope.positionOffset + tokens;
    expectInteger('offset', positionOffset);
    return { ...this.#rope, positionOffset };
  }

  #make(...sizes: number[]): Tensor {
    return allocate(Object.freeze([this.#b, ...sizes]), this.#like.dtype, this.#like.device);
  }

  #expectOwn(latent: Tensor): void {
    expectTensorDType('projections.latent', latent, this.#like.dtype, ' like the state');
    expectTensorDevice('projections.latent', latent, this.#like.device);
    expectShape('projections.latent', latent, [this.#b, latent.shape[1]!, latent.shape[2]!]);
  }
}
