// A kernel that writes where no memory is takes the device with it, and nothing else: whoever waits is told, later calls
// are refused, and the process lives.
// usage: node loss.mjs OUT.json

import fs from 'node:fs';
import { device, Stream, Tensor } from './calls.mjs';

/** The code and the text that `call` fails with. */
async function failure(call) {
  try {
    await call();
  } catch ({ code, message }) {
    return { code, message };
  }
  return { code: 'none', message: 'nothing was thrown' };
}

const near = Tensor.zeros([1024], { device });
await Stream.default(device).synchronize();
const elements = 2 ** 32; // 16 GB from there on, of which 4 KB exist
const far = Tensor.fromDevicePointer(near.devicePointer, [elements], { device });
const waiting = Tensor.zeros([16], { device });
// Another dtype, so that a kernel does it.
far.slice([[elements / 2, elements / 2 + 1024]]).copyFrom(Tensor.zeros([1024], { dtype: 'bfloat16', device }));

const report = {
  synchronize: await failure(() => Stream.default(device).synchronize()),
  read: await failure(() => waiting.toArray()),
  later: await failure(() => Tensor.zeros([4], { device }).toArray()),
  cpu: Array.from(await Tensor.full([2], 7).toArray()),
};
fs.writeFileSync(process.argv[2], JSON.stringify(report, null, 2) + '\n');
console.log(JSON.stringify(report));
for (const { code, message } of [report.synchronize, report.read, report.later])
  if (code !== 'ERR_DEVICE_LOST' || !message.includes(device))
    throw new Error(`expected ERR_DEVICE_LOST of ${device}, got ${code}: ${message}`);
if (!report.synchronize.message.includes('copy')) throw new Error('the message does not name the operation');
if (report.cpu.join() !== '7,7') throw new Error('the CPU does not work any more');
