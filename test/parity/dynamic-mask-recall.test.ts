/**
 * How much of what exact attention recalls is left at a budget of keys: dynamic masks whose scores know which tokens
 * matter, dynamic masks whose scores know nothing, and sliding windows of the same width. The curves are committed as
 * bench/results/dynamic-mask-recall.svg; RECALL_PLOT=write draws them anew.
 */

import fs from 'node:fs';
import path from 'node:path';
import { attention, dynamicMaskAttention, Tensor } from '../../lib/index.js';
import { recallOf, recallTask } from '../support/associative-recall.js';
import { targets } from '../support/backends.js';
import { normal } from '../support/random.js';

const plot = path.join(__dirname, '../../bench/results/dynamic-mask-recall.svg');
const task = recallTask(16, 512, 32, 64, 3);
const { b, s, pairs, d } = task;
const shape = [b, s, 1, d];
const budgets = [8, 16, 32, 64, 128, 256, 512];
const scale = 40; // a match stands out from chance products of codes by far

type Curve = { readonly name: string; readonly recall: readonly number[] };

/** A drawing of `curves` over the budgets, on an axis of doublings. */
function draw(curves: readonly Curve[]): string {
  const [width, height, left, top] = [560, 300, 50, 20];
  const x = (n: number) => left + (n * (width - left - 190)) / (budgets.length - 1);
  const y = (recall: number) => top + (1 - recall) * (height - top - 50);
  const colours = ['#444444', '#1b7f4b', '#c2571a', '#2f5fb3'];
  const text = (px: number, py: number, what: string, anchor = 'start', fill = '#222222') =>
    `<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" text-anchor="${anchor}" fill="${fill}">${what}</text>`;
  const lines = curves.map(({ name, recall }, n) => {
    const points = recall.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const label = text(width - 178, top + 16 + 20 * n, name, 'start', colours[n]);
    return `<polyline points="${points}" fill="none" stroke="${colours[n]}" stroke-width="2"/>\n${label}`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...[0, 0.5, 1].map((value) => text(left - 8, y(value) + 4, String(value), 'end')),
    ...budgets.map((budget, n) => text(x(n), height - 32, String(budget), 'middle')),
    text(left, height - 10, `keys a query may keep, of ${s}; recall of ${pairs} pairs, ${b * pairs} queries`),
    ...lines,
    '</svg>\n',
  ].join('\n');
}

// 512 queries of 16 sequences, 28 times: too much to emulate. Real GPUs run it where they have the kernels.
for (const { name: target, device, dtype, emulated } of targets(['float32', 'bfloat16']))
  (emulated ? test.skip : test)(`recall by budget, ${target}`, async () => {
    const tensor = (data: ArrayLike<number>) => Tensor.from(Float32Array.from(data), shape, { dtype, device });
    const [q, k, v] = [tensor(task.q), tensor(task.k), tensor(task.v)];
    const scores = (data: ArrayLike<number>) => Tensor.from(Float32Array.from(data), [b, 1, s], { device });
    const noise = normal([b, s], 9).map((x) => 0.1 * x);
    const [knowing, blind] = [scores(task.marks.map((mark, n) => mark + noise[n]!)), scores(noise)];
    const sweep = (run: (budget: number) => Tensor) =>
      Promise.all(budgets.map((budget) => recallOf(task, run(budget))));
    const masked = (by: Tensor) => (keep: number) =>
      dynamicMaskAttention(q, k, v, { scores: by, keep, causal: true, scale });

    const exact = await sweep(() => attention(q, k, v, { causal: true, scale }));
    const marked = await sweep(masked(knowing));
    const random = await sweep(masked(blind));
    const window = await sweep((width) => attention(q, k, v, { causal: true, scale, window: { left: width - 1 } }));

    expect(exact).toEqual(budgets.map(() => 1));
    budgets.forEach((budget, n) => {
      if (budget >= pairs) expect(marked[n]).toBe(1);
      // Below, one pair in so many is kept, and a guess is right once in `pairs`.
      else expect(Math.abs(marked[n]! - budget / pairs)).toBeLessThan(0.1);
      if (n > 0) expect(random[n]).toBeGreaterThanOrEqual(random[n - 1]! - 0.05);
    });
    expect(random[budgets.length - 1]).toBe(1);
    expect(window[budgets.length - 1]).toBe(1);
    expect(window[2]).toBeLessThan(0.5); // position alone loses what lies further back

    const drawn = draw([
      { name: 'exact attention', recall: exact },
      { name: 'dynamic mask, scores mark pairs', recall: marked },
      { name: 'dynamic mask, random scores', recall: random },
      { name: 'sliding window', recall: window },
    ]);
    if (process.env.RECALL_PLOT === 'write' && dtype === 'float32') fs.writeFileSync(plot, drawn);
    if (dtype === 'float32') expect(drawn).toBe(fs.readFileSync(plot, 'utf8'));
  });
