/** A call of linear() described by numbers, for supports() and explain(). */

import { expectDType, expectFloat, expectPrecision } from '../checks/dtypes.js';
import { expectBoolean, expectInteger, readFields } from '../checks/options.js';
import type { Device } from '../device.js';
import { dtypeFacts, type DType } from '../dtype.js';
import type { NativeLinearDescription } from '../native-module.js';
import type { LinearOptions } from './linear.js';

/** A call of {@link linear} by its sizes and options. */
export interface LinearRequest extends Pick<LinearOptions, 'precision'> {
  op: 'linear';
  /** Default `'cpu'`. */
  device?: Device;
  /** Of `x`, `w` and the result. Default `'float32'`. */
  dtype?: DType;
  /** Rows of `x`: the product of all its axes but the last. */
  rows: number;
  /** Elements of a row of `x`, and of `w`. */
  in: number;
  /** Elements of a row of the result: rows of `w`. */
  out: number;
  /** Whether there is a bias. Default `false`. */
  bias?: boolean;
}

const requestNames: ReadonlySet<string> = new Set<keyof LinearRequest>([
  'op',
  'device',
  'dtype',
  'rows',
  'in',
  'out',
  'bias',
  'precision',
]);

const most = 2 ** 31 - 1;

/** A copy of the request, each field read once; its values are not checked yet. */
export function readLinearRequest(request: LinearRequest): LinearRequest {
  return readFields('request', request, requestNames, "an object such as { op: 'linear', rows, in, out, … }");
}

/** Checks the request as a call is checked, and fills in what it leaves out. */
export function describeLinearRequest(request: LinearRequest): NativeLinearDescription {
  const { dtype = 'float32', rows, in: depth, out, precision } = request;
  expectDType('dtype', dtype);
  expectFloat('dtype', dtype);
  for (const [name, value] of Object.entries({ rows, in: depth, out })) expectInteger(name, value, 0, most);
  if (precision !== undefined) expectPrecision('precision', precision, dtype);
  return {
    dtype: dtypeFacts[dtype].index,
    rows,
    in: depth,
    columns: out,
    bias: expectBoolean('bias', request.bias, false),
    precision: precision === undefined ? 0 : 1,
  };
}
