// How much faster is bfloat16 than float32 where the machine multiplies bfloat16?

import { ours, randomSets } from '../inputs.mjs';
import { measureCeilings, ratioOfTimes } from '../measure.mjs';
import { defineBench } from '../define.mjs';

const works = [
  { sQ: 4096, sKv: 4096, hQ: 16, hKv: 4, d: 64 },
  { sQ: 2048, sKv: 2048, hQ: 32, hKv: 8, d: 128 },
  { sQ: 4096, sKv: 4096, hQ: 32, hKv: 8, d: 128 },
];

const shape = ({ sQ, hQ, hKv, d }) => `causal, S=${sQ}, ${hQ}/${hKv} heads, d=${d}`;

async function measure(work, context, dtype, options) {
  if (measureCeilings(context.threads).bf16Flops === 0) return { skipped: 'no bfloat16 dot product on this machine' };
  const narrow = ours(dtype === 'bfloat16' ? 'bfloat16' : 'precision bfloat16', randomSets(work, { dtype }), {
    causal: true,
    ...options,
  });
  return ratioOfTimes(narrow, [ours('float32', randomSets(work), { causal: true })], context);
}

export default defineBench({
  name: 'bf16-over-f32',
  question: 'How much faster is bfloat16 than our own float32?',
  rows: [
    ...works.map((work) => ({
      name: `bfloat16 over float32, ${shape(work)}`,
      unit: 'x',
      atLeast: 1.6,
      measure: (context) => measure(work, context, 'bfloat16', {}),
    })),
    ...works.slice(1, 2).map((work) => ({
      name: `float32 inputs with precision 'bfloat16', ${shape(work)}`,
      unit: 'x',
      measure: (context) => measure(work, context, 'float32', { precision: 'bfloat16' }),
    })),
  ],
});
