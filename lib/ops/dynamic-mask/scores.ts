/** Scores of keys, made from their values. */

import { expectFloat } from '../../checks/dtypes.js';
import { expectChoice, readOptions } from '../../checks/options.js';
import {
  expectApart,
  expectOperand,
  expectParameter,
  expectRows,
  expectShape,
  expectTensor,
  expectWritable,
  wrongShape,
} from '../../checks/tensors.js';
import { fromNative } from '../../errors.js';
import type { AbortHandle } from '../../native-module.js';
import { native } from '../../native.js';
import { abortFlag } from '../../signals.js';
import { expectStream, streamHandle, type Stream } from '../../stream.js';
import { allocate, tensorHandle, type Tensor } from '../../tensor.js';

/** How scores of keys are made from their values; `hB` score heads. */
export interface KeyScoring {
  /** `[hV * dV, hB]`, float32 or the dtype of `v`. */
  wdt: Tensor;
  /** `[hB]`, likewise. */
  a: Tensor;
  /**
   * `'exp'`: `exp(a * softplus(v . wdt))`, which overflows to Infinity where the exponent is above 88.7, more than
   * attention takes; `'linear'`: without the outer exp. Default `'exp'`.
   */
  form?: 'exp' | 'linear';
}

/** Options of {@link dynamicMaskScores}. */
export interface DynamicMaskScoresOptions extends KeyScoring {
  /** Receives the result. Default: a new tensor. */
  out?: Tensor;
  /** Where the work is queued. Default: the default stream of `v.device`. */
  stream?: Stream;
  /** Revokes the work: it does not start, or stops, and reading its result fails with `ERR_ABORTED`. */
  signal?: AbortSignal;
}

/** Numbers of `KeyScoreForm` in `native/core/ops/dynamic_mask.h`. */
export const forms = Object.freeze({ exp: 0, linear: 1 } satisfies Record<Required<KeyScoring>['form'], number>);
const optionNames: ReadonlySet<string> = new Set<keyof DynamicMaskScoresOptions>([
  'wdt',
  'a',
  'form',
  'out',
  'stream',
  'signal',
]);

/**
 * Scores of keys from their values, the first step of {@link dynamicMaskAttention}: with the values of all heads of a
 * token side by side, `dt = v . wdt` for each score head, and `exp(a * softplus(dt))` or, linear, without the exp.
 * Computed in float32.
 *
 * @param v Values `[b, s, hV, dV]` or packed `[t, hV, dV]`.
 * @returns float32 `[b, hB, s]` or packed `[hB, t]`.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`, `ERR_NOT_A_STREAM`, `ERR_DTYPE`, `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`, `ERR_DEVICE`, `ERR_LAYOUT`, `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`, `ERR_DISPOSED`, `ERR_STREAM_CLOSED`, `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`,
 *   `ERR_UNSUPPORTED`.
 * @see Dynamic mask attention, arXiv:2508.02124, equation 3.
 */
export function dynamicMaskScores(v: Tensor, options: DynamicMaskScoresOptions): Tensor<'float32'> {
  const given = readOptions('dynamicMaskScores', options, optionNames);
  expectTensor('v', v);
  expectFloat('v', v.dtype);
  if (v.rank !== 3 && v.rank !== 4) throw wrongShape('v', v, ['b', 's', 'hV', 'dV'], ' (packed: [t, hV, dV])');
  expectRows('v', v);
  const shape = expectScoring(v, given);
  const { out } = given;
  if (out !== undefined) {
    expectOperand('out', out, 'float32', v.device, shape);
    expectWritable('out', out);
    for (const [name, tensor] of [['v', v] as const, ['wdt', given.wdt] as const, ['a', given.a] as const])
      expectApart('out', out, name, tensor);
  }
  const stream = expectStream(given.stream, v.device);
  return queueScores(stream, v, given, shape, abortFlag(given.signal), out);
}

/** Checks `wdt`, `a` and `form` against values. @returns The shape of the scores. */
export function expectScoring(v: Tensor, { wdt, a, form = 'exp' }: KeyScoring): readonly number[] {
  expectParameter('wdt', wdt, v, ' like v');
  expectParameter('a', a, v, ' like v');
  expectChoice('form', form, forms);
  const [tokens, heads, dim] = v.shape.slice(-3) as [number, number, number];
  if (a.rank !== 1 || a.size === 0) throw wrongShape('a', a, ['hB']);
  expectShape('wdt', wdt, [heads * dim, a.size]);
  return Object.freeze(v.rank === 3 ? [a.size, tokens] : [v.shape[0]!, a.size, tokens]);
}

/** @internal Of checked arguments. */
export function queueScores(
  stream: Stream,
  v: Tensor,
  { wdt, a, form = 'exp' }: KeyScoring,
  shape: readonly number[],
  abort: AbortHandle | undefined,
  given?: Tensor,
): Tensor<'float32'> {
  const out = given ?? allocate(shape, 'float32', v.device);
  try {
    native.dynamicMaskScores(
      streamHandle(stream),
      tensorHandle(v),
      tensorHandle(wdt),
      tensorHandle(a),
      tensorHandle(out),
      forms[form],
      abort,
    );
  } catch (error) {
    if (out !== given) out.dispose();
    throw fromNative(error);
  }
  return out as Tensor<'float32'>;
}
