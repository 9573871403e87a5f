/** The tensors among the options of attention(): dtypes and shapes, for a call and for a request that describes one. */

import { expectBroadcast, expectShape, wrongShape, type Described } from '../../checks/tensors.js';
import type { DType } from '../../dtype.js';
import { invalidType } from '../../errors.js';
import type { AttentionSizes } from './sizes.js';

type ShapeOf = (sizes: AttentionSizes, rank?: number) => readonly number[];

interface TensorRule {
  /** The first is the default of a request; `'like q'`: the dtype of q. */
  readonly dtypes: readonly (DType | 'like q')[];
  readonly shape: ShapeOf;
  /** How a given shape is held against it. Default: it is the same. */
  readonly expect?: typeof expectShape;
}

const outputHeads: ShapeOf = ({ hO }) => [hO];
const queryHeads: ShapeOf = ({ hQ }) => [hQ];
const sequences: ShapeOf = ({ b }) => [b];
const offsets: ShapeOf = ({ b }) => [b + 1];
const rows: ShapeOf = ({ packed, b, hO, sQ }) => (packed ? [hO, sQ] : [b, hO, sQ]);
const pairs: ShapeOf = ({ b, hO, sQ, sKv }) => [b, hO, sQ, sKv];
const queries: ShapeOf = ({ packed, b, sQ }) => (packed ? [sQ] : [b, sQ]);
const keys: ShapeOf = ({ packed, b, sKv }) => (packed ? [sKv] : [b, sKv]);
const slopes: ShapeOf = ({ b, hO }, rank) => (rank === 2 ? [b, hO] : [hO]);

/** Shape of the result: [b, sQ, hO, dV], packed [tQ, hO, dV]. */
export const outputShape: ShapeOf = ({ packed, b, sQ, hO, dV }) => (packed ? [sQ, hO, dV] : [b, sQ, hO, dV]);

const int32 = ['int32'] as const;
const float32 = ['float32'] as const;

/** By the names that native code has for them, in `core/ops/attention_extras.h`. */
const tensorRules = Object.freeze({
  lse: { dtypes: float32, shape: rows },
  bias: { dtypes: ['float32', 'like q'], shape: pairs, expect: expectBroadcast },
  mask: { dtypes: ['bool', 'uint8'], shape: pairs, expect: expectBroadcast },
  sinks: { dtypes: float32, shape: outputHeads },
  alibiSlopes: { dtypes: float32, shape: slopes },
  temperature: { dtypes: float32, shape: rows, expect: expectBroadcast },
  gate: { dtypes: float32, shape: rows, expect: expectBroadcast },
  /** One tensor for both of these. */
  segments: { dtypes: int32, shape: queries },
  'segments.q': { dtypes: int32, shape: queries },
  'segments.k': { dtypes: int32, shape: keys },
  prefixLengths: { dtypes: int32, shape: sequences },
  kvLengths: { dtypes: int32, shape: sequences },
  cuSeqLensQ: { dtypes: int32, shape: offsets },
  cuSeqLensK: { dtypes: int32, shape: offsets },
  'window.left': { dtypes: int32, shape: outputHeads },
  'window.right': { dtypes: int32, shape: outputHeads },
  sinkTokens: { dtypes: int32, shape: outputHeads },
  'headMap.k': { dtypes: int32, shape: queryHeads },
  'headMap.v': { dtypes: int32, shape: queryHeads },
} as const satisfies Record<string, TensorRule>);

export type TensorName = keyof typeof tensorRules;

/** @throws Where a tensor, or a description of one, has not the dtype and shape of this option. `like` is that of q. */
export function expectFit(name: TensorName, given: Described, sizes: AttentionSizes, like: DType): void {
  const { dtypes, shape, expect = expectShape }: TensorRule = tensorRules[name];
  const isLike = dtypes.includes('like q') && given.dtype === like;
  if (!isLike && !dtypes.includes(given.dtype)) throw wrongDType(name, given, dtypes, like);
  expect(name, given, shape(sizes, given.shape.length));
}

function wrongDType(name: string, { dtype }: Described, dtypes: TensorRule['dtypes'], like: DType): TypeError {
  const allowed = new Set(dtypes.map((each) => (each === 'like q' ? like : each)));
  return invalidType('ERR_DTYPE', `${name} must be ${[...allowed].join(' or ')}, got ${dtype}`);
}

/** One tensor of segments for queries and keys, which must then be the same tokens. */
export function expectSameTokens(given: { readonly shape: readonly number[] }, sizes: AttentionSizes): void {
  const { sQ, sKv } = sizes;
  if (sQ !== sKv)
    throw wrongShape('segments', given, queries(sizes), `: with ${sQ} queries and ${sKv} keys give { q, k }`);
}

/** What a request leaves open of a tensor. */
export function defaultsOf(name: TensorName, sizes: AttentionSizes): Described {
  const { dtypes, shape } = tensorRules[name];
  return { dtype: dtypes[0], shape: shape(sizes) };
}
