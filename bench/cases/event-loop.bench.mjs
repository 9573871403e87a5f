// Does anything keep the event loop while a long call runs?

import { defineBench } from '../define.mjs';
import { runChild } from '../measure.mjs';

export default defineBench({
  name: 'event-loop',
  question: 'How long is the event loop kept while a call of 300 ms runs?',
  rows: [
    {
      name: 'longest event-loop delay during a 300 ms attention call',
      unit: 'ms',
      atMost: 5,
      judge: 'worst',
      async measure({ rounds, threads }) {
        const detail = Array.from({ length: rounds }, () => runChild('event-loop.mjs', threads));
        return { values: detail.map(({ longest }) => longest), detail };
      },
    },
  ],
});
