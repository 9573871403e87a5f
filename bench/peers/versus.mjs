// Builds both sides of a comparison from the same numbers, and times them only after they agree.

import { Tensor } from '../../dist/esm.mjs';
import { bytesOf, coldSets, ours, uniform } from '../inputs.mjs';
import { ratioOfTimes } from '../measure.mjs';

// Each side is within 1e-6 of the exact result for inputs in [-1, 1). One key too many or too few moves an output by
// about 1 / sKv: 3e-5 at the longest, so it cannot hide.
const AGREEMENT = 1e-5;

/**
 * @typedef {{ sQ: number, sKv: number, hQ: number, hKv: number, d: number, causal?: boolean }} Work Batch 1.
 * @typedef {(work: Work, sets: object[], threads: number) => Promise<import('../measure.mjs').Contestant>} Peer
 */

/**
 * How many times faster attention() is than the quickest peer. With one query, keys lie as [h, s, d] on both sides,
 * else as [s, h, d]: what the peers take without a transposition of their own.
 * @param {Work} work
 * @param {Peer[]} peers
 */
export async function versus(work, peers, context) {
  const small = { ...work, sQ: Math.min(work.sQ, 80), sKv: 80 };
  const differences = [await expectAgreement(small, peers, context)];
  const arrays = arraysOf(work, coldSets(bytesOf(work)));
  const contestants = await contestantsOf(work, arrays, peers, context);
  differences.push(await differenceOf(contestants));
  const { values, detail } = await ratioOfTimes(contestants[0], contestants.slice(1), context);
  return { values, detail: { ...detail, sets: arrays.length, greatestDifference: Math.max(...differences) } };
}

async function expectAgreement(work, peers, context) {
  const contestants = await contestantsOf(work, arraysOf(work, 1), peers, context);
  const difference = await differenceOf(contestants);
  for (const contestant of contestants) await contestant.dispose();
  return difference;
}

async function contestantsOf(work, arrays, peers, { threads }) {
  const mine = ours(
    'fused-attention',
    arrays.map((set) => tensorsOf(work, set)),
    { causal: work.causal ?? false },
  );
  return [mine, ...(await Promise.all(peers.map((peer) => peer(work, arrays, threads))))];
}

function arraysOf({ sQ, sKv, hQ, hKv, d }, count) {
  return Array.from({ length: count }, (_, set) => ({
    q: uniform(sQ * hQ * d, 3 * set + 1),
    k: uniform(sKv * hKv * d, 3 * set + 2),
    v: uniform(sKv * hKv * d, 3 * set + 3),
  }));
}

function tensorsOf({ sQ, sKv, hQ, hKv, d }, { q, k, v }) {
  const keys = (array) =>
    sQ === 1 ? Tensor.from(array, [1, hKv, sKv, d]).transpose(1, 2) : Tensor.from(array, [1, sKv, hKv, d]);
  return { q: Tensor.from(q, [1, sQ, hQ, d]), k: keys(k), v: keys(v) };
}

/** The greatest difference from the first contestant's result; throws where it is more than rounding. */
async function differenceOf(contestants) {
  const [mine, ...others] = contestants;
  const expected = await mine.result();
  let greatest = 0;
  for (const other of others) {
    const result = await other.result();
    if (result.length !== expected.length) throw new Error(`${other.name} computes another shape than attention()`);
    let difference = 0;
    for (let i = 0; i < result.length; i++) difference = Math.max(difference, Math.abs(result[i] - expected[i]));
    if (!(difference <= AGREEMENT))
      throw new Error(`${other.name} and attention() differ by ${difference}: not the same computation`);
    greatest = Math.max(greatest, difference);
  }
  return greatest;
}
