// Prints by how much a timer came late at worst while a call of about 300 ms ran. A process of its own: the event loop
// also stops for garbage that other benches left, which is not what is asked.

import { clearInterval, setInterval } from 'node:timers';
import { ours, randomSets } from '../inputs.mjs';

const CALL_MILLISECONDS = 300;
const TICK_MILLISECONDS = 1;
const heads = { hQ: 16, hKv: 4, d: 64 };
const contestant = (s) => ours('float32', randomSets({ sQ: s, sKv: s, ...heads }), { causal: true });

/** The length at which a call takes about CALL_MILLISECONDS here: time grows with its square. */
async function lengthOfCall() {
  const probe = contestant(2048);
  await probe.run();
  const start = performance.now();
  await probe.run();
  const milliseconds = performance.now() - start;
  await probe.dispose();
  return 64 * Math.ceil((2048 * Math.sqrt(CALL_MILLISECONDS / milliseconds)) / 64);
}

/** By how much the worst tick of a timer came late while `work` was awaited. */
async function longestDelay(work) {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - TICK_MILLISECONDS);
    last = now;
  }, TICK_MILLISECONDS);
  const start = performance.now();
  await work();
  const milliseconds = performance.now() - start;
  longest = Math.max(longest, performance.now() - last - TICK_MILLISECONDS);
  clearInterval(timer);
  return { longest, milliseconds };
}

const seqLen = await lengthOfCall();
const long = contestant(seqLen);
await long.run();
const { longest, milliseconds } = await longestDelay(() => long.run());
await long.dispose();
console.log(JSON.stringify({ longest, milliseconds, seqLen }));
