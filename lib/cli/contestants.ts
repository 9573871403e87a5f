import type { Tensor } from '../index.js';
import { type Explanation, type Stream } from '../index.js';
import type { BenchDtype, DesignName, Mode } from './bench-options.js';
import type { InputRing } from './input-ring.js';

export type Shape = readonly number[];

/** What a group of contestants has in common. */
export interface Setting {
  mode: Mode;
  seq: number;
  heads: number;
  headDim: number;
  dtype: BenchDtype;
  causal: boolean;
  device: string;
}

/** What a call costs, and the least time that can take; where `explain()` knows the call, all that it says. */
export type Cost = Pick<Explanation, 'flops' | 'bytes' | 'timeBound' | 'ceilings'> & Partial<Explanation>;

/** One design at one length: its shapes, what it costs, and how to queue one call of it. */
export interface Contestant {
  design: DesignName;
  /** Keys that a query keeps at most, of designs that choose among them. */
  keep?: number;
  headsQ: number;
  headsKv: number;
  mode: Mode;
  seq: number;
  cost: Cost;
  /** Shapes of what a call reads, by name. */
  inputs: Readonly<Record<string, Shape>>;
  /** Those of the inputs that are float32 whatever the dtype. */
  float32?: readonly string[];
  output: Shape;
  queue(inputs: Readonly<Record<string, Tensor>>, out: Tensor, stream: Stream): void;
}

/** A contestant whose `queue` gets the inputs by the names of their shapes. */
export function contestant<Name extends string>(
  entry: Omit<Contestant, 'inputs' | 'queue' | 'float32'> & {
    inputs: Readonly<Record<Name, Shape>>;
    float32?: readonly NoInfer<Name>[];
    queue(inputs: Readonly<Record<Name, Tensor>>, out: Tensor, stream: Stream): void;
  },
): Contestant {
  return entry;
}

/** Designs that do not take part, and why. */
export interface Absence {
  designs: readonly DesignName[];
  reason: string;
}

/** Those of one setting that take part, the one that the others are measured against first; and who does not. */
export interface Field {
  contestants: Contestant[];
  leftOut: Absence[];
}

/** A call with its inputs at hand, so that queueing it is all that is left to do. */
export interface PreparedCall extends Disposable {
  queue(): void;
}

export function prepareCall(entry: Contestant, ring: InputRing, outputs: Tensor, stream: Stream): PreparedCall {
  const inputs = Object.fromEntries(
    Object.entries(entry.inputs).map(([name, shape]) => {
      const cut = ring.take(shape);
      return [name, entry.float32?.includes(name) ? widened(cut, stream) : cut];
    }),
  );
  using part = outputs.slice([[0, elements(entry.output)]]);
  const out = part.reshape(entry.output);
  return {
    queue: () => entry.queue(inputs, out, stream),
    [Symbol.dispose]: () => [...Object.values(inputs), out].forEach((tensor) => tensor.dispose()),
  };
}

function widened(tensor: Tensor, stream: Stream): Tensor {
  if (tensor.dtype === 'float32') return tensor;
  using narrow = tensor;
  return narrow.to({ dtype: 'float32', stream });
}

export function elements(...shapes: readonly Shape[]): number {
  return shapes.reduce((sum, shape) => sum + shape.reduce((product, extent) => product * extent, 1), 0);
}
