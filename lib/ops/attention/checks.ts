/** The options of attention(), one rule each, and which of them go together. */

import { expectBoolean, expectChoice, expectFinite32, expectInteger, expectPositive32 } from '../../checks/options.js';
import {
  expectApart,
  expectBroadcast,
  expectOperand,
  expectRows,
  expectTensor,
  expectTensorDType,
  expectWritable,
  wrongShape,
} from '../../checks/tensors.js';
import type { Device } from '../../device.js';
import type { DType } from '../../dtype.js';
import { AttentionError, invalidType } from '../../errors.js';
import { isTensor, type Tensor } from '../../tensor.js';
import { expectCombination } from './combinations.js';
import type { HeadMap } from './heads.js';
import type { AttentionOptions, AttentionWindow } from './options.js';
import type { AttentionSizes } from './sizes.js';

/** What the rules know of the call. */
interface Call {
  readonly sizes: AttentionSizes;
  readonly dtype: DType;
  readonly device: Device;
  readonly out: Tensor | undefined;
  readonly lse: Tensor | undefined;
}

type Rule = (name: string, value: unknown, call: Call) => void;
type ShapeOf = (sizes: AttentionSizes) => readonly number[];

const heads: ShapeOf = ({ hO }) => [hO];
const queryHeads: ShapeOf = ({ hQ }) => [hQ];
const sequences: ShapeOf = ({ b }) => [b];
const offsets: ShapeOf = ({ b }) => [b + 1];
const rows: ShapeOf = ({ packed, b, hO, sQ }) => (packed ? [hO, sQ] : [b, hO, sQ]);
const pairs: ShapeOf = ({ b, hO, sQ, sKv }) => [b, hO, sQ, sKv];
const queries: ShapeOf = ({ packed, b, sQ }) => (packed ? [sQ] : [b, sQ]);
const keys: ShapeOf = ({ packed, b, sKv }) => (packed ? [sKv] : [b, sKv]);

/** Shape of the result: [b, sQ, hO, dV], packed [tQ, hO, dV]. */
export const outputShape: ShapeOf = ({ packed, b, sQ, hO, dV }) => (packed ? [sQ, hO, dV] : [b, sQ, hO, dV]);

/** An input of exactly this dtype and shape. */
function exactly(dtype: DType, shape: ShapeOf): Rule {
  return (name, value, call) => {
    expectOperand(name, value, dtype, call.device, shape(call.sizes));
    expectReadOnly(name, value, call);
  };
}

/** An input of one of these dtypes, or that of q, that broadcasts to this shape. */
function broadcastTo(dtypes: readonly (DType | 'like q')[], shape: ShapeOf): Rule {
  return (name, value, call) => {
    expectTensor(name, value);
    const allowed = dtypes.map((dtype) => (dtype === 'like q' ? call.dtype : dtype));
    if (!allowed.includes(value.dtype))
      throw invalidType('ERR_DTYPE', `${name} must be ${[...new Set(allowed)].join(' or ')}, got ${value.dtype}`);
    expectBroadcast(name, value, value.dtype, call.device, shape(call.sizes));
    expectReadOnly(name, value, call);
  };
}

function expectReadOnly(name: string, value: Tensor, { out, lse }: Call): void {
  expectApart('out', out, name, value);
  expectApart('lse', lse, name, value);
}

const perHead = exactly('int32', heads);
const perQueryHead = exactly('int32', queryHeads);
const boolean: Rule = (name, value) => void expectBoolean(name, value as boolean, false);
const checkedElsewhere: Rule = () => undefined;

function expectWindow(_: string, value: unknown, call: Call): void {
  const { left, right } = value as AttentionWindow;
  expectSide('window.left', left, call);
  expectSide('window.right', right, call);
}

function expectSide(name: string, side: unknown, call: Call): void {
  if (side === undefined || side === null) return;
  if (isTensor(side)) perHead(name, side, call);
  else expectInteger(name, side, -1);
}

function expectSegments(name: string, value: unknown, call: Call): void {
  if (isTensor(value)) {
    const { sQ, sKv } = call.sizes;
    if (sQ !== sKv)
      throw wrongShape(name, value, queries(call.sizes), `: with ${sQ} queries and ${sKv} keys give { q, k }`);
    return exactly('int32', queries)(name, value, call);
  }
  const { q, k } = value as { q: unknown; k: unknown };
  exactly('int32', queries)('segments.q', q, call);
  exactly('int32', keys)('segments.k', k, call);
}

const rules: Readonly<Record<keyof AttentionOptions, Rule>> = Object.freeze({
  causal: boolean,
  window: expectWindow,
  sinkTokens: (name, value, call) => (isTensor(value) ? perHead(name, value, call) : expectInteger(name, value, 0)),
  prefixLengths: exactly('int32', sequences),
  segments: expectSegments,
  scale: expectFinite32,
  softcap: expectPositive32,
  sinks: exactly('float32', heads),
  alibiSlopes: (name, value, call) => {
    const perSequence = isTensor(value) && value.rank === 2;
    exactly('float32', perSequence ? ({ b, hO }) => [b, hO] : heads)(name, value, call);
  },
  bias: broadcastTo(['float32', 'like q'], pairs),
  mask: broadcastTo(['bool', 'uint8'], pairs),
  temperature: broadcastTo(['float32'], rows),
  gate: broadcastTo(['float32'], rows),
  headMap: checkedElsewhere, // read before the sizes of the output are known
  cuSeqLensQ: exactly('int32', offsets),
  cuSeqLensK: exactly('int32', offsets),
  kvLengths: exactly('int32', sequences),
  precision: (name, value, call) => {
    expectChoice(name, value, { bfloat16: true });
    if (call.dtype !== 'float32')
      throw new AttentionError('ERR_OPTION', `${name} 'bfloat16' is for float32 tensors, these are ${call.dtype}`);
  },
  lse: (name, value, call) => {
    expectOperand(name, value, 'float32', call.device, rows(call.sizes));
    expectWritable(name, value);
  },
  out: (name, value, call) => {
    expectTensor(name, value);
    expectTensorDType(name, value, call.dtype, ' like q');
    expectOperand(name, value, call.dtype, call.device, outputShape(call.sizes));
    expectRows(name, value);
    expectWritable(name, value);
    if (call.lse !== undefined) expectApart('lse', call.lse, name, value);
  },
  stream: checkedElsewhere,
  signal: checkedElsewhere,
});

/** Takes time only for the options that are there. */
export function expectAttentionOptions(
  options: AttentionOptions,
  map: HeadMap,
  q: Tensor,
  k: Tensor,
  v: Tensor,
  sizes: AttentionSizes,
): void {
  const { out, lse } = options;
  const call: Call = {
    sizes,
    dtype: q.dtype,
    device: q.device,
    out: isTensor(out) ? out : undefined,
    lse: isTensor(lse) ? lse : undefined,
  };
  for (const name in options) {
    const value = options[name as keyof AttentionOptions];
    if (value !== undefined) rules[name as keyof AttentionOptions](name, value, call);
  }
  if (map.k !== undefined) perQueryHead('headMap.k', map.k, call);
  if (map.v !== undefined) perQueryHead('headMap.v', map.v, call);
  if (out !== undefined || lse !== undefined) {
    expectReadOnly('q', q, call);
    expectReadOnly('k', k, call);
    expectReadOnly('v', v, call);
  }
  expectCombination(options, sizes.packed);
}
