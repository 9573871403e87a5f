/**
 * Random combinations of options against the oracle. The seed is printed with every failure; set
 * FUSED_ATTENTION_TEST_SEED to repeat it.
 */

import { headsOf, type HeadMap } from '../oracle/heads.js';
import type { FloatDType } from '../oracle/round.js';
import { checkAttention, shapeOf, type AttentionCase, type CaseOptions } from '../support/attention-case.js';
import { targets } from '../support/backends.js';
import { Random, sizeOf } from '../support/random.js';

const kCases = 150;
const seed = Number(process.env.FUSED_ATTENTION_TEST_SEED ?? Date.now() % 2 ** 31);

// Lengths that sit on, just before and just after the borders of tiles, blocks and chunks.
const queryLengths = [1, 1, 2, 3, 5, 6, 7, 11, 12, 13, 17, 31, 48, 49, 60, 97];
const keyLengths = [0, 1, 5, 15, 16, 17, 31, 33, 63, 64, 65, 97, 127, 128, 129, 200, 255, 257, 300];
const dims = [1, 2, 3, 5, 8, 12, 16, 17, 24, 31, 32, 40, 48, 64];

const numbers = (count: number, draw: () => number) => Array.from({ length: count }, draw);

/** A tensor that broadcasts to `full`: some axes of one, perhaps fewer axes. */
function broadcastable(random: Random, full: readonly number[], draw: () => number) {
  const shape = full
    .map((n) => (random.chance(0.3) ? 1 : n))
    .slice(random.chance(0.3) ? random.integer(0, full.length - 1) : 0);
  return { shape, data: numbers(sizeOf(shape), draw) };
}

function randomHeads(random: Random): { hQ: number; hK: number; hV: number; headMap?: HeadMap } {
  const base = random.integer(1, 2);
  const kind = random.next();
  if (kind < 0.5) return { hQ: base * random.pick([1, 2, 3, 4]), hK: base, hV: base };
  if (kind < 0.6) return { hQ: 4 * base, hK: base, hV: 2 * base };
  if (kind < 0.75) {
    const headMap = random.pick(['tile', 'interleave', undefined] as const);
    const many = base * random.pick([2, 3]);
    return { hQ: base, hK: many, hV: many, ...(headMap && { headMap }) };
  }
  const [hQ, hK, hV] = [random.integer(1, 5), random.integer(1, 4), random.integer(1, 4)];
  const map = (heads: number) => numbers(hQ, () => random.integer(0, heads - 1));
  return { hQ, hK, hV, headMap: { k: map(hK), v: map(hV) } };
}

/** Increasing offsets from 0 to `total`, some sequences empty. */
function offsets(random: Random, sequences: number, total: number): number[] {
  return [0, ...numbers(sequences - 1, () => random.integer(0, total)).sort((a, b) => a - b), total];
}

function randomCase(random: Random): AttentionCase {
  const { headMap, ...heads } = randomHeads(random);
  const b = random.integer(1, 3);
  const d = random.pick(dims);
  const shape = {
    b,
    sQ: random.pick(queryLengths),
    sKv: random.pick(keyLengths),
    ...heads,
    d,
    dV: random.chance(0.7) ? d : random.pick(dims),
  };
  const packed = random.chance(0.25);
  if (packed) Object.assign(shape, { sQ: shape.sQ + random.integer(0, 30), sKv: shape.sKv + random.integer(0, 60) });
  const options: CaseOptions = {
    ...(headMap && { headMap }),
    ...(packed && { cuSeqLensQ: offsets(random, b, shape.sQ), cuSeqLensK: offsets(random, b, shape.sKv) }),
  };
  const row: AttentionCase = {
    shape,
    options,
    seed: random.integer(1, 1e6),
    layout: random.pick(['dense', 'dense', 'heads-first', 'sliced']),
    biasDtype: random.pick(['float32', 'storage']),
  };
  addMask(random, row, packed);
  addScores(random, row, packed);
  return row;
}

function addMask(random: Random, row: AttentionCase, packed: boolean): void {
  const { b, sQ, sKv } = shapeOf(row);
  const { hO } = headsOf(shapeOf(row), row.options?.headMap);
  const options = row.options!;
  const perHead = (draw: () => number) => (random.chance(0.4) ? numbers(hO, draw) : draw());
  const reach = () => random.pick([-1, 0, 1, 4, 20, 64, 130, 400]);
  if (random.chance(0.5)) options.causal = true;
  if (random.chance(0.5)) {
    options.window = { left: perHead(reach), ...(!options.causal && random.chance(0.5) && { right: perHead(reach) }) };
    if (random.chance(0.4)) options.sinkTokens = perHead(() => random.integer(0, 40));
  }
  if (options.causal && options.window?.right === undefined && random.chance(0.3))
    options.prefixLengths = numbers(b, () => random.integer(0, sKv + 5));
  if (random.chance(0.2)) {
    const [tokensQ, tokensK] = packed ? [sQ, sKv] : [b * sQ, b * sKv];
    const ids = (tokens: number) => numbers(tokens, () => random.integer(0, 2));
    options.segments = { q: ids(tokensQ), k: ids(tokensK) };
  }
  if (packed) return;
  if (random.chance(0.3)) options.kvLengths = numbers(b, () => random.integer(0, sKv));
  if (random.chance(0.3)) {
    const keep = random.pick([0.02, 0.5, 0.95]);
    options.mask = broadcastable(random, [b, hO, sQ, sKv], () => Number(random.chance(keep)));
  }
}

function addScores(random: Random, row: AttentionCase, packed: boolean): void {
  const { b, sQ, sKv } = shapeOf(row);
  const { hO } = headsOf(shapeOf(row), row.options?.headMap);
  const options = row.options!;
  const rowShape = packed ? [hO, sQ] : [b, hO, sQ];
  const draw = () => random.normal();
  if (random.chance(0.2)) options.scale = random.normal();
  if (random.chance(0.2)) options.softcap = random.pick([0.5, 3, 50]);
  if (random.chance(0.2)) options.sinks = numbers(hO, draw);
  if (random.chance(0.2)) {
    const shape = random.chance(0.5) ? [hO] : [b, hO];
    options.alibiSlopes = { shape, data: numbers(sizeOf(shape), () => 0.2 * random.next()) };
  }
  if (random.chance(0.2)) options.temperature = broadcastable(random, rowShape, draw);
  if (random.chance(0.2)) options.gate = broadcastable(random, rowShape, draw);
  if (!packed && random.chance(0.25)) options.bias = broadcastable(random, [b, hO, sQ, sKv], draw);
}

/** The case without its long lists, for the failure message. */
function describeCase(row: AttentionCase): string {
  return JSON.stringify(row, (_, value: unknown) =>
    Array.isArray(value) && value.length > 12 ? `${value.length} numbers` : value,
  );
}

for (const { name, device, dtype } of targets())
  test(`random combinations of options, ${name}, seed ${seed}`, async () => {
    const dtypeOffset: Record<FloatDType, number> = { float32: 0, float16: 1, bfloat16: 2 };
    for (let n = dtypeOffset[dtype]; n < kCases; n += 3) {
      const random = new Random(seed + 7919 * n);
      const row = randomCase(random);
      if (dtype === 'float32' && random.chance(0.2)) row.precision = 'bfloat16';
      await checkAttention(row, { device, dtype }).catch((error: unknown) => {
        throw new Error(
          `FUSED_ATTENTION_TEST_SEED=${seed}, case ${n}: ${(error as Error).message}\n${describeCase(row)}`,
        );
      });
    }
  });
