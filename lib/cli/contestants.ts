import { attention, headCounts, explain, type Explanation, type Stream, type Tensor } from '../index.js';
import type { BenchPlan, Mode } from './bench-options.js';
import type { InputRing } from './input-ring.js';

/** The designs compared, in the order of the table; the first is what the others are measured against. */
export const designs = [
  { name: 'mha', label: 'MHA' },
  { name: 'mqa', label: 'MQA' },
  { name: 'gqa', label: 'GQA' },
  { name: 'sqa', label: 'SQA' },
  { name: 'ssqa', label: 'sSQA' },
  { name: 'xsqa', label: 'xSQA' },
  { name: 'xsmqa', label: 'xSMQA' },
] as const;

/** One design at one length: its shapes, what it costs, and how to queue one call of it. */
export interface Contestant {
  design: string;
  headsQ: number;
  headsKv: number;
  mode: Mode;
  seq: number;
  cost: Explanation;
}

export interface Shapes {
  q: number[];
  kv: number[];
}

export function shapesOf({ mode, seq, headsQ, headsKv }: Omit<Contestant, 'cost'>, headDim: number): Shapes {
  return { q: [1, mode === 'prefill' ? seq : 1, headsQ, headDim], kv: [1, seq, headsKv, headDim] };
}

export async function contestantsOf(
  { mode, seq }: { mode: Mode; seq: number },
  plan: BenchPlan,
  device: string,
): Promise<Contestant[]> {
  const { heads, headDim, dtype, causal } = plan;
  const contestants: Contestant[] = [];
  for (const { name, label } of designs) {
    const { q: headsQ, k: headsKv } = headCounts(name, { heads });
    const contestant = { design: label, headsQ, headsKv, mode, seq };
    const [b, sQ] = shapesOf(contestant, headDim).q as [number, number];
    const request = { b, sQ, sKv: seq, hQ: headsQ, hKv: headsKv, d: headDim, dtype, device, causal };
    // One after the other: the first measures the ceilings, undisturbed.
    contestants.push({ ...contestant, cost: await explain({ op: 'attention', ...request }) });
  }
  return contestants;
}

/** A call with its inputs at hand, so that queueing it is all that is left to do. */
export interface PreparedCall extends Disposable {
  queue(): void;
}

export function prepareCall(
  contestant: Contestant,
  plan: BenchPlan,
  ring: InputRing,
  outputs: Tensor,
  stream: Stream,
): PreparedCall {
  const shapes = shapesOf(contestant, plan.headDim);
  const [q, k, v] = [ring.take(shapes.q), ring.take(shapes.kv), ring.take(shapes.kv)] as const;
  using part = outputs.slice([[0, q.size]]);
  const out = part.reshape(shapes.q);
  return {
    queue: () => void attention(q, k, v, { causal: plan.causal, out, stream }),
    [Symbol.dispose]: () => [q, k, v, out].forEach((tensor) => tensor.dispose()),
  };
}
