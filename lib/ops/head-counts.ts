import { expectChoice, expectInteger, readOptions } from '../checks/options.js';
import { AttentionError, invalidRange } from '../errors.js';

/** Designs that {@link headCounts} knows. */
export type AttentionDesign = 'mha' | 'mqa' | 'gqa' | 'sqa' | 'ssqa' | 'xsqa' | 'xsmqa' | 'lsqa' | 'rsqa';

/** Options of {@link headCounts}. */
export interface HeadCountOptions {
  /** Heads of the multi-head design that is varied: width of the model over head dim. */
  heads: number;
  /** Key and value heads, where the design leaves them open (`'gqa'`, `'sqa'`, `'lsqa'`, `'rsqa'`). */
  kvHeads?: number;
}

/** Heads of queries, keys and values: `k` and `v` are equal in all of these designs. */
export interface HeadCounts {
  readonly q: number;
  readonly k: number;
  readonly v: number;
}

interface Design {
  /** Query heads as a fraction of all. */
  readonly q: readonly [over: number, under: number];
  /** Key and value heads likewise, or a number of them. */
  readonly kv: readonly [over: number, under: number] | number;
  /** Whether the caller may choose the key and value heads. */
  readonly isOpen?: boolean;
}

const designs: Readonly<Record<AttentionDesign, Design>> = Object.freeze({
  mha: { q: [1, 1], kv: [1, 1] },
  mqa: { q: [1, 1], kv: 1 },
  gqa: { q: [1, 1], kv: [1, 4], isOpen: true },
  sqa: { q: [1, 2], kv: [1, 4], isOpen: true },
  ssqa: { q: [1, 2], kv: [1, 2] },
  xsqa: { q: [1, 4], kv: [1, 4] },
  xsmqa: { q: [1, 4], kv: 1 },
  lsqa: { q: [3, 4], kv: [1, 4], isOpen: true },
  rsqa: { q: [1, 4], kv: [1, 2], isOpen: true },
});

const optionNames: ReadonlySet<string> = new Set<keyof HeadCountOptions>(['heads', 'kvHeads']);

/**
 * Head counts of a design, for a model whose multi-head attention has `heads` = H heads. Fewer query heads make attention
 * cheaper in proportion; fewer key heads make the cache smaller. The scale stays `1 / sqrt(d)` of the full model.
 *
 * | design | queries | keys, values | |
 * | --- | --- | --- | --- |
 * | `'mha'` | H | H | multi-head |
 * | `'mqa'` | H | 1 | multi-query |
 * | `'gqa'` | H | `kvHeads`, H/4 | grouped queries |
 * | `'sqa'` | H/2 | `kvHeads`, H/4 | sparse queries |
 * | `'ssqa'` | H/2 | H/2 | symmetric |
 * | `'xsqa'` | H/4 | H/4 | extreme |
 * | `'xsmqa'` | H/4 | 1 | extreme, one key head |
 * | `'lsqa'` | 3H/4 | `kvHeads`, H/4 | light |
 * | `'rsqa'` | H/4 | `kvHeads`, H/2 | reversed: queries are shared; costs what its key heads cost |
 *
 * @throws {RangeError} `ERR_ARGUMENT_VALUE`: a count does not divide.
 * @throws {AttentionError} `ERR_OPTION`: `kvHeads` for a design that fixes them.
 * @see SQA, arXiv:2510.01817, section 3. GQA, arXiv:2305.13245, section 2.2.
 */
export function headCounts(design: AttentionDesign, options: HeadCountOptions): HeadCounts {
  const { q, kv, isOpen } = expectChoice('design', design, designs);
  const { heads, kvHeads } = readOptions('headCounts', options, optionNames);
  expectInteger('heads', heads, 1);
  if (kvHeads !== undefined) {
    if (isOpen !== true)
      throw new AttentionError('ERR_OPTION', `kvHeads cannot be chosen for '${design}', which fixes them`);
    expectInteger('kvHeads', kvHeads, 1);
  }
  const queries = share(design, heads, q);
  const keys = kvHeads ?? (typeof kv === 'number' ? kv : share(design, heads, kv));
  expectSharing(design, queries, keys);
  return Object.freeze({ q: queries, k: keys, v: keys });
}

function share(design: string, heads: number, [over, under]: readonly [number, number]): number {
  if (heads % under !== 0)
    throw invalidRange('ERR_ARGUMENT_VALUE', `heads must be a multiple of ${under} for '${design}', got ${heads}`);
  return (heads / under) * over;
}

/** Keys are shared by whole groups of queries; reversed, queries by whole groups of keys. */
function expectSharing(design: string, queries: number, keys: number): void {
  if (design === 'rsqa') {
    if (keys > queries && keys % queries === 0) return;
    throw invalidRange(
      'ERR_ARGUMENT_VALUE',
      `kvHeads must be a larger multiple of the ${queries} query heads for 'rsqa', got ${keys}`,
    );
  }
  if (queries % keys !== 0)
    throw invalidRange(
      'ERR_ARGUMENT_VALUE',
      `kvHeads must divide the ${queries} query heads of '${design}', got ${keys}`,
    );
}
