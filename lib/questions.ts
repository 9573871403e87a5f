/** Operations that can be asked about: how requests are read, and what answers them. */

import { expectChoice } from './checks/options.js';
import { expectDevice, type Device } from './device.js';
import { guarded } from './errors.js';
import type { Explanation } from './explain.js';
import type { NativeExplanation } from './native-module.js';
import { native } from './native.js';
import { describeRequest, readRequest, type AttentionRequest } from './ops/attention/request.js';
import {
  describeBlockSparseRequest,
  readBlockSparseRequest,
  type BlockSparseAttentionRequest,
} from './ops/block-sparse-request.js';
import {
  describeCompressedConvRequest,
  readCompressedConvRequest,
  type CompressedConvAttentionRequest,
} from './ops/compressed-conv/request.js';
import {
  describeDynamicMaskRequest,
  readDynamicMaskRequest,
  type DynamicMaskAttentionRequest,
} from './ops/dynamic-mask/request.js';
import { describeLinearRequest, readLinearRequest, type LinearRequest } from './ops/linear-request.js';

/** A call to ask about. */
export type OperationRequest =
  | AttentionRequest
  | CompressedConvAttentionRequest
  | DynamicMaskAttentionRequest
  | BlockSparseAttentionRequest
  | LinearRequest;

/** What a device answers. */
export type Answer = NativeExplanation & Pick<Explanation, 'prologue'>;

/** How requests of one operation are read, and answered. */
interface Operation<Request extends OperationRequest> {
  /** A copy of the request, by the names of its operation. */
  read(request: Request): Request;
  ask(request: Request, device: Device): Answer;
}

const operations: { [Name in OperationRequest['op']]: Operation<Extract<OperationRequest, { op: Name }>> } = {
  attention: {
    read: readRequest,
    ask(request, device) {
      const { description, extras } = describeRequest(request);
      return guarded(() => native.explainAttention(device, description, extras));
    },
  },
  compressedConvAttention: { read: readCompressedConvRequest, ask: askCompressedConv },
  dynamicMaskAttention: { read: readDynamicMaskRequest, ask: askDynamicMask },
  blockSparseAttention: {
    read: readBlockSparseRequest,
    ask(request, device) {
      const { description, extras, lists } = describeBlockSparseRequest(request);
      const { blockQ, blockK } = request;
      return guarded(() => native.explainBlockSparse(device, description, extras, blockQ, blockK, lists));
    },
  },
  linear: {
    read: readLinearRequest,
    ask(request, device) {
      const description = describeLinearRequest(request);
      return { ...guarded(() => native.explainLinear(device, description)), visiblePairs: 0, accuracy: 0 };
    },
  },
};

function operationOf(request: OperationRequest): Operation<OperationRequest> {
  return expectChoice('op', request.op, operations);
}

/** A request that names no operation is refused by the names of attention(), like one that is no object. */
export function readQuestion(request: OperationRequest): OperationRequest {
  const isObject = typeof request === 'object' && (request as unknown) !== null;
  const known = isObject && Object.hasOwn(operations, request.op);
  return known ? operationOf(request).read(request) : readRequest(request as AttentionRequest);
}

export function askQuestion(request: OperationRequest): Answer {
  const operation = operationOf(request);
  const device = expectDevice('device', request.device);
  return operation.ask(request, device);
}

function askCompressedConv(request: CompressedConvAttentionRequest, device: Device): Answer {
  const { description, attention } = describeCompressedConvRequest(request);
  const attended = operations.attention.ask(attention, device);
  const before = guarded(() => native.explainCompressedConv(device, description));
  const { kernel, halfProducts, flops, bytes, bytesMoved } = before;
  return {
    ...attended,
    supported: attended.supported && before.supported,
    reason: before.reason || attended.reason,
    flops: attended.flops + flops,
    bytes: attended.bytes + bytes,
    prologue: { kernel, halfProducts, flops, bytes, bytesMoved },
  };
}

function askDynamicMask(request: DynamicMaskAttentionRequest, device: Device): Answer {
  const { description, extras, sizes, intervals } = describeDynamicMaskRequest(request);
  const { scoring, ...attended } = guarded(() => native.explainDynamicMask(device, description, extras, sizes));
  attended.bytes += Int32Array.BYTES_PER_ELEMENT * intervals;
  if (scoring === undefined) return attended;
  const { kernel, flops, bytes } = scoring;
  return {
    ...attended,
    flops: attended.flops + flops,
    bytes: attended.bytes + bytes,
    // Float32 on every device, and values come from memory once: blocks that read the same ones run side by side.
    prologue: { kernel, halfProducts: false, flops, bytes, bytesMoved: bytes },
  };
}
