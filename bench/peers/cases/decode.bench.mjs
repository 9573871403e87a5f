// Is one query over many keys faster than the better of ONNX Runtime's two operators for it?

import { defineBench } from '../../define.mjs';
import { groupQueryAttention, onnxAttention } from '../onnxruntime.mjs';
import { versus } from '../versus.mjs';

const heads = [
  { hQ: 16, hKv: 4, d: 64 },
  { hQ: 32, hKv: 8, d: 128 },
];

export default defineBench({
  name: 'decode',
  question: 'How much faster is one query over many keys than the better of ORT Attention-23 and GroupQueryAttention?',
  rows: heads.flatMap(({ hQ, hKv, d }) =>
    [4096, 16384, 32768].map((sKv) => ({
      name: `one query, ${sKv} keys, ${hQ}/${hKv} heads, d=${d}, vs the better of ORT Attention-23 and GroupQueryAttention`,
      unit: 'x',
      atLeast: 3,
      measure: (context) => versus({ sQ: 1, sKv, hQ, hKv, d }, [onnxAttention, groupQueryAttention], context),
    })),
  ),
});
