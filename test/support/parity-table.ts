import type { FloatDType } from '../oracle/round.js';
import { checkAttention, type AttentionCase } from './attention-case.js';
import { targets, type Target } from './backends.js';

/** A row and the reason why it exists. */
export type Row = AttentionCase & { name: string };

/** One test per row, device and dtype: output and lse against the oracle. */
export function parityTable(
  title: string,
  rows: readonly Row[],
  dtypes?: readonly FloatDType[],
  isFor: (target: Target) => boolean = () => true,
): void {
  for (const { name: target, ...place } of targets(dtypes).filter(isFor))
    describe(`${title}, ${target}`, () => {
      test.each(rows)('$name', (row) => checkAttention(row, place));
    });
}
