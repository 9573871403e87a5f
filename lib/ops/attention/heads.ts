/** Which heads belong together: the `headMap` option. */

import { describe, expectChoice, readFields } from '../../checks/options.js';
import { AttentionError, invalidRange, invalidType } from '../../errors.js';
import { isTensor, type Tensor } from '../../tensor.js';
import type { HeadMapName } from './options.js';

/** Numbers of `HeadMap` in `native/core/ops/attention.h`. */
const headMapRules = Object.freeze({ grouped: 1, tile: 2, interleave: 3 } satisfies Record<HeadMapName, number>);
const defaultRule = 0;
const names: ReadonlySet<string> = new Set(['k', 'v']);

/** One rule for whatever has no map of its own, as native code takes it. A map is a tensor, in a request a description. */
export interface HeadMap<Map = Tensor> {
  readonly rule: number;
  readonly k: Map | undefined;
  readonly v: Map | undefined;
}

const noMap: HeadMap<never> = Object.freeze({ rule: defaultRule, k: undefined, v: undefined });

type Sides<Side> = HeadMapName | { k?: HeadMapName | Side; v?: HeadMapName | Side };

/** Reads the option; shapes of its tensors are checked with those of all others. `readMap` reads what is no rule. */
export function readHeadMap<Side, Map extends object>(
  map: Sides<Side> | undefined,
  readMap: (name: 'headMap.k' | 'headMap.v', side: Side) => Map | undefined,
): HeadMap<Map> {
  if (map === undefined) return noMap;
  if (typeof map === 'string') return { ...noMap, rule: expectChoice('headMap', map, headMapRules) };
  if (isTensor(map)) throw invalidType('ERR_ARGUMENT_TYPE', 'headMap must be a string or { k, v }, got a Tensor');
  const given = readFields('headMap', map, names, 'a string or { k, v }');
  const readSide = (
    name: 'headMap.k' | 'headMap.v',
    side: HeadMapName | Side | undefined,
  ): number | Map | undefined => {
    if (side === undefined) return undefined;
    return typeof side === 'string' ? expectChoice(name, side, headMapRules) : readMap(name, side);
  };
  const [k, v] = [readSide('headMap.k', given.k), readSide('headMap.v', given.v)];
  return { rule: commonRule(k, v), k: asMap(k), v: asMap(v) };
}

/** A map of a call. */
export function expectMap(name: string, side: unknown): Tensor {
  if (isTensor(side)) return side;
  throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be a string or a Tensor, got ${describe(side)}`);
}

const asMap = <Map extends object>(side: number | Map | undefined): Map | undefined =>
  typeof side === 'object' ? side : undefined;

/** K and V follow one rule; tensors say anything else. */
function commonRule(k: number | object | undefined, v: number | object | undefined): number {
  const rules = [k, v].filter((side) => typeof side === 'number');
  if (rules.length === 0) return defaultRule;
  const agree = typeof k === 'object' || typeof v === 'object' || (rules.length === 2 && rules[0] === rules[1]);
  if (!agree)
    throw new AttentionError(
      'ERR_OPTION',
      'headMap.k and headMap.v must name the same rule; where keys and values are paired differently, give int32 tensors',
    );
  return rules[0]!;
}

/** @returns The heads of the output. @throws Where the rule and the head counts do not go together. */
export function expectHeads(map: HeadMap<object>, hQ: number, hK: number, hV: number): number {
  const hO = map.k !== undefined || map.v !== undefined ? hQ : Math.max(hQ, hK, hV);
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
  return hO;
}

function expectShared(name: string, heads: number, hO: number): void {
  if (hO % heads !== 0)
    throw invalidRange('ERR_SHAPE', `${name} must divide the ${hO} heads of the output, got ${heads}`);
}
