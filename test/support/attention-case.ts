/** One row of a parity table: plain data, from which the inputs, the call and the exact answer follow. */

import type { Tensor } from '../../lib/index.js';
import { attention, Stream, type AttentionOptions } from '../../lib/index.js';
import type { Rounding } from '../oracle/arithmetic.js';
import { attentionOracle, type AttentionShape, type OracleOptions, type OracleResult } from '../oracle/attention.js';
import type { Grid } from '../oracle/grid.js';
import { headsOf } from '../oracle/heads.js';
import { round, type FloatDType } from '../oracle/round.js';
import { sequencesOf, visibility } from '../oracle/visibility.js';
import { embed, type Embedded, type Layout } from './embed.js';
import { assertWithin, roundingBudget, sumOf } from './compare.js';
import { normal } from './random.js';

export interface Values {
  q: Float64Array;
  k: Float64Array;
  v: Float64Array;
}

export type CaseOptions = Omit<OracleOptions, 'roundTo' | 'rows'>;

export interface AttentionCase {
  /** Left out: b = 1, sKv = sQ, hK = hQ, hV = hK, dV = d. */
  shape: Partial<AttentionShape> & Pick<AttentionShape, 'sQ' | 'hQ' | 'd'>;
  options?: CaseOptions;
  precision?: 'bfloat16';
  /** Of the bias: its own dtype. Default float32. */
  biasDtype?: 'float32' | 'storage';
  /** Default 'bool'. */
  maskDtype?: 'bool' | 'uint8';
  /** Queries and keys are the same tokens: `segments` is given as one tensor. */
  sharedSegments?: boolean;
  /** The call names a stream of its own. */
  ownStream?: boolean;
  layout?: Layout;
  seed?: number;
  /** Judges these queries only: for large shapes. */
  rows?: readonly number[];
  /** Changes the random inputs before they are rounded. */
  edit?(values: Values, shape: AttentionShape): void;
}

export interface Place {
  device: string;
  dtype: FloatDType;
}

const kSentinel = -7.75; // around outputs; exact in every dtype

export function shapeOf({ shape }: AttentionCase): AttentionShape {
  const { b = 1, sQ, sKv = sQ, hQ, hK = hQ, hV = hK, d, dV = d } = shape;
  return { b, sQ, sKv, hQ, hK, hV, d, dV };
}

/** Random inputs in the dtype; rows of K and V that nobody sees hold NaN. */
export function inputsOf(row: AttentionCase, dtype: FloatDType): Values {
  const shape = shapeOf(row);
  const { b, sQ, sKv, hQ, hK, hV, d, dV } = shape;
  const [batchQ, batchK] = row.options?.cuSeqLensQ ? [1, 1] : [b, b];
  const seed = 3 * (row.seed ?? 1);
  const values: Values = {
    q: normal([batchQ, sQ, hQ, d], seed),
    k: normal([batchK, sKv, hK, d], seed + 1),
    v: normal([batchK, sKv, hV, dV], seed + 2),
  };
  row.edit?.(values, shape);
  poisonUnseen(values, shape, row.options ?? {});
  return { q: round(values.q, dtype), k: round(values.k, dtype), v: round(values.v, dtype) };
}

function poisonUnseen({ k, v }: Values, shape: AttentionShape, options: CaseOptions): void {
  const { hK, hV, d, dV } = shape;
  const heads = headsOf(shape, options.headMap);
  const visible = visibility(options);
  const seenK = new Uint8Array(k.length / Math.max(d, 1));
  const seenV = new Uint8Array(v.length / Math.max(dV, 1));
  for (const sequence of sequencesOf(shape, options))
    for (let o = 0; o < heads.hO; ++o)
      for (let j = 0; j < sequence.sKv; ++j) {
        const [rowK, rowV] = [(sequence.k0 + j) * hK + heads.k(o), (sequence.k0 + j) * hV + heads.v(o)];
        if (seenK[rowK] && seenV[rowV]) continue;
        for (let i = 0; i < sequence.sQ; ++i)
          if (visible(sequence, o, i, j)) {
            seenK[rowK] = seenV[rowV] = 1;
            break;
          }
      }
  seenK.forEach((seen, at) => seen || k.fill(NaN, at * d, (at + 1) * d));
  seenV.forEach((seen, at) => seen || v.fill(NaN, at * dV, (at + 1) * dV));
}

const rounded = (grid: Grid | undefined, dtype: FloatDType): Grid | undefined =>
  grid && { data: round(grid.data, dtype), shape: grid.shape };

/** The options as the kernel receives them: numbers that travel in tensors are rounded to the tensors' dtypes. */
function representable(row: AttentionCase, dtype: FloatDType): CaseOptions {
  const { sinks, bias, ...options } = row.options ?? {};
  return {
    ...options,
    ...(sinks && { sinks: Array.from(round(sinks, 'float32')) }),
    ...(bias && { bias: rounded(bias, row.biasDtype === 'storage' ? dtype : 'float32')! }),
    ...(options.alibiSlopes && { alibiSlopes: rounded(options.alibiSlopes, 'float32')! }),
    ...(options.temperature && { temperature: rounded(options.temperature, 'float32')! }),
    ...(options.gate && { gate: rounded(options.gate, 'float32')! }),
  };
}

export interface Expected {
  exact: OracleResult;
  /** Exact but for what the precision asked for costs the inputs. */
  asked: OracleResult;
  plain: OracleResult;
}

/** Below the storage format, the precision asked for rounds q, k and v first. */
export function expectedOf(row: AttentionCase, dtype: FloatDType, { q, k, v } = inputsOf(row, dtype)): Expected {
  const shape = shapeOf(row);
  const options: OracleOptions = { ...representable(row, dtype), ...(row.rows && { rows: row.rows }) };
  const exact = attentionOracle(q, k, v, shape, options);
  if (!row.precision)
    return { exact, asked: exact, plain: attentionOracle(q, k, v, shape, { ...options, roundTo: dtype }) };
  const low = row.precision;
  const roundTo: Rounding = { inputs: low, scores: low, weights: low, lse: low, output: dtype };
  return {
    exact,
    asked: attentionOracle(round(q, low), round(k, low), round(v, low), shape, options),
    plain: attentionOracle(q, k, v, shape, { ...options, roundTo }),
  };
}

/** Fails unless `out`, of head dim `dV`, and `lse` are as near to the exact ones as `expected` allows. */
export function judge(found: OracleResult, expected: Expected, dtype: FloatDType, dV: number): void {
  const { exact, asked, plain } = expected;
  const budget = (kind: FloatDType, part: 'out' | 'lse', width: number) => {
    const own = roundingBudget(kind, asked[part], plain[part], width);
    return asked === exact ? own : sumOf(own, roundingBudget(kind, exact[part], asked[part], width));
  };
  assertWithin(found.lse, exact.lse, budget('float32', 'lse', 1), 'lse');
  assertWithin(found.out, exact.out, budget(dtype, 'out', dV), 'out');
}

/** The options of the library's call. Tensors made on the way are added to `made`. */
function callOptions(row: AttentionCase, { device, dtype }: Place, made: Embedded[]): AttentionOptions {
  const shape = shapeOf(row);
  const { b, sQ, sKv } = shape;
  const options = representable(row, dtype);
  const packed = options.cuSeqLensQ !== undefined;
  const tensor = (
    data: ArrayLike<number>,
    tensorShape: readonly number[],
    kind: 'int32' | 'uint8' | 'bool' | FloatDType,
  ) => {
    // Around index tensors lies garbage that would crash whoever followed it.
    const margin = kind === 'int32' ? 2 ** 31 - 1 : kind === 'bool' || kind === 'uint8' ? 1 : NaN;
    const result = embed(data, tensorShape, { dtype: kind, device, margin });
    made.push(result);
    return result.view;
  };
  const indices = (data: readonly number[]) => tensor(data, [data.length], 'int32');
  const floats = (grid: Grid) => tensor(grid.data, grid.shape, 'float32');
  const perHead = <T>(value: T | readonly number[]) => (Array.isArray(value) ? indices(value) : (value as T));

  const { causal, scale, softcap, window, sinkTokens, segments, headMap } = options;
  return {
    ...(causal !== undefined && { causal }),
    ...(scale !== undefined && { scale }),
    ...(softcap !== undefined && { softcap }),
    ...(row.precision && { precision: row.precision }),
    ...(window && { window: { left: perHead(window.left ?? null), right: perHead(window.right ?? null) } }),
    ...(sinkTokens !== undefined && { sinkTokens: perHead(sinkTokens) }),
    ...(options.prefixLengths && { prefixLengths: indices(options.prefixLengths) }),
    ...(options.kvLengths && { kvLengths: indices(options.kvLengths) }),
    ...(options.cuSeqLensQ && { cuSeqLensQ: indices(options.cuSeqLensQ) }),
    ...(options.cuSeqLensK && { cuSeqLensK: indices(options.cuSeqLensK) }),
    ...(segments && {
      segments: row.sharedSegments
        ? tensor(segments.q, packed ? [sQ] : [b, sQ], 'int32')
        : {
            q: tensor(segments.q, packed ? [sQ] : [b, sQ], 'int32'),
            k: tensor(segments.k, packed ? [sKv] : [b, sKv], 'int32'),
          },
    }),
    ...(options.sinks && { sinks: floats({ data: options.sinks, shape: [options.sinks.length] }) }),
    ...(options.alibiSlopes && { alibiSlopes: floats(options.alibiSlopes) }),
    ...(options.temperature && { temperature: floats(options.temperature) }),
    ...(options.gate && { gate: floats(options.gate) }),
    ...(options.mask && { mask: tensor(options.mask.data, options.mask.shape, row.maskDtype ?? 'bool') }),
    ...(options.bias && {
      bias: tensor(options.bias.data, options.bias.shape, row.biasDtype === 'storage' ? dtype : 'float32'),
    }),
    ...(headMap && {
      headMap:
        typeof headMap === 'string'
          ? headMap
          : { ...(headMap.k && { k: perHead(headMap.k) }), ...(headMap.v && { v: perHead(headMap.v) }) },
    }),
  };
}

/** Calls the library: inputs surrounded by NaN, outputs that start as NaN between guard elements. */
export async function runAttention(row: AttentionCase, place: Place, values = inputsOf(row, place.dtype)) {
  const { b, sQ, sKv, hQ, hK, hV, d, dV } = shapeOf(row);
  const { device, dtype } = place;
  const { layout = 'dense' } = row;
  const { hO } = headsOf(shapeOf(row), row.options?.headMap);
  const batch = row.options?.cuSeqLensQ ? [] : [b];
  const made: Embedded[] = [];
  const input = (data: Float64Array, s: number, h: number, width: number) => {
    const result = embed(data, [...batch, s, h, width], { dtype, device, layout, margin: NaN });
    made.push(result);
    return result.view;
  };
  const output = (shape: number[], kind: FloatDType, lie: Layout) => {
    const result = embed(NaN, shape, { dtype: kind, device, layout: lie, margin: kSentinel });
    made.push(result);
    return result;
  };
  const stream = row.ownStream ? new Stream(device) : undefined;
  try {
    const [q, k, v] = [input(values.q, sQ, hQ, d), input(values.k, sKv, hK, d), input(values.v, sKv, hV, dV)];
    const out = output([...batch, sQ, hO, dV], dtype, layout);
    const lse = output([...batch, hO, sQ], 'float32', layout === 'sliced' ? 'sliced' : 'dense');
    const options = { ...callOptions(row, place, made), out: out.view, lse: lse.view, ...(stream && { stream }) };
    const result: Tensor = attention(q, k, v, options);
    expect(result).toBe(out.view);
    return { out: await out.read(), lse: await lse.read() };
  } finally {
    stream?.close();
    for (const each of made) each.dispose();
  }
}

/** Keeps rows `rows` of [n, s, width]. */
function take(values: Float64Array, n: number, s: number, width: number, rows: readonly number[]): Float64Array {
  const parts: number[] = [];
  for (let a = 0; a < n; ++a)
    for (const i of rows) parts.push(...values.subarray((a * s + i) * width, (a * s + i + 1) * width));
  return Float64Array.from(parts);
}

/** Runs the row and judges its output and lse. */
export async function checkAttention(row: AttentionCase, place: Place): Promise<void> {
  const values = inputsOf(row, place.dtype);
  const expected = expectedOf(row, place.dtype, values);
  const { b, sQ, dV } = shapeOf(row);
  let { out, lse } = await runAttention(row, place, values);
  if (row.rows) {
    const { hO } = headsOf(shapeOf(row), row.options?.headMap);
    out = take(out, b, sQ, hO * dV, row.rows);
    lse = take(lse, b * hO, sQ, 1, row.rows);
  }
  judge({ out, lse }, expected, place.dtype, dV);
}
