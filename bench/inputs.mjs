// Inputs, and our side of a comparison.

import { attention, Stream, Tensor } from '../dist/esm.mjs';
import { lastLevelCacheBytes } from '../dist/cli/last-level-cache.js';

/** Everything that is timed runs on one stream, so that inputs are written before they are read. */
export const stream = new Stream('cpu');

/** How many sets of inputs of this size to rotate through, so that none is in a cache when its turn comes. */
export function coldSets(bytesPerSet) {
  return Math.max(1, Math.ceil((4 * lastLevelCacheBytes()) / bytesPerSet));
}

/** Evenly spread over [-1, 1), the same for the same seed. */
export function uniform(length, seed) {
  const values = new Float32Array(length);
  let state = (seed * 2654435761) | 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13; // xorshift32
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = state / 2 ** 31;
  }
  return values;
}

/** @param {{ sQ: number, sKv: number, hQ: number, hKv: number, d: number }} work Batch 1. */
export function bytesOf({ sQ, sKv, hQ, hKv, d }, bytesPer = 4) {
  return 2 * (sQ * hQ + sKv * hKv) * d * bytesPer; // q and out, k and v
}

/** Products of 2 flop per multiply-add, two of them per visible pair. */
export function flopsOf({ sQ, sKv, hQ, d, causal = false }) {
  const pairs = causal ? (sQ * (2 * sKv - sQ + 1)) / 2 : sQ * sKv;
  return 4 * pairs * hQ * d;
}

/** As many cold sets of random tensors as the work needs. */
export function randomSets(work, { dtype = 'float32', layout = 'bshd' } = {}) {
  const { sQ, sKv, hQ, hKv, d } = work;
  return Array.from({ length: coldSets(bytesOf(work, dtype === 'float32' ? 4 : 2)) }, (_, set) => {
    const random = (shape, seed) => Tensor.randn(shape, { dtype, stream, seed: 3 * set + seed });
    const keys = (seed) =>
      layout === 'bshd' ? random([1, sKv, hKv, d], seed) : random([1, hKv, sKv, d], seed).transpose(1, 2);
    return { q: random([1, sQ, hQ, d], 0), k: keys(1), v: keys(2) };
  });
}

/**
 * attention(), or an operation like it, as a contestant: a timed call is the call and the wait for its result.
 *
 * @param {{ q: Tensor, k: Tensor, v: Tensor }[]} sets Rotated through, and disposed with the contestant.
 * @param {object} [options] Of attention().
 */
export function ours(name, sets, options = {}, operation = attention) {
  const out = Tensor.empty(sets[0].q.shape, { dtype: sets[0].q.dtype });
  const queue = ({ q, k, v }) => operation(q, k, v, { ...options, out, stream });
  let next = 0;
  return {
    name,
    async run() {
      queue(sets[next++ % sets.length]);
      await stream.synchronize();
    },
    /** The result for the first set. */
    async result() {
      return queue(sets[0]).toArray();
    },
    async dispose() {
      await stream.synchronize();
      for (const tensor of [out, ...sets.flatMap(({ q, k, v }) => [q, k, v])]) tensor.dispose();
    },
  };
}
