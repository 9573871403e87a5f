// Does time fall with the query heads, as the SQA family promises?

import { headCounts } from '../../dist/esm.mjs';
import { defineBench } from '../define.mjs';
import { ours, randomSets } from '../inputs.mjs';
import { ratioOfTimes } from '../measure.mjs';

const HEADS = 16;
const designs = [
  { name: 'sqa', label: 'SQA', atLeast: 1.85 },
  { name: 'xsqa', label: 'xSQA', atLeast: 3.6 },
];

function contestant(name, s) {
  const { q, k } = headCounts(name, { heads: HEADS });
  const sets = randomSets({ sQ: s, sKv: s, hQ: q, hKv: k, d: 64 });
  return ours(`${name} ${q}/${k}`, sets, { causal: true });
}

export default defineBench({
  name: 'head-count-ratios',
  question: 'How much faster than 16/16 heads are SQA and xSQA at the same length?',
  rows: [8192, 16384].flatMap((s) =>
    designs.map(({ name, label, atLeast }) => ({
      name: `MHA 16/16 over ${label}, causal, S=${s}, d=64`,
      unit: 'x',
      atLeast,
      measure: (context) => ratioOfTimes(contestant(name, s), [contestant('mha', s)], context),
    })),
  ),
});
