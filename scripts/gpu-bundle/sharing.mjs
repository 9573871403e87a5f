// Memory that one process makes and another opens: what one writes the other reads, in both directions.
// usage: node sharing.mjs OUT.json

import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { device, Stream, Tensor } from './calls.mjs';

const COUNT = 1 << 20;

async function write(tensor, value) {
  tensor.copyFrom(Tensor.full([COUNT], value, { device }));
  await Stream.default(device).synchronize();
}

async function expectAll(tensor, value) {
  const values = await tensor.toArray();
  const wrong = values.findIndex((each) => each !== value);
  if (wrong >= 0) throw new Error(`element ${wrong} is ${values[wrong]}, expected ${value}`);
}

async function open(shared) {
  const tensor = Tensor.fromShared(shared);
  await expectAll(tensor, 3);
  await write(tensor, 5);
  tensor.dispose();
  process.disconnect();
}

async function share(out) {
  const tensor = Tensor.shareable([COUNT], { device });
  await write(tensor, 3);
  const other = fork(import.meta.filename, [], { serialization: 'advanced' });
  other.send(tensor.share());
  const [code] = await once(other, 'exit');
  if (code !== 0) throw new Error(`the other process ended with ${code}`);
  await expectAll(tensor, 5);
  tensor.dispose();
  fs.writeFileSync(out, JSON.stringify({ passed: true, bytes: 4 * COUNT }) + '\n');
  console.log('written and read by both processes');
}

if (process.send === undefined) await share(process.argv[2]);
else process.once('message', open);
