import type { Explanation } from './explain.js';

/** Work, and which units multiply: those for 16-bit floats, or those for float32. */
interface Products {
  readonly flops: number;
  readonly halfProducts: boolean;
}

/** What a call does; `flops` and `bytes` include those of the prologue. */
export interface Work extends Products {
  readonly bytes: number;
  /** Its products have a rate of their own. */
  readonly prologue?: Products | undefined;
}

/** The least time in which a device can do this. */
export function timeBoundOf(
  { flops, bytes, halfProducts, prologue }: Work,
  { f32Flops, bf16Flops, readBytes }: Explanation['ceilings'],
): Explanation['timeBound'] {
  const seconds = (work: Products) => work.flops / (work.halfProducts && bf16Flops > 0 ? bf16Flops : f32Flops);
  const before = prologue ?? { flops: 0, halfProducts: false };
  const compute = seconds({ flops: flops - before.flops, halfProducts }) + seconds(before);
  const memory = bytes / readBytes;
  return { seconds: Math.max(compute, memory), limitedBy: compute >= memory ? 'compute' : 'memory' };
}
