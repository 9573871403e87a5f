// The operators of ONNX Runtime that compute what attention() computes, as contestants: a session with one node,
// inputs and outputs prepared, so that a timed call is `session.run()` and nothing else.

import { createRequire } from 'node:module';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { oneNodeModel } from './onnx-model.mjs';

export const version = createRequire(import.meta.url)('onnxruntime-node/package.json').version;

async function createSession(node, threads) {
  return InferenceSession.create(oneNodeModel(node), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
}

const floats = (data, dims) => new Tensor('float32', data, dims);
const sizeOf = (dims) => dims.reduce((product, extent) => product * extent, 1);
const outputTensor = (dims) => floats(new Float32Array(sizeOf(dims)), dims);

/**
 * com.microsoft GroupQueryAttention, causal. `sQ === sKv`: a prompt, without past. `sQ === 1`: one step over a cache
 * that past and present share, so that nothing but the new token is copied.
 *
 * @param {{ sQ: number, sKv: number, hQ: number, hKv: number, d: number }} work Batch 1.
 * @param {{ q: Float32Array, k: Float32Array, v: Float32Array }[]} sets Rotated through. For a prompt all in
 *   [s, h, d]; for a step q in [h, d], k and v in [h, s, d].
 */
export async function groupQueryAttention(work, sets, threads) {
  const { sQ, sKv, hQ, hKv, d } = work;
  const decode = sQ === 1;
  const cache = [1, hKv, sKv, d];
  const pastInput = (name) => (decode ? { name, shape: cache } : null);
  const session = await createSession(
    {
      operator: 'GroupQueryAttention',
      domain: 'com.microsoft',
      operatorSet: 1,
      attributes: { num_heads: hQ, kv_num_heads: hKv },
      inputs: [
        { name: 'query', shape: [1, sQ, hQ * d] },
        { name: 'key', shape: [1, sQ, hKv * d] },
        { name: 'value', shape: [1, sQ, hKv * d] },
        pastInput('past_key'),
        pastInput('past_value'),
        { name: 'seqlens_k', type: 'int32', shape: [1] },
        { name: 'total_sequence_length', type: 'int32', shape: [] },
      ],
      outputs: [
        { name: 'output', shape: [1, sQ, hQ * d] },
        { name: 'present_key', shape: cache },
        { name: 'present_value', shape: cache },
      ],
    },
    threads,
  );
  const output = outputTensor([1, sQ, hQ * d]);
  const lengths = {
    seqlens_k: new Tensor('int32', Int32Array.of(sKv - 1), [1]),
    total_sequence_length: new Tensor('int32', Int32Array.of(sKv), []),
  };
  const present = decode ? null : { key: outputTensor(cache), value: outputTensor(cache) };
  const calls = sets.map(({ q, k, v }) => {
    const query = floats(q, [1, sQ, hQ * d]);
    if (!decode) {
      const feeds = { query, key: floats(k, [1, sQ, hKv * d]), value: floats(v, [1, sQ, hKv * d]), ...lengths };
      return [feeds, { output, present_key: present.key, present_value: present.value }];
    }
    const [pastKey, pastValue] = [floats(k, cache), floats(v, cache)];
    const feeds = {
      query,
      key: floats(lastTokenOf(k, work), [1, 1, hKv * d]),
      value: floats(lastTokenOf(v, work), [1, 1, hKv * d]),
      past_key: pastKey,
      past_value: pastValue,
      ...lengths,
    };
    return [feeds, { output, present_key: pastKey, present_value: pastValue }];
  });
  return contestant('ORT GroupQueryAttention', session, calls, output);
}

/** com.microsoft MultiHeadAttention without mask: the form that ONNX Runtime tiles. All arrays in [s, h, d]. */
export async function multiHeadAttention({ sQ, sKv, hQ, d }, sets, threads) {
  const session = await createSession(
    {
      operator: 'MultiHeadAttention',
      domain: 'com.microsoft',
      operatorSet: 1,
      attributes: { num_heads: hQ },
      inputs: [
        { name: 'query', shape: [1, sQ, hQ * d] },
        { name: 'key', shape: [1, sKv, hQ * d] },
        { name: 'value', shape: [1, sKv, hQ * d] },
      ],
      outputs: [{ name: 'output', shape: [1, sQ, hQ * d] }],
    },
    threads,
  );
  const output = outputTensor([1, sQ, hQ * d]);
  const calls = sets.map(({ q, k, v }) => [
    { query: floats(q, [1, sQ, hQ * d]), key: floats(k, [1, sKv, hQ * d]), value: floats(v, [1, sKv, hQ * d]) },
    { output },
  ]);
  return contestant('ORT MultiHeadAttention', session, calls, output);
}

/** ai.onnx Attention of operator set 23, one query, no mask. q in [h, d], k and v in [h, s, d], as it wants them. */
export async function onnxAttention({ sQ, sKv, hQ, hKv, d }, sets, threads) {
  const shapes = { query: [1, hQ, sQ, d], key: [1, hKv, sKv, d], value: [1, hKv, sKv, d] };
  const session = await createSession(
    {
      operator: 'Attention',
      domain: '',
      operatorSet: 23,
      attributes: {},
      inputs: Object.entries(shapes).map(([name, shape]) => ({ name, shape })),
      outputs: [{ name: 'output', shape: shapes.query }],
    },
    threads,
  );
  const output = outputTensor(shapes.query);
  const calls = sets.map(({ q, k, v }) => [
    { query: floats(q, shapes.query), key: floats(k, shapes.key), value: floats(v, shapes.value) },
    { output },
  ]);
  return contestant('ORT Attention-23', session, calls, output);
}

function contestant(name, session, calls, output) {
  let next = 0;
  return {
    name,
    async run() {
      const [feeds, fetches] = calls[next++ % calls.length];
      await session.run(feeds, fetches);
    },
    /** The result for the first set. */
    async result() {
      await session.run(...calls[0]);
      return output.data;
    },
    async dispose() {
      await session.release();
    },
  };
}

/** Row sKv - 1 of every head of a [h, s, d] array: what a step appends, here already in its place. */
function lastTokenOf(array, { sKv, hKv, d }) {
  const token = new Float32Array(hKv * d);
  for (let h = 0; h < hKv; h++) {
    const end = (h + 1) * sKv * d;
    token.set(array.subarray(end - d, end), h * d);
  }
  return token;
}
