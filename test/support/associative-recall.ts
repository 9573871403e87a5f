/**
 * Multi-query associative recall with keys and values made by hand (seed-systems 3.20 iii): pairs of codes at the start
 * of a sequence, each key asked for again once later, random codes everywhere else. Exact attention answers every time.
 */

import type { Tensor } from '../../lib/index.js';
import { Random } from './random.js';

export interface RecallTask {
  /** Sequences, tokens of each, pairs, head dim. */
  readonly b: number;
  readonly s: number;
  readonly pairs: number;
  readonly d: number;
  /** [b, s, 1, d] each. */
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  /** [b, 1, s]: 1 where a token holds a pair. */
  readonly marks: Float32Array;
  /** Places of the queries of each sequence, by pair. */
  readonly asked: readonly (readonly number[])[];
}

const { floor, sqrt } = Math; // globals are slow to reach inside Jest
const exponent = 0.01; // of the law of gaps: p(x) ~ x^(exponent - 1)

/** Distinct gaps below `count`, by the law, without replacement. */
function drawGaps(pairs: number, count: number, random: Random): number[] {
  const weights = Array.from({ length: count }, (_, x) => (x + 1) ** (exponent - 1));
  return Array.from({ length: pairs }, () => {
    let rest = random.next() * weights.reduce((sum, x) => sum + x, 0);
    let gap = 0;
    for (; gap < count - 1 && (weights[gap] === 0 || rest >= weights[gap]!); ++gap) rest -= weights[gap]!;
    weights[gap] = 0;
    return gap;
  });
}

export function recallTask(b: number, s: number, pairs: number, d: number, seed: number): RecallTask {
  const random = new Random(seed);
  const [q, k, v] = [new Float32Array(b * s * d), new Float32Array(b * s * d), new Float32Array(b * s * d)];
  const marks = new Float32Array(b * s);
  const code = () => Float32Array.from({ length: d }, () => (random.chance(0.5) ? 1 : -1) / sqrt(d));
  for (const rows of [q, k, v]) for (let at = 0; at < rows.length; at += d) rows.set(code(), at);
  const asked: number[][] = [];
  for (let n = 0; n < b; ++n) {
    const gaps = drawGaps(pairs, floor((s - 2 * pairs) / 2), random);
    asked.push(gaps.map((gap) => 2 * pairs + 2 * gap));
    for (let pair = 0; pair < pairs; ++pair) {
      const stored = n * s + 2 * pair + 1; // where the value of the pair stands, and its key is known
      marks[stored] = 1;
      q.set(k.subarray(stored * d, (stored + 1) * d), (n * s + asked[n]![pair]!) * d);
    }
  }
  return { b, s, pairs, d, q, k, v, marks, asked };
}

/** Share of the queries whose output is nearest to the value that belongs to their key. */
export async function recallOf(task: RecallTask, out: Tensor): Promise<number> {
  const { b, s, pairs, d, v, asked } = task;
  const rows = await out.toArray();
  const value = (n: number, pair: number) => v.subarray((n * s + 2 * pair + 1) * d, (n * s + 2 * pair + 2) * d);
  let right = 0;
  for (let n = 0; n < b; ++n)
    for (let pair = 0; pair < pairs; ++pair) {
      const row = rows.subarray((n * s + asked[n]![pair]!) * d, (n * s + asked[n]![pair]! + 1) * d);
      const nearness = (other: number) => value(n, other).reduce((sum, x, c) => sum + x * row[c]!, 0);
      const own = nearness(pair);
      right += Number(
        Array.from({ length: pairs }, (_, other) => other).every((other) => other === pair || nearness(other) < own),
      );
    }
  return right / (b * pairs);
}
