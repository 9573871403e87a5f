/** The GPUs among the devices of this process: emulated ones of test builds, and real ones. */

import { devices } from '../../lib/index.js';

const chosen = process.env.FUSED_ATTENTION_TEST_DEVICES?.split(',');

export const gpus: readonly string[] = devices()
  .map(({ name }) => name)
  .filter((name) => name !== 'cpu' && (chosen?.includes(name) ?? true));
