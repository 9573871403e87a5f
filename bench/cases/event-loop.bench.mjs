// Does anything keep the event loop while a long call runs?

import { clearInterval, setInterval } from 'node:timers';
import { defineBench } from '../define.mjs';
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

export default defineBench({
  name: 'event-loop',
  question: 'How long is the event loop kept while a call of 300 ms runs?',
  rows: [
    {
      name: 'longest event-loop delay during a 300 ms attention call',
      unit: 'ms',
      atMost: 5,
      judge: 'worst',
      async measure({ rounds }) {
        const s = await lengthOfCall();
        const long = contestant(s);
        try {
          await long.run();
          const measured = [];
          for (let round = 0; round < rounds; round++) measured.push(await longestDelay(() => long.run()));
          const milliseconds = measured.map((each) => each.milliseconds);
          return { values: measured.map(({ longest }) => longest), detail: { seqLen: s, milliseconds } };
        } finally {
          await long.dispose();
        }
      },
    },
  ],
});
