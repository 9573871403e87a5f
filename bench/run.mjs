// Our own benches, without other libraries: `node bench/run.mjs --help`.

import { ownCases } from './cases.mjs';
import { runBenches } from './runner.mjs';

await runBenches({ command: 'bench/run.mjs', benches: await ownCases(), label: 'alone' });
