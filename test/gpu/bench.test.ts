/** The bench on a GPU. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { gpus } from '../support/gpus.js';

const main = path.resolve(__dirname, '../../dist/cli/main.js');
const small = ['--seq', '513', '--heads', '4', '--head-dim', '8', '--rounds', '1', '--mode', 'prefill'];

describe.each(gpus)('bench, %s', (device) => {
  test('windows and dynamic masks are measured', () => {
    const args = [main, 'bench', '--device', device, ...small, '--designs', 'window,dma'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toMatchObject({ status: 0, stdout: expect.stringContaining('window 512') });
    expect(stdout).toContain('DMA 512');
    expect(stderr).not.toContain('left out');
  }, 60_000);
});
