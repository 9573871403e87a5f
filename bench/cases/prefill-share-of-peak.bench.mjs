// How much of the machine's multiply-add rate does prefill reach?

import { defineBench } from '../define.mjs';
import { flopsOf, ours, randomSets } from '../inputs.mjs';
import { shareOfCeiling } from '../measure.mjs';

const works = [
  { sQ: 2048, sKv: 2048, hQ: 32, hKv: 8, d: 128, causal: true, atLeast: 75 },
  { sQ: 4096, sKv: 4096, hQ: 32, hKv: 8, d: 128, causal: true, atLeast: 75 },
  { sQ: 2048, sKv: 2048, hQ: 32, hKv: 32, d: 128, causal: false, atLeast: 75 },
  { sQ: 4096, sKv: 4096, hQ: 16, hKv: 4, d: 64, causal: true },
  { sQ: 512, sKv: 512, hQ: 16, hKv: 4, d: 64, causal: true },
];

export default defineBench({
  name: 'prefill-share-of-peak',
  question: "How much of the machine's own multiply-add rate does float32 prefill reach?",
  rows: works.map(({ atLeast, ...work }) => ({
    name: `share of peak, ${work.causal ? 'causal' : 'full'}, S=${work.sQ}, ${work.hQ}/${work.hKv} heads, d=${work.d}`,
    unit: '%',
    ...(atLeast && { atLeast }),
    measure: (context) =>
      shareOfCeiling(ours('float32', randomSets(work), { causal: work.causal }), flopsOf(work), 'f32Flops', context),
  })),
});
