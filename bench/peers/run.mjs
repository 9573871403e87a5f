// Every row of the table of targets: the comparisons with ONNX Runtime, then our own benches.
// `node bench/peers/run.mjs --help`.

import { casesIn, ownCases } from '../cases.mjs';
import { runBenches } from '../runner.mjs';
import { version } from './onnxruntime.mjs';

await runBenches({
  command: 'bench/peers/run.mjs',
  benches: [...(await casesIn(new URL('cases/', import.meta.url))), ...(await ownCases())],
  versions: { 'onnxruntime-node': version },
});
