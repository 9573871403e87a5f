/** Which query, key and value head an output head reads: attention-variants 1.1 and 3.2, K1 of seed-systems. */

export type HeadRule = 'grouped' | 'tile' | 'interleave';
/** For K and V: a rule, or one head per query head. */
export type HeadMap = HeadRule | { k?: HeadRule | readonly number[]; v?: HeadRule | readonly number[] };

export interface Heads {
  /** Output heads. */
  hO: number;
  q(o: number): number;
  k(o: number): number;
  v(o: number): number;
}

export function headsOf({ hQ, hK, hV }: { hQ: number; hK: number; hV: number }, map?: HeadMap): Heads {
  const { k: mapK, v: mapV } = typeof map === 'object' ? map : { k: map, v: map };
  const explicit = typeof mapK === 'object' || typeof mapV === 'object';
  const hO = explicit ? hQ : Math.max(hQ, hK, hV);
  const fallback: HeadRule = hQ === hO ? 'grouped' : 'tile';

  const pick = (entry: HeadRule | readonly number[] | undefined, count: number) => (o: number) => {
    if (typeof entry === 'object') return entry[o]!;
    if ((entry ?? fallback) === 'tile') return o % count;
    return Math.floor(o / (hO / count)); // 'grouped' and 'interleave': runs of hO / count output heads
  };
  const ruleQ = [mapK, mapV].find((entry): entry is HeadRule => typeof entry === 'string');
  return { hO, q: pick(ruleQ, hQ), k: pick(mapK, hK), v: pick(mapV, hV) };
}
