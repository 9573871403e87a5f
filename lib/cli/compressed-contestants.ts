import { compressedConvAttention, explain } from '../index.js';
import { contestant, type Absence, type Contestant, type Field, type Setting, type Shape } from './contestants.js';

/** Taps of each convolution, as in the paper. */
const TAPS = 2;

export interface CompressedDesign {
  design: 'CCA' | 'CCGQA';
  headsQ: number;
  headsKv: number;
}

/** Of a model of so many heads: all heads compressed to a quarter; or the queries to a half, the keys to an eighth. */
export function compressedDesigns({ heads, headDim }: Setting): { designs: CompressedDesign[]; leftOut: Absence[] } {
  if (headDim % 2 !== 0)
    return { designs: [], leftOut: [{ designs: ['CCA', 'CCGQA'], reason: 'rope turns pairs, and --head-dim is odd' }] };
  const cca = { design: 'CCA', headsQ: heads / 4, headsKv: heads / 4 } as const;
  if (heads % 8 !== 0) {
    const reason = 'its key heads are an eighth of all, and --heads is not a multiple of 8';
    return { designs: [cca], leftOut: [{ designs: ['CCGQA'], reason }] };
  }
  return { designs: [cca, { design: 'CCGQA', headsQ: heads / 2, headsKv: heads / 8 }], leftOut: [] };
}

/** Shapes of CcaParameters. */
export function parameterShapes({ headsQ, headsKv }: CompressedDesign, headDim: number) {
  const channels = (headsQ + headsKv) * headDim;
  return {
    w1: [channels, TAPS],
    b1: [channels],
    w2: [channels, headDim, TAPS],
    b2: [channels],
    temperature: [headsKv],
  } satisfies Record<string, Shape>;
}

export function explainCompressed({ headsQ, headsKv }: CompressedDesign, setting: Setting) {
  const { seq, headDim, dtype, causal, device } = setting;
  const sizes = { b: 1, s: seq, hQ: headsQ, hKv: headsKv, d: headDim, k1: TAPS, k2: TAPS };
  return explain({ op: 'compressedConvAttention', ...sizes, dtype, causal, device });
}

/** From the latent projections on: what lies between them and attention is part of the call. */
export async function compressedContestants(setting: Setting): Promise<Field> {
  const { mode, seq, headDim, causal } = setting;
  const { designs, leftOut } = compressedDesigns(setting);
  const contestants: Contestant[] = [];
  for (const design of designs) {
    const cost = await explainCompressed(design, setting);
    if (!cost.supported) {
      leftOut.push({ designs: [design.design], reason: cost.reason! });
      continue;
    }
    const { headsQ, headsKv } = design;
    const half = [1, seq, (headsKv * headDim) / 2];
    contestants.push(
      contestant({
        ...{ ...design, mode, seq, cost },
        inputs: {
          ...{ latent: [1, seq, (headsQ + headsKv) * headDim], value: half, delayed: half },
          ...parameterShapes(design, headDim),
        },
        output: [1, seq, headsQ, headDim],
        queue: ({ latent, value, delayed, ...parameters }, out, stream) =>
          void compressedConvAttention({ latent, value, delayed }, parameters, { causal, out, stream }),
      }),
    );
  }
  return { contestants, leftOut };
}
