// How much of the machine's read bandwidth does one query reach, its keys out of cache?

import { defineBench } from '../define.mjs';
import { bytesOf, ours, randomSets } from '../inputs.mjs';
import { shareOfCeiling } from '../measure.mjs';

const heads = [
  { hQ: 16, hKv: 4, d: 64 },
  { hQ: 32, hKv: 8, d: 128 },
];

function row(work, { layout, dtype = 'float32', target }) {
  const { sKv, hQ, hKv, d } = work;
  return {
    name: `share of read bandwidth, one query, ${sKv} keys, ${hQ}/${hKv} heads, d=${d}, ${dtype}, keys as [${[...layout].join(', ')}]`,
    unit: '%',
    ...(target && { atLeast: 85 }),
    measure: (context) =>
      shareOfCeiling(
        ours(dtype, randomSets(work, { dtype, layout })),
        bytesOf(work, dtype === 'float32' ? 4 : 2),
        'readBytes',
        context,
      ),
  };
}

export default defineBench({
  name: 'decode-share-of-bandwidth',
  question: "How much of the machine's own read bandwidth does one query reach, its keys out of cache?",
  rows: heads.flatMap((each) => [
    row({ sQ: 1, sKv: 4096, ...each }, { layout: 'bhsd' }), // so short that queueing and waking show
    row({ sQ: 1, sKv: 16384, ...each }, { layout: 'bhsd', target: true }),
    row({ sQ: 1, sKv: 32768, ...each }, { layout: 'bhsd', target: true }),
    row({ sQ: 1, sKv: 32768, ...each }, { layout: 'bshd' }),
    row({ sQ: 1, sKv: 32768, ...each }, { layout: 'bhsd', dtype: 'bfloat16' }),
  ]),
});
