/** One row of a table about compressed convolutional attention: plain data, from which inputs and answers follow. */

import { Tensor, type CcaParameters, type CcaProjections, type CcaTempMode, type Stream } from '../../lib/index.js';
import type * as oracle from '../oracle/compressed-conv-attention.js';
import type { RopeOptions } from '../oracle/rope.js';
import { round, type FloatDType } from '../oracle/round.js';
import { embed, type Embedded, type Layout } from './embed.js';
import { normal } from './random.js';

export interface CcaCase {
  shape: Partial<oracle.CcaShape> & Pick<oracle.CcaShape, 's' | 'hQ' | 'd'>;
  tempMode?: CcaTempMode;
  rope?: Omit<RopeOptions, 'positions' | 'roundTo'> | false;
  /** One per token, or one per token of a sequence. */
  positions?: readonly number[];
  offset?: number;
  cuSeqLens?: readonly number[];
  lengths?: readonly number[];
  causal?: boolean;
  window?: { left: number; right?: number };
  /** Left out of the parameters. */
  without?: readonly ('b1' | 'b2')[];
  delayedBias?: boolean;
  /** Of w1, b1, w2, b2 and the temperature. Default: like the projections. */
  parameterDtype?: FloatDType;
  /** 'sliced': with gaps between rows, and not aligned. */
  layout?: Exclude<Layout, 'heads-first'>;
  seed?: number;
  /** Changes the random projections. */
  edit?(projections: Record<'latent' | 'value' | 'delayed', Float64Array>, shape: oracle.CcaShape): void;
}

export const shapeOf = ({ shape }: CcaCase): oracle.CcaShape => ({ b: 1, hKv: shape.hQ, k1: 2, k2: 2, ...shape });

export interface CcaInputs {
  projections: Record<'latent' | 'value' | 'delayed', Float64Array>;
  parameters: Partial<Record<'b1' | 'b2' | 'delayedBias', Float64Array>> &
    Record<'w1' | 'w2' | 'temperature', Float64Array>;
}

/** Random, in the dtypes of the row; rows of padding hold NaN. */
export function inputsOf(row: CcaCase, dtype: FloatDType): CcaInputs {
  const shape = shapeOf(row);
  const { b, s, hQ, hKv, d, k1, k2 } = shape;
  const tokens = row.cuSeqLens ? s : b * s;
  const channels = (hQ + hKv) * d;
  const half = (hKv * d) / 2;
  const seed = 10 * (row.seed ?? 1);
  const projections = {
    latent: normal([tokens, channels], seed),
    value: normal([tokens, half], seed + 1),
    delayed: normal([tokens, half], seed + 2),
  };
  row.edit?.(projections, shape);
  for (const [name, width] of [
    ['latent', channels],
    ['value', half],
    ['delayed', half],
  ] as const)
    for (let token = 0; token < tokens; ++token)
      if (isPadding(row, token)) projections[name].fill(NaN, token * width, (token + 1) * width);
  const scaled = (shapeOfTensor: number[], n: number, by: number) => normal(shapeOfTensor, seed + n).map((x) => by * x);
  const parameters = {
    w1: scaled([channels, k1], 3, 1 / Math.sqrt(k1)),
    ...(!row.without?.includes('b1') && { b1: scaled([channels], 4, 0.5) }),
    w2: scaled([channels, d, k2], 5, 1 / Math.sqrt(d * k2)),
    ...(!row.without?.includes('b2') && { b2: scaled([channels], 6, 0.5) }),
    temperature: scaled([hKv], 7, 0.5),
    ...(row.delayedBias && { delayedBias: scaled([half], 8, 1) }),
  };
  const kind = row.parameterDtype ?? dtype;
  const rounded = <T extends object>(values: T, to: FloatDType): T =>
    Object.fromEntries(Object.entries(values).map(([name, data]) => [name, round(data as Float64Array, to)])) as T;
  return { projections: rounded(projections, dtype), parameters: rounded(parameters, kind) };
}

/** Whether token `token`, counted over all sequences, is in none. */
export function isPadding(row: CcaCase, token: number): boolean {
  const { s } = row.shape;
  if (row.cuSeqLens) return token >= row.cuSeqLens.at(-1)!;
  return row.lengths !== undefined && token % s >= row.lengths[Math.floor(token / s)]!;
}

export function oracleOptions(row: CcaCase): oracle.CcaOptions {
  const { tempMode, rope, cuSeqLens, lengths, causal, window, offset = 0 } = row;
  const { b, s } = shapeOf(row);
  const tokens = cuSeqLens ? s : b * s;
  const place = (token: number) =>
    cuSeqLens ? token - Math.max(...cuSeqLens.filter((start) => start <= token)) : token % s;
  const given = row.positions;
  return {
    ...(tempMode && { tempMode }),
    ...(rope !== undefined && { rope }),
    ...(cuSeqLens && { cuSeqLens }),
    ...(lengths && { lengths }),
    ...(causal !== undefined && { causal }),
    ...(window && { window }),
    positions: Array.from({ length: tokens }, (_, token) => {
      if (!given) return offset + place(token);
      return offset + (given.length === tokens ? given[token]! : given[token % s]!);
    }),
  };
}

export interface CcaTensors {
  projections: CcaProjections;
  parameters: CcaParameters;
  options: object;
  dispose(): void;
}

/** The call's tensors: surrounded by NaN, index tensors by garbage. */
export function tensorsOf(row: CcaCase, inputs: CcaInputs, device: string, dtype: FloatDType): CcaTensors {
  const { b, s, hQ, hKv, d, k1, k2 } = shapeOf(row);
  const { layout = 'dense', tempMode, rope, offset, positions, cuSeqLens, lengths } = row;
  const made: Embedded[] = [];
  const put = (data: ArrayLike<number>, shape: number[], kind: FloatDType | 'int32', lie: Layout = 'dense') => {
    const margin = kind === 'int32' ? 2 ** 31 - 1 : NaN;
    const result = embed(data, shape, { dtype: kind, device, margin, layout: lie });
    made.push(result);
    return result.view;
  };
  const tokens = cuSeqLens ? [s] : [b, s];
  const channels = (hQ + hKv) * d;
  const kind = row.parameterDtype ?? dtype;
  const { latent, value, delayed } = inputs.projections;
  const { w1, b1, w2, b2, temperature, delayedBias } = inputs.parameters;
  const half = (hKv * d) / 2;
  const turn = {
    ...(rope && rope),
    ...(offset !== undefined && { offset }),
    ...(positions && { positions: put(positions, positions.length === s ? [s] : tokens, 'int32') }),
  };
  return {
    projections: {
      latent: put(latent, [...tokens, channels], dtype, layout),
      value: put(value, [...tokens, half], dtype, layout),
      delayed: put(delayed, [...tokens, half], dtype, layout),
    },
    parameters: {
      w1: put(w1, [channels, k1], kind),
      ...(b1 && { b1: put(b1, [channels], kind) }),
      w2: put(w2, [channels, d, k2], kind),
      ...(b2 && { b2: put(b2, [channels], kind) }),
      temperature: put(temperature, [hKv], kind),
      ...(delayedBias && { delayedBias: put(delayedBias, [half], kind) }),
    },
    options: {
      ...(tempMode && { tempMode }),
      rope: rope === false ? false : turn,
      ...(cuSeqLens && { cuSeqLens: put(cuSeqLens, [cuSeqLens.length], 'int32') }),
      ...(lengths && { lengths: put(lengths, [b], 'int32') }),
    },
    dispose: () => made.forEach((each) => each.dispose()),
  };
}

/** A tensor of these numbers. */
export function filled(values: ArrayLike<number>, shape: readonly number[], dtype: FloatDType, device: string): Tensor {
  return Tensor.from(Float64Array.from(values), [...shape], { dtype, device });
}

export type { Stream };
