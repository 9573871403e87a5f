/** The sizes of a call, read from q, k and v. */

import { expectFloat } from '../../checks/dtypes.js';
import { formatShape } from '../../checks/shapes.js';
import { expectRows, expectTensor, expectTensorDevice, expectTensorDType, wrongShape } from '../../checks/tensors.js';
import { AttentionError, invalidRange } from '../../errors.js';
import type { Tensor } from '../../tensor.js';
import { expectHeads, type HeadMap } from './heads.js';

export interface AttentionSizes {
  /** q, k and v are `[tokens, h, d]`, and `cuSeqLens` say where sequences begin. */
  readonly packed: boolean;
  readonly b: number;
  /** Per sequence; packed: of all. */
  readonly sQ: number;
  readonly sKv: number;
  readonly hQ: number;
  readonly hK: number;
  readonly hV: number;
  readonly hO: number;
  readonly d: number;
  readonly dV: number;
}

export function readSizes(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  cuSeqLensQ: Tensor | undefined,
  cuSeqLensK: Tensor | undefined,
  map: HeadMap,
): AttentionSizes {
  expectTensor('q', q);
  expectTensor('k', k);
  expectTensor('v', v);
  const { dtype, device } = q;
  expectFloat('q', dtype);
  expectTensorDType('k', k, dtype, ' like q');
  expectTensorDType('v', v, dtype, ' like q');
  expectTensorDevice('k', k, device);
  expectTensorDevice('v', v, device);

  const packed = cuSeqLensQ !== undefined || cuSeqLensK !== undefined;
  const b = packed ? readSequences(cuSeqLensQ, cuSeqLensK) : q.shape[0]!;
  const first = packed ? 0 : 1; // axis of the tokens
  if (q.rank !== first + 3) throw wrongRank(q, packed);
  const sQ = q.shape[first]!;
  const hQ = q.shape[first + 1]!;
  const d = q.shape[first + 2]!;
  if (k.rank !== first + 3 || k.shape[first + 2] !== d || !(packed || k.shape[0] === b))
    throw wrongShape('k', k, packed ? ['tK', 'hK', d] : [b, 'sKv', 'hK', d]);
  const sKv = k.shape[first]!;
  const hK = k.shape[first + 1]!;
  if (v.rank !== first + 3 || v.shape[first] !== sKv || !(packed || v.shape[0] === b))
    throw wrongShape('v', v, packed ? [sKv, 'hV', 'dV'] : [b, sKv, 'hV', 'dV']);
  const hV = v.shape[first + 1]!;
  const dV = v.shape[first + 2]!;
  if (hQ === 0 || d === 0) throw withoutHeads('q', q);
  if (hK === 0) throw withoutHeads('k', k);
  if (hV === 0 || dV === 0) throw withoutHeads('v', v);
  expectRows('q', q);
  expectRows('k', k);
  expectRows('v', v);
  const hO = expectHeads(map, hQ, hK, hV);
  return { packed, b, sQ, sKv, hQ, hK, hV, hO, d, dV };
}

/** How many sequences a packed call has. The contents are checked when the job runs. */
function readSequences(q: Tensor | undefined, k: Tensor | undefined): number {
  if (q !== undefined) expectTensor('cuSeqLensQ', q);
  if (k !== undefined) expectTensor('cuSeqLensK', k);
  if (q === undefined || k === undefined) {
    const [there, missing] = q === undefined ? ['cuSeqLensK', 'cuSeqLensQ'] : ['cuSeqLensQ', 'cuSeqLensK'];
    throw new AttentionError('ERR_OPTION', `${there} needs ${missing}: a packed call has both`);
  }
  if (q.rank !== 1 || q.size === 0) throw wrongShape('cuSeqLensQ', q, ['b + 1']);
  return q.size - 1;
}

function wrongRank(q: Tensor, packed: boolean): RangeError {
  if (packed) return wrongShape('q', q, ['tQ', 'hQ', 'd'], ': a call with cuSeqLens takes packed tensors');
  const note = q.rank === 3 ? ': packed tensors need cuSeqLensQ and cuSeqLensK' : '';
  return wrongShape('q', q, ['b', 'sQ', 'hQ', 'd'], note);
}

function withoutHeads(name: string, tensor: Tensor): RangeError {
  return invalidRange(
    'ERR_SHAPE',
    `${name} must have at least one head and a head dim of at least 1, got ${formatShape(tensor.shape)}`,
  );
}
