/** Device pointers and memory shared between processes, where there is no GPU to have them. */

import { Tensor } from '../../lib/index.js';
import { expectFailure, wrong } from '../support/expect-error.js';

describe('where there is no GPU', () => {
  test('the CPU has no device pointers', async () => {
    const tensor = Tensor.zeros([2]);
    await expectFailure(() => tensor.devicePointer, 'ERR_DEVICE', /devicePointer needs a GPU.*'cpu'/);
    await expectFailure(() => tensor.share(), 'ERR_DEVICE', /share needs a GPU/);
    await expectFailure(
      () => Tensor.fromDevicePointer(4096n, [2], { device: 'cpu' }),
      'ERR_DEVICE',
      /device needs a GPU/,
    );
    await expectFailure(() => Tensor.shareable([2], { device: 'cpu' }), 'ERR_DEVICE', /device needs a GPU/);
    tensor.dispose();
  });

  test('what is shared is checked field by field', async () => {
    const shared = { device: 'cpu', dtype: 'float32', shape: [2], handle: new Uint8Array(64) } as const;
    await expectFailure(() => Tensor.fromShared(shared), 'ERR_DEVICE', /shared.device needs a GPU/);
    await expectFailure(
      () => Tensor.fromShared({ ...shared, device: 'cuda:0', handle: wrong([1]) }),
      'ERR_ARGUMENT_TYPE',
      /shared.handle must be a Uint8Array/,
    );
    await expectFailure(() => Tensor.fromShared(wrong(7)), 'ERR_ARGUMENT_TYPE', /shared must be what share\(\) gave/);
  });
});
