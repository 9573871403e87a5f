/** The options of attention(), one rule each, and which of them go together. */

import { expectPrecision } from '../../checks/dtypes.js';
import { expectBoolean, expectFinite32, expectInteger, expectPositive32 } from '../../checks/options.js';
import {
  expectApart,
  expectOperand,
  expectRows,
  expectTensor,
  expectTensorDevice,
  expectTensorDType,
  expectWritable,
} from '../../checks/tensors.js';
import type { Device } from '../../device.js';
import type { DType } from '../../dtype.js';
import { isTensor, type Tensor } from '../../tensor.js';
import { expectCombination } from './combinations.js';
import type { HeadMap } from './heads.js';
import type { AttentionOptions, AttentionWindow } from './options.js';
import type { AttentionSizes } from './sizes.js';
import { expectFit, expectSameTokens, outputShape, type TensorName } from './tensors.js';

/** What the rules know of the call. */
interface Call {
  readonly sizes: AttentionSizes;
  readonly dtype: DType;
  readonly device: Device;
  readonly out: Tensor | undefined;
  readonly lse: Tensor | undefined;
}

type Rule<Name extends string> = (name: Name, value: unknown, call: Call) => void;

/** An input, by the rule of its name. */
function tensor(name: TensorName, value: unknown, call: Call): void {
  expectTensor(name, value);
  expectFit(name, value, call.sizes, call.dtype);
  expectTensorDevice(name, value, call.device);
  expectReadOnly(name, value, call);
}

function expectReadOnly(name: string, value: Tensor, { out, lse }: Call): void {
  expectApart('out', out, name, value);
  expectApart('lse', lse, name, value);
}

const boolean: Rule<string> = (name, value) => void expectBoolean(name, value as boolean, false);
const checkedElsewhere: Rule<string> = () => undefined;

function expectWindow(_: string, value: unknown, call: Call): void {
  const { left, right } = value as AttentionWindow;
  expectSide('window.left', left, call);
  expectSide('window.right', right, call);
}

function expectSide(name: 'window.left' | 'window.right', side: unknown, call: Call): void {
  if (side === undefined || side === null) return;
  if (isTensor(side)) tensor(name, side, call);
  else expectInteger(name, side, -1);
}

function expectSegments(_: string, value: unknown, call: Call): void {
  if (isTensor(value)) {
    expectSameTokens(value, call.sizes);
    return tensor('segments', value, call);
  }
  const { q, k } = value as { q: unknown; k: unknown };
  tensor('segments.q', q, call);
  tensor('segments.k', k, call);
}

const rules: Readonly<Record<string, Rule<never>>> = Object.freeze({
  causal: boolean,
  window: expectWindow,
  sinkTokens: (name, value, call) => (isTensor(value) ? tensor(name, value, call) : expectInteger(name, value, 0)),
  prefixLengths: tensor,
  segments: expectSegments,
  scale: expectFinite32,
  softcap: expectPositive32,
  sinks: tensor,
  alibiSlopes: tensor,
  bias: tensor,
  mask: tensor,
  temperature: tensor,
  gate: tensor,
  headMap: checkedElsewhere, // read before the sizes of the output are known
  cuSeqLensQ: tensor,
  cuSeqLensK: tensor,
  kvLengths: tensor,
  precision: (name, value, call) => expectPrecision(name, value, call.dtype),
  lse: (name, value, call) => {
    expectTensor(name, value);
    expectFit(name, value, call.sizes, call.dtype);
    expectTensorDevice(name, value, call.device);
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
} satisfies { [Name in keyof Required<AttentionOptions>]: Rule<Name> });

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
    if (value !== undefined) rules[name]!(name as never, value, call);
  }
  if (map.k !== undefined) tensor('headMap.k', map.k, call);
  if (map.v !== undefined) tensor('headMap.v', map.v, call);
  if (out !== undefined || lse !== undefined) {
    expectReadOnly('q', q, call);
    expectReadOnly('k', k, call);
    expectReadOnly('v', v, call);
  }
  expectCombination(options, sizes.packed);
}
