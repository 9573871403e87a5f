// How much of the machine does the matrix product of a layer reach: of its multiply-add rate, of its read bandwidth?

import { linear, Tensor } from '../../dist/esm.mjs';
import { defineBench } from '../define.mjs';
import { coldSets, stream } from '../inputs.mjs';
import { measureCeilings, shareOfCeiling } from '../measure.mjs';

const bytesPer = (dtype) => (dtype === 'float32' ? 4 : 2);
const bytesOf = ({ rows, inputs, outputs, dtype }) => (rows * (inputs + outputs) + inputs * outputs) * bytesPer(dtype);
const flopsOf = ({ rows, inputs, outputs }) => 2 * rows * inputs * outputs;

/** linear() as a contestant: as many sets of inputs as keep all of them out of the caches. */
function product(work) {
  const { rows, inputs, outputs, dtype, precision } = work;
  const random = (shape) => Tensor.randn(shape, { dtype, stream, seed: 1 });
  const sets = Array.from({ length: coldSets(bytesOf(work)) }, () => ({
    x: random([rows, inputs]),
    w: random([outputs, inputs]),
  }));
  const out = Tensor.empty([rows, outputs], { dtype });
  let next = 0;
  return {
    name: precision ? `precision ${precision}` : dtype,
    async run() {
      const { x, w } = sets[next++ % sets.length];
      linear(x, w, { out, stream, ...(precision && { precision }) });
      await stream.synchronize();
    },
    async dispose() {
      await stream.synchronize();
      for (const tensor of [out, ...sets.flatMap(({ x, w }) => [x, w])]) tensor.dispose();
    },
  };
}

const cube = { rows: 2048, inputs: 2048, outputs: 2048 };
const says = ({ rows, inputs, outputs, dtype, precision }) =>
  `${rows} x ${inputs} by ${outputs} x ${inputs}, ${dtype}${precision ? ` with precision '${precision}'` : ''}`;

function shareOfPeak(work, atLeast) {
  const ceiling = work.dtype === 'bfloat16' || work.precision ? 'bf16Flops' : 'f32Flops';
  return {
    name: `share of peak, ${says(work)}`,
    unit: '%',
    ...(atLeast && { atLeast }),
    async measure(context) {
      if (measureCeilings(context.threads)[ceiling] === 0)
        return { skipped: 'no bfloat16 dot product on this machine' };
      return shareOfCeiling(product(work), flopsOf(work), ceiling, context);
    },
  };
}

function shareOfBandwidth(work) {
  return {
    name: `share of read bandwidth, ${says(work)}`,
    unit: '%',
    measure: (context) => shareOfCeiling(product(work), bytesOf(work), 'readBytes', context),
  };
}

export default defineBench({
  name: 'linear',
  question: "How much of the machine's own multiply-add rate and read bandwidth does linear() reach?",
  rows: [
    shareOfPeak({ ...cube, dtype: 'float32' }, 85),
    shareOfPeak({ ...cube, dtype: 'bfloat16' }, 60),
    shareOfPeak({ ...cube, dtype: 'float32', precision: 'bfloat16' }, 60),
    shareOfPeak({ ...cube, dtype: 'float16' }),
    shareOfPeak({ rows: 64, inputs: 4096, outputs: 4096, dtype: 'float32' }),
    ...['float32', 'bfloat16', 'float16'].map((dtype) =>
      shareOfBandwidth({ rows: 1, inputs: 4096, outputs: 4096, dtype }),
    ),
    shareOfBandwidth({ rows: 8, inputs: 4096, outputs: 4096, dtype: 'float32' }),
  ],
});
