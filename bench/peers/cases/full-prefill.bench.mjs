// Is attention without a mask as fast as ONNX Runtime's tiled MultiHeadAttention?

import { defineBench } from '../../define.mjs';
import { multiHeadAttention } from '../onnxruntime.mjs';
import { versus } from '../versus.mjs';

const works = [
  { s: 2048, h: 16, d: 64 },
  { s: 2048, h: 32, d: 128 },
];

export default defineBench({
  name: 'full-prefill',
  question: "How does float32 attention without a mask compare with ONNX Runtime's MultiHeadAttention?",
  rows: works.map(({ s, h, d }) => ({
    name: `full float32, S=${s}, ${h}/${h} heads, d=${d}, vs ORT MultiHeadAttention`,
    unit: 'x',
    atLeast: 1,
    measure: (context) => versus({ sQ: s, sKv: s, hQ: h, hKv: h, d }, [multiHeadAttention], context),
  })),
});
