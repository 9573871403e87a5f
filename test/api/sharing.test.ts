/** Device pointers and memory shared between processes: refusals everywhere, and the real thing where there is a GPU. */

import { devices, Stream, Tensor } from '../../lib/index.js';
import { expectFailure, wrong } from '../support/expect-error.js';

const gpus = devices()
  .map(({ name }) => name)
  .filter((name) => name !== 'cpu');

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

for (const device of gpus)
  describe(`on ${device}`, () => {
    test('another view of the same memory by its address', async () => {
      const tensor = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]).to({ device });
      await Stream.default(device).synchronize();
      const part = tensor.slice([[1, 2], null]);
      const view = Tensor.fromDevicePointer(part.devicePointer, [3], { device });
      expect(Array.from(await view.toArray())).toEqual([4, 5, 6]);
      view.dispose(); // of the view only
      expect(Array.from(await tensor.toArray())).toEqual([1, 2, 3, 4, 5, 6]);
      part.dispose();
      tensor.dispose();
    });

    test('addresses that cannot be right are refused', async () => {
      const from = (address: unknown) => () => Tensor.fromDevicePointer(wrong(address), [2], { device });
      await expectFailure(from('0x10'), 'ERR_ARGUMENT_TYPE', /address must be a number or a bigint/);
      await expectFailure(from(0n), 'ERR_ARGUMENT_VALUE', /address must be the address of device memory/);
      await expectFailure(from(4098n), 'ERR_ARGUMENT_VALUE', /multiple of 4/);
      await expectFailure(from(4096n), 'ERR_ARGUMENT_VALUE', /address/);
    });

    test('a tensor of the pool cannot be shared, nor a part of one', async () => {
      const tensor = Tensor.zeros([4], { device });
      await expectFailure(() => tensor.share(), 'ERR_ARGUMENT_VALUE', /share/i);
      const part = tensor.slice([[1, 3]]);
      await expectFailure(() => part.share(), 'ERR_LAYOUT', /view/);
      part.dispose();
      tensor.dispose();
    });
  });
