/// <reference lib="esnext.disposable" preserve="true" />

export { configure, type Configuration } from './configure.js';
export { cudaStatus, devices, type CudaStatus, type Device, type DeviceInfo } from './device.js';
export { dtypes, type DType, type FloatDType, type TensorBits, type TensorValues } from './dtype.js';
export {
  AttentionError,
  errorCodes,
  type AttentionErrorCode,
  type ErrorCode,
  type RangeErrorCode,
  type TypeErrorCode,
} from './errors.js';
export { Event } from './event.js';
export { explain, supports, type Explanation } from './explain.js';
export type { CcaWeights } from './layers/cca-weights.js';
export type { CcaForwardOptions, CcaLayerOptions } from './layers/cca-layer-options.js';
export type { DmaForwardOptions, DmaLayerOptions, DmaStepOptions } from './layers/dma-layer-options.js';
export type { DmaLayerSizes, DmaWeights } from './layers/dma-weights.js';
export { DynamicMaskAttention } from './layers/dynamic-mask-attention.js';
export { CompressedConvAttention } from './layers/compressed-conv-attention.js';
export type { SafetensorsOptions } from './layers/weights-file.js';
export { memoryUsage, type MemoryUsage } from './memory.js';
export type { AttentionOptions, AttentionWindow, HeadMapName } from './ops/attention/options.js';
export type { TensorRequest } from './ops/attention/request-tensors.js';
export type { AttentionRequest } from './ops/attention/request.js';
export { attention } from './ops/attention.js';
export type {
  CcaCallOptions,
  CcaParameters,
  CcaProjections,
  CcaRope,
  CcaTempMode,
  CompressedConvAttentionOptions,
  CompressedConvPrologueOptions,
} from './ops/compressed-conv/options.js';
export type { CompressedConvAttentionRequest } from './ops/compressed-conv/request.js';
export type { CcaHeads } from './ops/compressed-conv/heads.js';
export { compressedConvPrologue } from './ops/compressed-conv/prologue.js';
export { CcaSnapshot } from './ops/compressed-conv/snapshot.js';
export type { CcaStateOptions, CcaStepOptions } from './ops/compressed-conv/state-options.js';
export { CcaState } from './ops/compressed-conv/state.js';
export { compressedConvAttention } from './ops/compressed-conv-attention.js';
export type { BlockSparseAttentionRequest } from './ops/block-sparse-request.js';
export {
  blockSparseAttention,
  type BlockList,
  type BlockLists,
  type BlockSparseAttentionOptions,
} from './ops/block-sparse-attention.js';
export type { DynamicMaskAttentionRequest } from './ops/dynamic-mask/request.js';
export { dynamicMaskAttention, type DynamicMaskAttentionOptions } from './ops/dynamic-mask-attention.js';
export {
  dynamicMaskIntervals,
  type DynamicMaskIntervalsOptions,
  type KeySelection,
} from './ops/dynamic-mask/intervals.js';
export { DmaCache, type DmaCacheOptions } from './ops/dynamic-mask/cache.js';
export { DmaSnapshot } from './ops/dynamic-mask/snapshot.js';
export { DmaState, type DmaStateCallOptions, type DmaStateOptions } from './ops/dynamic-mask/state.js';
export { dynamicMaskScores, type DynamicMaskScoresOptions, type KeyScoring } from './ops/dynamic-mask/scores.js';
export { headCounts, type AttentionDesign, type HeadCountOptions, type HeadCounts } from './ops/head-counts.js';
export type { LinearRequest } from './ops/linear-request.js';
export { linear, type LinearOptions } from './ops/linear.js';
export { mergeAttention, type AttentionPart, type MergeAttentionOptions } from './ops/merge-attention.js';
export type {
  DynamicNtkScaling,
  LinearScaling,
  Llama3Scaling,
  LongRopeScaling,
  ProportionalScaling,
  RopeScaling,
  YarnScaling,
} from './ops/rope-scaling.js';
export { rmsNorm, type RmsNormOptions } from './ops/rms-norm.js';
export { rope, type RopeOptions, type RopePairing } from './ops/rope.js';
export type { OperationRequest } from './questions.js';
export type { DeviceMemoryOptions, SharedTensor } from './sharing.js';
export { Stream, type StreamOptions } from './stream.js';
export type { CopyOptions, RandomOptions, TensorOptions } from './tensor-options.js';
export type { TensorData, TensorLike, TypedArray } from './tensor-source.js';
export { Tensor } from './tensor.js';
export type { WaitOptions } from './waiting.js';
