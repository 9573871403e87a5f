/** Which options of attention() go together. */

import { AttentionError } from '../../errors.js';

/** What the rules need to know of the options, given to a call or named in a request. */
type Given = {
  readonly causal?: boolean;
  readonly window?: { readonly right?: unknown };
} & { readonly [Name in 'sinkTokens' | 'prefixLengths' | 'kvLengths' | 'mask' | 'bias']?: unknown };

/** Options that contradict one another, or would silently do nothing. */
export function expectCombination(options: Given, packed: boolean): void {
  const { window, sinkTokens, prefixLengths, kvLengths, mask, bias } = options;
  if (sinkTokens !== undefined && window === undefined)
    throw new AttentionError('ERR_OPTION', 'sinkTokens needs window: without one no key is hidden that it could show');
  if (prefixLengths !== undefined) {
    if (options.causal !== true)
      throw new AttentionError(
        'ERR_OPTION',
        'prefixLengths needs causal: without it every token sees the prefix anyway',
      );
    if (isBounded(window?.right))
      throw new AttentionError(
        'ERR_OPTION',
        'prefixLengths cannot be combined with window.right, which hides the prefix',
      );
  }
  if (!packed) return;
  for (const [name, value] of [['kvLengths', kvLengths] as const, ['mask', mask] as const, ['bias', bias] as const])
    if (value !== undefined)
      throw new AttentionError(
        'ERR_OPTION',
        `${name} cannot be combined with cuSeqLensQ and cuSeqLensK: packed sequences have no common key axis`,
      );
}

function isBounded(side: unknown): boolean {
  return side !== undefined && side !== null && side !== -1;
}
