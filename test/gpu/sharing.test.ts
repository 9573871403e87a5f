/** Device pointers, and memory shared between processes. */

import { Stream, Tensor } from '../../lib/index.js';
import { expectFailure, wrong } from '../support/expect-error.js';
import { gpus } from '../support/gpus.js';

for (const device of gpus)
  describe(`on ${device}`, () => {
    test('another view of the same memory by its address', async () => {
      using stream = new Stream(device);
      const tensor = Tensor.from([1, 2, 3, 4, 5, 6], [2, 3]).to({ device, stream });
      await stream.synchronize();
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

    test('what a handle names is opened whole or in part, never beyond its end', async () => {
      const shared = (shape: number[], bytes: number) => {
        const handle = new Uint8Array(8 + 64);
        new DataView(handle.buffer).setBigInt64(0, BigInt(bytes), true);
        return { device, dtype: 'float32', shape, handle } as const;
      };
      await expectFailure(() => Tensor.fromShared(shared([5], 16)), 'ERR_BOUNDS', /20 bytes, .* has 16/);
      await expectFailure(
        () => Tensor.fromShared({ ...shared([1], 16), handle: new Uint8Array(8) }),
        'ERR_ARGUMENT_VALUE',
        /handle has 8 bytes/,
      );
    });
  });
