import { expectBoolean, only, readOptions } from '../checks/options.js';
import { expectApartFrom } from '../checks/tensors.js';
import type { FloatDType } from '../dtype.js';
import { AttentionError } from '../errors.js';
import { allocate, type Tensor } from '../tensor.js';
import { attention } from './attention.js';
import type { AttentionOptions } from './attention/options.js';
import { expectAttended } from './compressed-conv/attended.js';
import { allocateHeads, disposeHeads } from './compressed-conv/heads.js';
import {
  attentionNames,
  type CcaParameters,
  type CcaProjections,
  type CompressedConvAttentionOptions,
} from './compressed-conv/options.js';
import { checkPrologue, queuePrologue } from './compressed-conv/prologue.js';

/**
 * Compressed convolutional attention (CCA; CCGQA with fewer key than query heads) of one layer, from its latent
 * projections to what its output projection takes. Per sequence, with `u = [q0 | k0]` and zeros in front of it:
 *
 * 1. `y = conv1(u)`, depthwise, and `z = conv2(y)`, within each head; the last tap is the current token;
 * 2. `z + (q0 + k0) / 2`, for keys with the mean of the queries of their group;
 * 3. each head to length `sqrt(d)`, keys times `tau`, which `tempMode` makes of `temperature`; then {@link rope};
 * 4. `v[t] = [value[t] | delayed[t - 1]]`, split over all heads together;
 * 5. {@link attention} with grouped heads.
 *
 * Head counts follow from the parameters: `d` from `w2`, `hKv` from `temperature`, `hQ` from the channels of `latent`.
 *
 * @returns `[b, s, hQ, d]` (packed `[t, hQ, d]`) in the dtype of the projections. Padding gives zeros, and an `lse` that
 *   means nothing.
 * @throws `signal.reason` where the signal has gone off already; then nothing is queued.
 * @throws {TypeError} `ERR_NOT_A_TENSOR`: a missing projection or parameter, by name. `ERR_NOT_A_STREAM`, `ERR_DTYPE`,
 *   `ERR_ARGUMENT_TYPE`.
 * @throws {RangeError} `ERR_SHAPE`: sizes or head counts that do not fit. `ERR_DEVICE`, `ERR_LAYOUT`,
 *   `ERR_ARGUMENT_VALUE`.
 * @throws {AttentionError} `ERR_OPTION`: options that contradict one another, or one that does not exist;
 *   `out` or `lse` in the storage of a parameter.
 *   `ERR_UNSUPPORTED`: more than 8 taps, or a device without these kernels. `ERR_DISPOSED`, `ERR_STREAM_CLOSED`,
 *   `ERR_QUEUE_FULL`, `ERR_OUT_OF_MEMORY`.
 * @see CCA, arXiv:2510.04476, listing 1.
 */
export function compressedConvAttention(
  projections: CcaProjections,
  parameters: CcaParameters,
  options: CompressedConvAttentionOptions = {},
): Tensor<FloatDType> {
  const given = readOptions('compressedConvAttention', options, attentionNames);
  const causal = expectBoolean('causal', given.causal, true);
  const call = checkPrologue(projections, parameters, given);
  const { b, s } = call.sizes;
  const { lengths } = given;
  if (lengths !== undefined && !causal && given.window !== undefined)
    throw new AttentionError(
      'ERR_OPTION',
      'lengths with a window that is not causal: its keys would be counted from the end of the padding; pack the sequences',
    );
  const heads = allocateHeads(call);
  let inUse: Tensor | undefined;
  let gate: Tensor | undefined;
  try {
    inUse = lengths && allocate(Object.freeze([b, s]), 'float32', lengths.device);
    gate = inUse?.reshape([b, 1, s]);
    const attended: AttentionOptions = {
      causal,
      ...only(given, ['window', 'sinkTokens', 'scale', 'precision', 'lse', 'out', 'signal']),
      ...(given.cuSeqLens && { cuSeqLensQ: given.cuSeqLens, cuSeqLensK: given.cuSeqLens }),
      ...(gate && { gate }),
      // Padding lies behind what a causal query sees; counting it as padding would shift the queries.
      ...(lengths && !causal && { kvLengths: lengths }),
      stream: call.stream,
    };
    expectAttended(heads, attended);
    expectApartFrom('out', given.out, 'parameters', call.parameters);
    expectApartFrom('lse', given.lse, 'parameters', call.parameters);
    queuePrologue(call, heads, { inUse });
    return attention(heads.q, heads.k, heads.v, attended);
  } finally {
    // The stream keeps what queued work uses.
    disposeHeads(heads);
    gate?.dispose();
    inUse?.dispose();
  }
}
