import { expectAttentionOptions } from '../attention/checks.js';
import { expectMap, readHeadMap } from '../attention/heads.js';
import type { AttentionOptions } from '../attention/options.js';
import { readAttentionOptions } from '../attention/read.js';
import { readSizes } from '../attention/sizes.js';
import type { CcaHeads } from './options.js';

/** Checks what attention() will be given, before anything is queued. */
export function expectAttended({ q, k, v }: CcaHeads, options: AttentionOptions): void {
  const given = readAttentionOptions(options);
  const map = readHeadMap(undefined, expectMap);
  const sizes = readSizes(q, k, v, given.cuSeqLensQ, given.cuSeqLensK, map);
  expectAttentionOptions(given, map, q, k, v, sizes);
}
