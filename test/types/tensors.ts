// Compiled, never run: how tensors and streams may be used, and how not.

import {
  AttentionError,
  errorCodes,
  Event,
  Stream,
  Tensor,
  type ErrorCode,
  type TensorArray,
} from '../../lib/index.js';

export async function tensors(stream: Stream, signal: AbortSignal): Promise<void> {
  Tensor.from([1, 2, 3]);
  Tensor.from([true, false], [2], { dtype: 'bool' });
  Tensor.from(new Uint16Array(2), [2], { dtype: 'bfloat16', device: 'cuda:0', stream });
  Tensor.from(new BigInt64Array(2));
  Tensor.from({ data: new Float32Array(2), dims: [2], type: 'float32' });
  Tensor.from(Tensor.zeros([2]), [1, 2]);
  // @ts-expect-error: nested arrays have no flat shape
  Tensor.from([[1], [2]]);
  // @ts-expect-error: an ArrayBuffer has no elements
  Tensor.from(new ArrayBuffer(8));
  // @ts-expect-error: the names are those of the ecosystem
  Tensor.from([1], [1], { dtype: 'f32' });
  // @ts-expect-error: misspelt
  Tensor.from([1], [1], { dType: 'float32' });
  // @ts-expect-error: seed belongs to randn
  Tensor.zeros([1], { seed: 1 });
  // @ts-expect-error: a value is needed
  Tensor.full([1]);
  // @ts-expect-error: tensors are made by the static functions
  new Tensor();

  const x = Tensor.randn([2, 3], { seed: 1n });
  Tensor.empty([4], x);
  x.reshape([-1])
    .transpose(0, 1)
    .transpose([1, 0])
    .slice([null, [0, 1]])
    .expand([2, 2]);
  // @ts-expect-error: two axes, or an order
  x.transpose(0);
  // @ts-expect-error: a range has two ends
  x.slice([[0, 1, 2]]);
  // @ts-expect-error: shapes are frozen
  x.shape.push(1);
  // @ts-expect-error: what a tensor is does not change
  x.dtype = 'float16';
  // @ts-expect-error: handles are private
  x.handle;

  const values: TensorArray = await x.toArray({ signal });
  values.length;
  // @ts-expect-error: reading takes time
  x.toArray().length;
  // @ts-expect-error: an AbortSignal
  await x.toBits({ signal: true });
  const same: Tensor = x.copyFrom(x.to({ dtype: 'float16' }), { stream });
  same.dispose();
}

export async function streams(): Promise<void> {
  using tensor = Tensor.zeros([1]);
  await using stream = new Stream('cpu', { queueDepth: 4 });
  stream.wait(stream.record());
  const milliseconds: number = await stream.record().elapsedSince(stream.record());
  milliseconds.toFixed();
  // @ts-expect-error: events come from record()
  new Event();
  // @ts-expect-error: misspelt
  new Stream('cpu', { depth: 4 });
  // @ts-expect-error: a Stream, not its device
  tensor.copyFrom(tensor, { stream: 'cpu' });
}

export function errors(error: unknown): ErrorCode | undefined {
  if (!(error instanceof AttentionError)) return undefined;
  // @ts-expect-error: the codes of other classes are none of this one
  if (error.code === 'ERR_SHAPE') return undefined;
  // @ts-expect-error: a list of constants
  errorCodes.push('ERR_SHAPE');
  return error.code;
}
