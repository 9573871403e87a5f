// Is causal prefill with shared heads faster than ONNX Runtime's GroupQueryAttention?

import { defineBench } from '../../define.mjs';
import { groupQueryAttention } from '../onnxruntime.mjs';
import { versus } from '../versus.mjs';

const works = [
  { s: 512, hQ: 16, hKv: 4, d: 64, atLeast: 2 },
  { s: 2048, hQ: 16, hKv: 4, d: 64, atLeast: 1.5 },
  { s: 4096, hQ: 16, hKv: 4, d: 64, atLeast: 1.5 },
  { s: 2048, hQ: 32, hKv: 8, d: 128, atLeast: 1.35 },
  { s: 4096, hQ: 32, hKv: 8, d: 128, atLeast: 1.35 },
];

export default defineBench({
  name: 'causal-prefill',
  question: "How much faster is causal float32 prefill than ONNX Runtime's GroupQueryAttention?",
  rows: works.map(({ s, hQ, hKv, d, atLeast }) => ({
    name: `causal float32, S=${s}, ${hQ}/${hKv} heads, d=${d}, vs ORT GroupQueryAttention`,
    unit: 'x',
    atLeast,
    measure: (context) => versus({ sQ: s, sKv: s, hQ, hKv, d, causal: true }, [groupQueryAttention], context),
  })),
});
