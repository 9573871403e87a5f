import { expectDevice } from './device.js';
import type { AttentionError } from './errors.js';
import { native } from './native.js';
import { askQuestion, readQuestion, type OperationRequest } from './questions.js';
import { timeBoundOf } from './time-bound.js';
import { waitFor, type WaitOptions } from './waiting.js';

/** By their numbers in native code. */
const accuracies = ['exact', 'upper bound', 'estimate'] as const;

/** What {@link explain} answers. */
export interface Explanation {
  readonly supported: boolean;
  /** Why not, where it is not supported. */
  readonly reason?: string;
  /** Kernel that serves the call: `'cpu/prefill'`, `'attention_mma16_bf16_d128'`. */
  readonly kernel: string;
  /** Instructions that do the work: `'avx512bf16'` of a CPU; `'mma16'` (tensor cores) or `'simple'` of a GPU. */
  readonly path: string;
  /** What else there is to know, e.g. why a precision gains nothing here. */
  readonly note?: string;
  /** Floating-point operations: 2 (d + dV) per visible pair and output head; of linear(), 2 per element of `x` and row of `w`. */
  readonly flops: number;
  /** Compulsory traffic: every element of an input and of an output once, but of keys and values only what counts. */
  readonly bytes: number;
  /** Pairs of query and key that count, of one head, in all sequences; of lists, of an average head. 0 of linear(). */
  readonly visiblePairs: number;
  /**
   * How `visiblePairs`, and what follows from them, are meant. `'upper bound'`: a tensor (mask, segments, lengths, limits
   * of each head), a selection or a list may hide some, and as its contents are unknown it hides none. `'estimate'`: of
   * packed sequences, as if they were equally long.
   */
  readonly accuracy: (typeof accuracies)[number];
  /**
   * Of compressedConvAttention(), and of dynamicMaskAttention() with `wdt`: what happens before it attends, which `flops`
   * and `bytes` count too. Choosing keys by their scores counts nothing.
   */
  readonly prologue?: {
    readonly kernel: string;
    /** Whether the units for 16-bit floats multiply: then `ceilings.bf16Flops` bounds it, else `f32Flops`. */
    readonly halfProducts: boolean;
    readonly flops: number;
    /** Compulsory: what it takes read once, what it makes written once. */
    readonly bytes: number;
    /** What the kernel reads and writes. */
    readonly bytesMoved: number;
  };
  /** No implementation on this device can be faster at `flops` and `bytes`. */
  readonly timeBound: { readonly seconds: number; readonly limitedBy: 'compute' | 'memory' };
  /** What the device reaches at most: measured at the first question on a CPU, from clocks and widths on a GPU. Per second. */
  readonly ceilings: { readonly f32Flops: number; readonly bf16Flops: number; readonly readBytes: number };
}

/**
 * Whether a device of this machine serves a call.
 *
 * @throws {TypeError} `ERR_ARGUMENT_TYPE`, `ERR_DTYPE`. {@link RangeError} `ERR_ARGUMENT_VALUE`, `ERR_SHAPE`,
 *   `ERR_DEVICE`. {@link AttentionError} `ERR_OPTION`: the request makes no sense on any device.
 */
export function supports(request: OperationRequest): boolean {
  try {
    return askQuestion(readQuestion(request)).supported;
  } catch (error) {
    const { code } = error as AttentionError;
    if (code === 'ERR_CUDA_UNAVAILABLE' || code === 'ERR_UNSUPPORTED') return false;
    throw error;
  }
}

/**
 * Which kernel serves a call, what it costs, and how fast it can be at best here.
 *
 * The first question to a device measures it, for some 100 ms on its own threads; ask while nothing else runs.
 *
 * @param options A `signal` ends the wait for the measurement.
 * @throws As {@link supports}; `signal.reason`; and {@link AttentionError} `ERR_CUDA_UNAVAILABLE` for a device that is not there.
 * @see The roofline model: Williams, Waterman, Patterson, CACM 52(4), 2009.
 */
export async function explain(request: OperationRequest, options?: WaitOptions): Promise<Explanation> {
  const asked = readQuestion(request);
  const { reason, note, accuracy, halfProducts, ...facts } = askQuestion(asked);
  const device = expectDevice('device', asked.device);
  const ceilings = await waitFor('explain', options, () => native.measureCeilings(device));
  return {
    ...facts,
    accuracy: accuracies[accuracy]!,
    ...(reason !== '' && { reason }),
    ...(note !== '' && { note }),
    timeBound: timeBoundOf({ ...facts, halfProducts }, ceilings),
    ceilings,
  };
}
