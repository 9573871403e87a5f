import { readFields } from '../../checks/options.js';
import { expectApartFrom, expectTarget } from '../../checks/tensors.js';
import type { FloatDType } from '../../dtype.js';
import { allocate, type Tensor } from '../../tensor.js';
import type { CheckedPrologue } from './prologue.js';
import { tokenShape } from './sizes.js';

/** What attention takes. */
export interface CcaHeads {
  /** `[b, s, hQ, d]`, packed `[t, hQ, d]`: normalised and rotated. */
  readonly q: Tensor<FloatDType>;
  /** `[b, s, hKv, d]`, packed `[t, hKv, d]`: normalised, times the temperature, rotated. */
  readonly k: Tensor<FloatDType>;
  /** Like `k`: half of the token itself, half of the token before. */
  readonly v: Tensor<FloatDType>;
}

const headNames: ReadonlySet<string> = new Set<keyof CcaHeads>(['q', 'k', 'v']);

/** Tensors for the result: all of them or, where memory does not suffice, none. */
export function allocateHeads({ projections, sizes }: CheckedPrologue): CcaHeads {
  const { dtype, device } = projections.latent as Tensor<FloatDType>;
  const { hQ, hKv, d } = sizes;
  const made: Tensor[] = [];
  const heads = (h: number) => {
    const tensor = allocate(tokenShape(sizes, h, d), dtype, device);
    made.push(tensor);
    return tensor;
  };
  try {
    return { q: heads(hQ), k: heads(hKv), v: heads(hKv) };
  } catch (error) {
    for (const tensor of made) tensor.dispose();
    throw error;
  }
}

/** Tensors of the caller's for the result. */
export function expectHeads(name: string, out: Record<keyof CcaHeads, Tensor>, call: CheckedPrologue): CcaHeads {
  const { projections, parameters, sizes } = call;
  const { dtype, device } = projections.latent;
  const { hQ, hKv, d } = sizes;
  const given = readFields(name, out, headNames, '{ q, k, v }');
  for (const [part, h] of [
    ['q', hQ],
    ['k', hKv],
    ['v', hKv],
  ] as const) {
    const what = `${name}.${part}`;
    expectTarget(what, given[part], dtype, device, tokenShape(sizes, h, d));
    expectApartFrom(what, given[part], 'projections', projections);
    expectApartFrom(what, given[part], 'parameters', parameters);
  }
  return given as CcaHeads;
}

export function disposeHeads({ q, k, v }: CcaHeads): void {
  for (const tensor of [q, k, v]) tensor.dispose();
}
