// Long because it is one list.
/**
 * The native binary, one line per function. Everything here is internal: `lib/` has validated its arguments, and
 * `native/core` protects memory once more. Handles are opaque externals with finalizers.
 */

export type TensorHandle = { readonly __tensor: unique symbol };
export type StreamHandle = { readonly __stream: unique symbol };
export type EventHandle = { readonly __event: unique symbol };
export type AbortHandle = { readonly __abort: unique symbol };
type Maybe<T> = T | undefined;

export interface NativeModule {
  /** Version of the package the binary was built from, compiler, build type, instruction paths compiled in, CUDA. */
  buildInfo(): {
    version: string;
    compiler: string;
    buildType: string;
    paths: string[];
    cuda: false | { runtimeVersion: number; architectures: string };
  };
  /** `device` is 'cpu' or 'cuda:N' everywhere. */
  devices(): NativeDeviceInfo[];
  cudaStatus(): NativeCudaStatus;
  memoryUsage(): { device: string; tensors: number; bytes: number }[];
  setThreads(threads: number): void;
  measureCeilings(device: string): Promise<{ f32Flops: number; bf16Flops: number; readBytes: number }>;

  /** Uninitialised, row-major. dtype: index in the list of `lib/dtype.ts`. */
  tensorEmpty(device: string, dtype: number, shape: readonly number[]): TensorHandle;
  /**
   * Copies `data` in now, converting its elements from `dataType` to `dtype`. `dataType` is one of
   * 'f64' 'f32' 'f16' 'bf16' 'i8' 'u8' 'i16' 'u16' 'i32' 'u32' 'i64' 'u64'. Throws ERR_ARGUMENT_VALUE (with the index)
   * where a value does not fit an integer or bool dtype. Device must be 'cpu' (other devices: copy after).
   */
  tensorFrom(data: ArrayBufferView, dataType: string, dtype: number, shape: readonly number[]): TensorHandle;
  /** Another view of the same storage; bounds are checked. Offset in elements of the storage. */
  tensorView(base: TensorHandle, shape: readonly number[], strides: readonly number[], offset: number): TensorHandle;
  /** Row-major memory at an address of the device that somebody else owns. */
  tensorFromPointer(device: string, address: bigint, dtype: number, shape: readonly number[]): TensorHandle;
  /** Address of the first element, on its device. */
  tensorPointer(tensor: TensorHandle): bigint;
  /** Uninitialised, in memory that other processes can open. */
  tensorShareable(device: string, dtype: number, shape: readonly number[]): TensorHandle;
  /** What opens such memory elsewhere. */
  tensorShare(tensor: TensorHandle): ArrayBuffer;
  tensorOpenShared(device: string, handle: Uint8Array, dtype: number, shape: readonly number[]): TensorHandle;
  /** Drops this handle's share of the storage now instead of at collection. Idempotent. */
  tensorDispose(tensor: TensorHandle): void;
  tensorFill(stream: StreamHandle, tensor: TensorHandle, value: number, abort: Maybe<AbortHandle>): void;
  tensorRandn(stream: StreamHandle, tensor: TensorHandle, seed: bigint, abort: Maybe<AbortHandle>): void;
  tensorCopy(stream: StreamHandle, source: TensorHandle, target: TensorHandle, abort: Maybe<AbortHandle>): void;
  /**
   * Row-major elements in a fresh ArrayBuffer, read on the stream that last wrote the storage. `widen`: 16-bit floats
   * become float32. Rejects with the failure of the job that should have written it.
   */
  tensorRead(tensor: TensorHandle, widen: boolean): Promise<ArrayBuffer>;

  defaultStream(device: string): StreamHandle;
  streamCreate(device: string, queueDepth: number): StreamHandle;
  streamSynchronize(stream: StreamHandle): Promise<void>;
  streamRecord(stream: StreamHandle): EventHandle;
  streamWait(stream: StreamHandle, event: EventHandle): void;
  streamClose(stream: StreamHandle): void;
  /** Resolves with nanoseconds once both events have been reached. */
  eventElapsed(start: EventHandle, end: EventHandle): Promise<number>;

  /** A flag that revokes the work it is queued with. */
  abortCreate(): AbortHandle;
  abortRaise(abort: AbortHandle): void;
  /** Whether work that is queued or running holds it. */
  abortInUse(abort: AbortHandle): boolean;

  attention(
    stream: StreamHandle,
    q: TensorHandle,
    k: TensorHandle,
    v: TensorHandle,
    out: TensorHandle,
    lse: Maybe<TensorHandle>,
    bias: Maybe<TensorHandle>,
    mask: Maybe<TensorHandle>,
    sinks: Maybe<TensorHandle>,
    alibiSlopes: Maybe<TensorHandle>,
    temperature: Maybe<TensorHandle>,
    gate: Maybe<TensorHandle>,
    segmentsQ: Maybe<TensorHandle>,
    segmentsK: Maybe<TensorHandle>,
    prefixLengths: Maybe<TensorHandle>,
    kvLengths: Maybe<TensorHandle>,
    cuSeqLensQ: Maybe<TensorHandle>,
    cuSeqLensK: Maybe<TensorHandle>,
    windowLeftPerHead: Maybe<TensorHandle>,
    windowRightPerHead: Maybe<TensorHandle>,
    sinkTokensPerHead: Maybe<TensorHandle>,
    headMapK: Maybe<TensorHandle>,
    headMapV: Maybe<TensorHandle>,
    headMap: number,
    scale: number,
    softcap: number,
    causal: boolean,
    windowLeft: number,
    windowRight: number,
    sinkTokens: number,
    precision: number,
    abort: Maybe<AbortHandle>,
  ): void;
  mergeAttention(
    stream: StreamHandle,
    outs: readonly TensorHandle[],
    lses: readonly Maybe<TensorHandle>[],
    weights: readonly Maybe<TensorHandle>[],
    sinks: Maybe<TensorHandle>,
    gate: Maybe<TensorHandle>,
    out: TensorHandle,
    lse: Maybe<TensorHandle>,
    abort: Maybe<AbortHandle>,
  ): void;
  linear(
    stream: StreamHandle,
    x: TensorHandle,
    w: TensorHandle,
    bias: Maybe<TensorHandle>,
    out: TensorHandle,
    precision: number,
    abort: Maybe<AbortHandle>,
  ): void;
  rope(
    stream: StreamHandle,
    x: TensorHandle,
    out: TensorHandle,
    positions: Maybe<TensorHandle>,
    /** `RopeDesc` of core/ops/rope.h, field by field in camelCase. */
    description: NativeRopeDescription,
    abort: Maybe<AbortHandle>,
  ): void;
  rmsNorm(
    stream: StreamHandle,
    x: TensorHandle,
    weight: Maybe<TensorHandle>,
    out: TensorHandle,
    epsilon: number,
    abort: Maybe<AbortHandle>,
  ): void;
  /** What compressed convolutional attention does before it attends. */
  compressedConv(
    stream: StreamHandle,
    latent: TensorHandle,
    value: TensorHandle,
    delayed: TensorHandle,
    w1: TensorHandle,
    b1: Maybe<TensorHandle>,
    w2: TensorHandle,
    b2: Maybe<TensorHandle>,
    temperature: TensorHandle,
    delayedBias: Maybe<TensorHandle>,
    positions: Maybe<TensorHandle>,
    cuSeqLens: Maybe<TensorHandle>,
    lengths: Maybe<TensorHandle>,
    history: Maybe<TensorHandle>,
    delayedHistory: Maybe<TensorHandle>,
    q: TensorHandle,
    k: TensorHandle,
    v: TensorHandle,
    inUse: Maybe<TensorHandle>,
    nextHistory: Maybe<TensorHandle>,
    nextDelayed: Maybe<TensorHandle>,
    tempMode: number,
    /** Undefined: nothing turns. */
    rope: Maybe<NativeRopeDescription>,
    abort: Maybe<AbortHandle>,
  ): void;
  /** `AttentionDesc` of core/ops/attention.h, field by field in camelCase. */
  explainAttention(device: string, description: NativeAttentionDescription, extras: NativeExtras): NativeExplanation;
  explainDynamicMask(
    device: string,
    description: NativeAttentionDescription,
    extras: NativeExtras,
    sizes: NativeDynamicMaskSizes,
  ): NativeExplanation & { scoring?: { kernel: string; flops: number; bytes: number } };
  explainBlockSparse(
    device: string,
    description: NativeAttentionDescription,
    extras: NativeExtras,
    blockQ: number,
    blockK: number,
    lists: NativeBlockListSizes,
  ): NativeExplanation;
  explainLinear(
    device: string,
    description: NativeLinearDescription,
  ): Omit<NativeExplanation, 'visiblePairs' | 'accuracy'>;
  explainCompressedConv(device: string, description: NativeCompressedConvDescription): NativeCompressedConvExplanation;
  dynamicMaskScores(
    stream: StreamHandle,
    v: TensorHandle,
    wdt: TensorHandle,
    a: TensorHandle,
    scores: TensorHandle,
    form: number,
    abort: Maybe<AbortHandle>,
  ): void;
  dynamicMaskIntervals(
    stream: StreamHandle,
    scores: TensorHandle,
    kvLengths: Maybe<TensorHandle>,
    cuSeqLensQ: Maybe<TensorHandle>,
    cuSeqLensK: Maybe<TensorHandle>,
    intervals: TensorHandle,
    selection: number,
    keep: number,
    blockSize: number,
    causal: boolean,
    sQ: number,
    abort: Maybe<AbortHandle>,
  ): void;
  dynamicMaskAppend(
    stream: StreamHandle,
    tokens: TensorHandle,
    keptScores: TensorHandle,
    scores: TensorHandle,
    abort: Maybe<AbortHandle>,
  ): void;
  dynamicMaskAttention(
    stream: StreamHandle,
    q: TensorHandle,
    k: TensorHandle,
    v: TensorHandle,
    out: TensorHandle,
    lse: Maybe<TensorHandle>,
    kvLengths: Maybe<TensorHandle>,
    cuSeqLensQ: Maybe<TensorHandle>,
    cuSeqLensK: Maybe<TensorHandle>,
    scores: Maybe<TensorHandle>,
    intervals: Maybe<TensorHandle>,
    keptTokens: Maybe<TensorHandle>,
    keptScores: Maybe<TensorHandle>,
    scale: number,
    causal: boolean,
    keep: number,
    abort: Maybe<AbortHandle>,
  ): void;
  blockSparseAttention(
    stream: StreamHandle,
    q: TensorHandle,
    k: TensorHandle,
    v: TensorHandle,
    out: TensorHandle,
    lse: Maybe<TensorHandle>,
    kvLengths: Maybe<TensorHandle>,
    partialOffsets: Maybe<TensorHandle>,
    partialIndices: Maybe<TensorHandle>,
    fullOffsets: Maybe<TensorHandle>,
    fullIndices: Maybe<TensorHandle>,
    blockQ: number,
    blockK: number,
    scale: number,
    causal: boolean,
    abort: Maybe<AbortHandle>,
  ): void;
}

export interface NativeRopeDescription {
  rotaryDim: number;
  theta: number;
  pairing: number;
  inverse: boolean;
  positionOffset: number;
  scaling: number;
  factor: number;
  originalMax: number;
  lowFreqFactor: number;
  highFreqFactor: number;
  betaFast: number;
  betaSlow: number;
  truncate: boolean;
  attentionFactor: number;
  mscale: number;
  mscaleAllDim: number;
  currentLength: number;
  shortFactors: readonly number[];
  longFactors: readonly number[];
}

/** The sizes of `CompressedConvDesc` of core/ops/compressed_conv.h. */
export interface NativeCompressedConvDescription {
  dtype: number;
  packed: boolean;
  batch: number;
  seq: number;
  headsQ: number;
  headsKv: number;
  headDim: number;
  taps1: number;
  taps2: number;
}

export interface NativeCompressedConvExplanation {
  supported: boolean;
  reason: string;
  kernel: string;
  path: string;
  halfProducts: boolean;
  flops: number;
  bytes: number;
  bytesMoved: number;
}

export interface NativeAttentionDescription {
  dtype: number;
  packed: boolean;
  batch: number;
  seqQ: number;
  seqKv: number;
  headsQ: number;
  headsK: number;
  headsV: number;
  headsOut: number;
  headDim: number;
  headDimV: number;
  scale: number;
  softcap: number;
  causal: boolean;
  windowLeft: number;
  windowRight: number;
  sinkTokens: number;
  headMap: number;
  precision: number;
}

/** `DynamicMaskSizes` of core/ops/sparse_cost.h. */
export interface NativeDynamicMaskSizes {
  heads: number;
  fromValues: boolean;
  state: boolean;
  selection: number;
  keep: number;
  blockSize: number;
}

/** How many blocks the lists name; undefined where there are none. */
export interface NativeBlockListSizes {
  heads: number;
  partial: number | undefined;
  full: number | undefined;
}

/** The sizes of `LinearDesc` of core/ops/linear.h, and whether there is a bias. */
export interface NativeLinearDescription {
  dtype: number;
  rows: number;
  in: number;
  columns: number;
  bias: boolean;
  precision: number;
}

/** Bytes of each tensor that is there, by the names in core/ops/attention_extras.h. */
export type NativeExtras = Readonly<Record<string, number>>;

export interface NativeExplanation {
  supported: boolean;
  reason: string;
  kernel: string;
  path: string;
  /** Multiplied by the units for 16-bit floats. */
  halfProducts: boolean;
  note: string;
  flops: number;
  bytes: number;
  visiblePairs: number;
  /** `CostAccuracy` of core/ops/attention_cost.h. */
  accuracy: number;
}

export interface NativeDeviceInfo {
  name: string;
  model: string;
  path: string;
  paths: string[];
  threads: number;
  memoryBytes: number;
}

export type NativeCudaStatus =
  | { available: true; driverVersion: number; runtimeVersion: number; devices: NativeDeviceInfo[] }
  | {
      available: false;
      reason: 'not-built' | 'no-driver' | 'driver-too-old' | 'no-device' | 'unsupported-device';
      message: string;
      driverVersion: number;
      runtimeVersion: number;
    };
