// Every kind of kernel once, small: run under a memory checker.

import { calls } from './calls.mjs';

for (const [name, call] of Object.entries(calls(150))) {
  const out = call();
  const values = await out.toArray();
  out.dispose();
  if (!values.every(Number.isFinite)) throw new Error(`${name}: not every element is a number`);
  console.log(name);
}
