/** Which heads belong together: the `headMap` option. */

import { expectChoice, readFields } from '../../checks/options.js';
import { AttentionError, invalidRange, invalidType } from '../../errors.js';
import { isTensor, type Tensor } from '../../tensor.js';
import type { AttentionOptions, HeadMapName } from './options.js';

/** Numbers of `HeadMap` in `native/core/ops/attention.h`. */
const headMapRules = Object.freeze({ grouped: 1, tile: 2, interleave: 3 } satisfies Record<HeadMapName, number>);
const defaultRule = 0;
const names: ReadonlySet<string> = new Set(['k', 'v']);

/** One rule for whatever has no tensor, as native code takes it. */
export interface HeadMap {
  readonly rule: number;
  readonly k: Tensor | undefined;
  readonly v: Tensor | undefined;
}

const noMap: HeadMap = Object.freeze({ rule: defaultRule, k: undefined, v: undefined });

/** Reads the option; shapes of its tensors are checked with those of all others. */
export function readHeadMap(map: AttentionOptions['headMap']): HeadMap {
  if (map === undefined) return noMap;
  if (typeof map === 'string') return { ...noMap, rule: expectChoice('headMap', map, headMapRules) };
  if (isTensor(map)) throw invalidType('ERR_ARGUMENT_TYPE', 'headMap must be a string or { k, v }, got a Tensor');
  const given = readFields('headMap', map, names, 'a string or { k, v }');
  const [k, v] = [readSide('headMap.k', given.k), readSide('headMap.v', given.v)];
  return { rule: commonRule(k, v), k: isTensor(k) ? k : undefined, v: isTensor(v) ? v : undefined };
}

function readSide(name: string, side: HeadMapName | Tensor | undefined): number | Tensor | undefined {
  return side === undefined || isTensor(side) ? side : expectChoice(name, side, headMapRules);
}

/** K and V follow one rule; tensors say anything else. */
function commonRule(k: number | Tensor | undefined, v: number | Tensor | undefined): number {
  const rules = [k, v].filter((side) => typeof side === 'number');
  if (rules.length === 0) return defaultRule;
  const agree = isTensor(k) || isTensor(v) || (rules.length === 2 && rules[0] === rules[1]);
  if (!agree)
    throw new AttentionError(
      'ERR_OPTION',
      'headMap.k and headMap.v must name the same rule; where keys and values are paired differently, give int32 tensors',
    );
  return rules[0]!;
}

/** @throws Where the rule and the head counts, `hO` of the output, do not go together. */
export function expectHeads(map: HeadMap, hQ: number, hK: number, hV: number, hO: number): void {
  expectShared('hQ', hQ, hO);
  if (map.k === undefined) expectShared('hK', hK, hO);
  if (map.v === undefined) expectShared('hV', hV, hO);
  if (map.rule === headMapRules.grouped && hQ < hO)
    throw new AttentionError(
      'ERR_OPTION',
      `headMap 'grouped' shares keys and values, but here ${hQ} query heads are shared by ${hO}: 'interleave' or 'tile'`,
    );
  if (map.rule === headMapRules.interleave && hQ === hO)
    throw new AttentionError(
      'ERR_OPTION',
      `headMap 'interleave' shares query heads, but there are ${hQ} for ${hO} output heads: 'grouped' or 'tile'`,
    );
}

function expectShared(name: string, heads: number, hO: number): void {
  if (hO % heads !== 0)
    throw invalidRange('ERR_SHAPE', `${name} must divide the ${hO} heads of the output, got ${heads}`);
}
