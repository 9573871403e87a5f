/** What the parity tables run on: every device of this process, with the instruction path it uses. */

import { devices } from '../../lib/index.js';
import type { FloatDType } from '../oracle/round.js';

export interface Target {
  /** For test names: 'cpu/avx512bf16, float16'. */
  name: string;
  device: string;
  dtype: FloatDType;
  /** Runs thread by thread, a thousand times slower than a device: large shapes are not for it. */
  emulated: boolean;
}

const dtypes: readonly FloatDType[] = ['float32', 'float16', 'bfloat16'];

/** FUSED_ATTENTION_TEST_DEVICES, such as 'cuda:0' or 'cpu,emulated:0'; all devices where it is not set. */
const chosen = process.env.FUSED_ATTENTION_TEST_DEVICES?.split(',');

/**
 * Devices times dtypes. The instruction path of the CPU is chosen once per process, by the environment variable
 * FUSED_ATTENTION_CPU_LEVEL, so `scripts/test.mjs` runs the tables once per path.
 */
export function targets(only: readonly FloatDType[] = dtypes): Target[] {
  const found = devices().filter(({ name }) => chosen?.includes(name) ?? true);
  if (found.length === 0)
    throw new Error(`FUSED_ATTENTION_TEST_DEVICES names no device of this machine: ${chosen?.join(',')}`);
  return found.flatMap(({ name, path }) =>
    only.map((dtype) => ({
      name: `${name}/${path}, ${dtype}`,
      device: name,
      dtype,
      emulated: name.startsWith('emulated:'),
    })),
  );
}
