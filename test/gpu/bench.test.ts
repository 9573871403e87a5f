/** The bench on a GPU: what the device has no kernels for is left out, and said so. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { gpus } from '../support/gpus.js';

const main = path.resolve(__dirname, '../../dist/cli/main.js');
const small = ['--seq', '513', '--heads', '4', '--head-dim', '8', '--rounds', '1', '--mode', 'prefill'];

describe.each(gpus)('bench, %s', (device) => {
  test('windows are measured, dynamic masks too or left out with a word', () => {
    const args = [main, 'bench', '--device', device, ...small, '--designs', 'window,dma'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: expect.stringContaining('window 512') });
    const leftOut = /^left out: DMA: .*is not there yet on/m.test(stderr);
    expect(leftOut).toBe(!stdout.includes('DMA 512'));
  }, 60_000);
});
