// How near does attention over lists of key blocks come to the share of the work that they name?

import { blockSparseAttention, Tensor } from '../../dist/esm.mjs';
import { defineBench } from '../define.mjs';
import { ours, randomSets, stream } from '../inputs.mjs';
import { ratioOfTimes } from '../measure.mjs';

const [S, BLOCK] = [8192, 128];
const work = { sQ: S, sKv: S, hQ: 32, hKv: 8, d: 128 };

/** Of the blocks that causality shows a share at random, and always the nearest; full ones in front of the diagonal. */
function lists(share) {
  const blocks = S / BLOCK;
  const kept = { partial: { offsets: [0], indices: [] }, full: { offsets: [0], indices: [] } };
  let random = 1;
  for (let i = 0; i < blocks; ++i) {
    for (let j = 0; j <= i; ++j) {
      random = (random * 48271) % 0x7fffffff;
      if (j === i) kept.partial.indices.push(j);
      else if (random / 0x7fffffff < share) kept.full.indices.push(j);
    }
    for (const list of Object.values(kept)) list.offsets.push(list.indices.length);
  }
  const tensor = (values, shape) => Tensor.from(Int32Array.from(values), shape);
  const rows = ({ offsets, indices }) => ({
    offsets: tensor(offsets, [1, 1, blocks + 1]),
    indices: tensor(indices, [indices.length]),
  });
  return { blockQ: BLOCK, blockK: BLOCK, partial: rows(kept.partial), full: rows(kept.full) };
}

export default defineBench({
  name: 'block-sparse',
  question: 'How much faster than dense attention is attention over a share of the key blocks?',
  rows: [0.25, 0.05].map((share) => ({
    name: `dense over ${100 * share} % of the blocks, causal, S=${S}, blocks of ${BLOCK}, 32/8 heads, d=128`,
    unit: 'x',
    measure: async (context) => {
      const listed = lists(share);
      await stream.synchronize();
      const sparse = ours('block lists', randomSets(work), { causal: true, lists: listed }, blockSparseAttention);
      return ratioOfTimes(sparse, [ours('dense', randomSets(work), { causal: true })], context);
    },
  })),
});
