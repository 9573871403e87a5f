/** What all layers ask of their projections and of their input. */

import {
  expectApart,
  expectApartFrom,
  expectRows,
  expectShape,
  expectTarget,
  expectTensor,
  expectTensorDevice,
  expectTensorDType,
  wrongShape,
} from '../checks/tensors.js';
import type { Tensor } from '../tensor.js';

/** Names with the shape of each, of which those that begin with a `b`, the biases, may be missing. */
export type ProjectionShapes<Name extends string> = readonly (readonly [name: Name, ...shape: number[]])[];

/** Projections of the dtype and on the device of `wq`. @throws Where one is missing or does not fit; the message names it. */
export function expectProjections<Name extends string>(
  weights: Readonly<Partial<Record<Name, Tensor>>> & { readonly wq: Tensor },
  shapes: ProjectionShapes<Name>,
): void {
  const { dtype, device } = weights.wq;
  for (const [name, ...shape] of shapes) {
    const weight: unknown = weights[name];
    if (weight === undefined && name.startsWith('b')) continue;
    expectTensor(`weights.${name}`, weight);
    expectTensorDType(`weights.${name}`, weight, dtype, ' like weights.wq');
    expectTensorDevice(`weights.${name}`, weight, device);
    expectShape(`weights.${name}`, weight, shape);
    expectRows(`weights.${name}`, weight);
  }
}

/** The input of a layer, `[b, s, E]`, packed `[t, E]`; and where its output and the lse go, if that is given. */
export function expectInput(
  x: Tensor,
  { out, lse }: { readonly out?: Tensor; readonly lse?: Tensor },
  weights: { readonly wq: Tensor },
  packed: boolean,
): void {
  const { wq } = weights;
  expectTensor('x', x);
  expectTensorDType('x', x, wq.dtype, ' like the weights');
  expectTensorDevice('x', x, wq.device);
  const e = wq.shape[1]!;
  if (x.rank !== (packed ? 2 : 3) || x.shape[x.rank - 1] !== e)
    throw wrongShape('x', x, packed ? ['t', e] : ['b', 's', e]);
  expectApartFrom('lse', lse, 'weights', weights);
  if (out === undefined) return;
  // Now, since a state has taken in the tokens by the time that linear() looks at it.
  expectTarget('out', out, x.dtype, x.device, x.shape);
  expectApartFrom('out', out, 'weights', weights);
  // The layer writes the one after the other.
  if (lse !== undefined) expectApart('lse', lse, 'out', out);
}

/** An input that has passed expectInput(), for a state of `b` sequences. */
export function expectSequences(x: Tensor, b: number): void {
  if (x.shape[0] !== b) throw wrongShape('x', x, [b, 'n', x.shape[2]!], ', the sequences of the state');
}
