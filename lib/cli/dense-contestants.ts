import { attention, explain, headCounts } from '../index.js';
import { contestant, type Contestant, type Setting } from './contestants.js';

/** Designs that are head counts of attention(); the first is what the others are measured against. */
const designs = [
  { name: 'mha', design: 'MHA' },
  { name: 'mqa', design: 'MQA' },
  { name: 'gqa', design: 'GQA' },
  { name: 'sqa', design: 'SQA' },
  { name: 'ssqa', design: 'sSQA' },
  { name: 'xsqa', design: 'xSQA' },
  { name: 'xsmqa', design: 'xSMQA' },
] as const;

export async function denseContestants(setting: Setting): Promise<Contestant[]> {
  const { mode, seq, heads, headDim, dtype, causal, device } = setting;
  const contestants: Contestant[] = [];
  for (const { name, design } of designs) {
    const { q: headsQ, k: headsKv } = headCounts(name, { heads });
    const sQ = mode === 'decode' ? 1 : seq;
    const request = { b: 1, sQ, sKv: seq, hQ: headsQ, hKv: headsKv, d: headDim, dtype, device, causal };
    const [q, kv] = [
      [1, sQ, headsQ, headDim],
      [1, seq, headsKv, headDim],
    ];
    contestants.push(
      contestant({
        ...{ design, headsQ, headsKv, mode, seq },
        // One after the other: the first measures the ceilings, undisturbed.
        cost: await explain({ op: 'attention', ...request }),
        inputs: { q: q, k: kv, v: kv },
        output: q,
        queue: ({ q, k, v }, out, stream) => void attention(q, k, v, { causal, out, stream }),
      }),
    );
  }
  return contestants;
}
