/** Loading the addon: in several threads, and where it is not there. */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

const checkout = path.join(__dirname, '../..');
const entry = path.join(checkout, 'dist', 'index.js');

/** Runs `source` in a worker thread, with the package as `fattn`, and answers with what it posts. */
function inWorker(source: string): Promise<unknown> {
  const code = `const fattn = require(${JSON.stringify(entry)}); const { parentPort } = require('node:worker_threads');
    (async () => { ${source} })().catch((error) => parentPort.postMessage(String(error.stack)));`;
  const worker = new Worker(code, { eval: true });
  return new Promise((resolve, reject) => {
    let answer: unknown;
    worker.on('message', (message: unknown) => (answer = message));
    worker.on('error', reject);
    worker.on('exit', () => resolve(answer));
  });
}

test('worker threads load the addon, work, and count their own tensors', async () => {
  const source = `
    const x = fattn.Tensor.from([1, 2], [1, 2, 1, 1]);
    const out = await fattn.attention(x, x, x, { scale: 0 }).toArray();
    x.dispose();
    parentPort.postMessage({ out: [...out], bytes: fattn.memoryUsage()[0].bytes <= 8 });`;
  const answers = await Promise.all([inWorker(source), inWorker(source), inWorker(source)]);
  expect(answers).toEqual(Array(3).fill({ out: [1.5, 1.5], bytes: true }));
});

describe('without the addon', () => {
  let folder: string;
  beforeAll(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-load-'));
    fs.cpSync(path.join(checkout, 'dist'), path.join(folder, 'dist'), { recursive: true });
    fs.copyFileSync(path.join(checkout, 'package.json'), path.join(folder, 'package.json'));
    fs.symlinkSync(path.join(checkout, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  /** What `expression` throws in a process of its own. */
  function failureOf(expression: string): { name: string; code: string; message: string; cause: string } {
    const script = `const fattn = require('./dist/index.js');
      try { ${expression}; } catch ({ name, code, message, cause }) {
        console.log(JSON.stringify({ name, code, message, cause: cause.message }));
      }`;
    const run = spawnSync(process.execPath, ['-e', script], { cwd: folder, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    return JSON.parse(run.stdout) as ReturnType<typeof failureOf>;
  }

  test('the package can be imported, and its first use says what is wrong', () => {
    const error = failureOf('fattn.Tensor.zeros([1])');
    expect(error).toMatchObject({ name: 'AttentionError', code: 'ERR_NATIVE_LOAD' });
    expect(error.message).toContain(`${process.platform}-${process.arch}`);
    expect(error.message).toContain(process.version);
    expect(error.message).toContain('npm rebuild fused-attention --build-from-source');
    expect(error.message).toContain('No native build was found');
    expect(error.cause).toContain('No native build was found');
  });

  test("the dynamic linker's own words are passed on", () => {
    fs.mkdirSync(path.join(folder, 'build', 'Release'), { recursive: true });
    fs.writeFileSync(path.join(folder, 'build', 'Release', 'fused_attention.node'), 'not a library');
    const error = failureOf('fattn.devices()');
    expect(error.code).toBe('ERR_NATIVE_LOAD');
    expect(error.cause).toContain('fused_attention.node');
    expect(error.message).toContain(error.cause.trim().split('\n')[0]);
  });
});
