// Compiled, never run: how tensors and streams may be used, and how not.

import {
  attention,
  AttentionError,
  errorCodes,
  Event,
  mergeAttention,
  rope,
  Stream,
  Tensor,
  type ErrorCode,
  type DType,
  type TensorOptions,
  type TensorValues,
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

  const values: TensorValues = await x.toArray({ signal });
  values.length;
  // @ts-expect-error: reading takes time
  x.toArray().length;
  // @ts-expect-error: an AbortSignal
  await x.toBits({ signal: true });
  const same: Tensor = x.copyFrom(x.to({ dtype: 'float16', signal }), { stream, signal });
  Tensor.randn([1], { seed: 1, signal });
  // @ts-expect-error: an AbortSignal
  Tensor.zeros([1], { signal: 'now' });
  same.dispose();
}

export async function reading(unknown: Tensor, dtype: DType, options: TensorOptions): Promise<void> {
  const floats: Float32Array[] = [
    await Tensor.zeros([1]).toArray(),
    await Tensor.randn([1], { dtype: 'bfloat16' }).reshape([1, 1]).toArray(),
    await Tensor.from([1, 2]).toArray(),
    await Tensor.from(new Int32Array(1), [1], { dtype: 'float16' }).toArray(),
    await attention(unknown, unknown, unknown).toArray(),
    await rope(unknown).transpose(0, 1).to().toArray(),
    await mergeAttention([{ out: unknown, lse: unknown }]).toArray(),
  ];
  const integers: Int32Array[] = [
    await Tensor.from(new BigInt64Array(1)).toArray(),
    await Tensor.full([1], 2, { dtype: 'int32' }).slice([null]).toBits(),
  ];
  const bytes: Uint8Array = await Tensor.from(new Uint8Array(1)).to({ dtype: 'bool' }).toArray();
  const bits: Uint16Array = await Tensor.empty([1], Tensor.zeros([1], { dtype: 'float16' })).toBits();
  const either: Float32Array | Int32Array | Uint8Array = await unknown.toArray();
  // @ts-expect-error: the dtype is not known
  const guess: Float32Array = await unknown.toArray();
  // @ts-expect-error: nor here
  const same: Float32Array = await Tensor.from([1], [1], { dtype }).toArray();
  // @ts-expect-error: nor here
  const other: Float32Array = await Tensor.from([1], [1], options).toArray();
  // @ts-expect-error: values are never the bits
  const wide: Uint16Array = await Tensor.zeros([1], { dtype: 'float16' }).toArray();
  for (const read of [...floats, ...integers, bytes, bits, either, guess, same, other, wide]) read.length;
}

/** A tensor of onnxruntime as its declarations have it: one interface for all types, strings among them. */
interface OrtTensor {
  readonly dims: readonly number[];
  readonly type: keyof OrtData;
  readonly data: OrtData[keyof OrtData];
  readonly location: 'none' | 'cpu' | 'cpu-pinned' | 'texture' | 'gpu-buffer' | 'ml-tensor';
  readonly size: number;
  getData(releaseData?: boolean): Promise<OrtData[keyof OrtData]>;
  dispose(): void;
}

interface OrtData {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  uint4: Uint8Array;
  int4: Int8Array;
}

interface OrtSession {
  run(feeds: { readonly [name: string]: OrtTensor }): Promise<{ readonly [name: string]: OrtTensor }>;
}

export async function fromOnnxruntime(session: OrtSession, tensor: OrtTensor): Promise<Tensor> {
  const { logits } = await session.run({ tensor });
  Tensor.from(logits!, [1, -1], { dtype: 'float16' });
  // @ts-expect-error: strings alone are no data
  Tensor.from(['a']);
  return Tensor.from(tensor);
}

export async function streams(): Promise<void> {
  using tensor = Tensor.zeros([1]);
  await using stream = new Stream('cpu', { queueDepth: 4 });
  Stream.default().wait(stream.record());
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
