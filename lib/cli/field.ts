import type { BenchPlan, DesignName, Work } from './bench-options.js';
import { compressedContestants } from './compressed-contestants.js';
import type { Field } from './contestants.js';
import { denseContestants } from './dense-contestants.js';
import { layerContestants } from './layer-contestants.js';
import { sparseContestants } from './sparse-contestants.js';

/** All that take part in one piece of work: of the designs asked for, and MHA, where there is another to measure. */
export async function fieldOf(work: Work, plan: BenchPlan, device: string): Promise<Field> {
  const { heads, headDim, dtype, causal, designs } = plan;
  const setting = { ...work, heads, headDim, dtype, causal, device };
  const fields: Field[] = [];
  if (work.mode === 'layer') fields.push(await layerContestants(setting));
  else fields.push({ contestants: await denseContestants(setting), leftOut: [] });
  if (work.mode === 'prefill') fields.push(await compressedContestants(setting), await sparseContestants(setting));

  const all = fields.flatMap(({ contestants }) => contestants);
  const isAsked = (design: DesignName) => designs?.includes(design) ?? true;
  const asked = all.filter(({ design }) => isAsked(design));
  const contestants = asked.length === 0 ? [] : all.filter((each) => each === all[0] || asked.includes(each));
  const leftOut = fields.flatMap((field) => field.leftOut).filter((absence) => absence.designs.some(isAsked));
  return { contestants, leftOut };
}
