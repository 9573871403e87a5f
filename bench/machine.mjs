// The facts without which a number is not quoted.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { cudaStatus, devices } from '../dist/esm.mjs';
import { lastLevelCacheBytes } from '../dist/cli/last-level-cache.js';

const root = new URL('..', import.meta.url);

export function machineFacts(threads, versions) {
  const cpu = devices().find(({ name }) => name === 'cpu');
  return {
    processor: processorName(cpu.model),
    cores: os.availableParallelism(),
    threads,
    instructions: cpu.path,
    lastLevelCacheBytes: lastLevelCacheBytes(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    cuda: cudaStatus().available,
    versions: { 'fused-attention': packageVersion(), node: process.versions.node, ...versions },
    commit: commit(),
  };
}

/** Virtual machines tend to hide the model's name; family and model say which processor it is. */
function processorName(model) {
  if (process.platform !== 'linux') return model;
  const text = fs.readFileSync('/proc/cpuinfo', 'utf8');
  const field = (name) => new RegExp(`^${name}\\s*:\\s*(.+)$`, 'm').exec(text)?.[1];
  const [family, number] = [field('cpu family'), field('model')];
  return family && number ? `${model} (family ${family} model ${number})` : model;
}

const packageVersion = () => JSON.parse(fs.readFileSync(new URL('package.json', root), 'utf8')).version;

/** Where the sources differ from the commit, the name says so. */
function commit() {
  const git = (...args) =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--', 'lib', 'native', 'bench', ':!bench/results') !== '';
    return git('rev-parse', '--short=12', 'HEAD') + (changed ? ' with changes' : '');
  } catch {
    return 'unknown';
  }
}

/** Such as 'amd-epyc', for names of files. */
export function slug(text) {
  return text
    .toLowerCase()
    .replace(/\(.*?\)/g, ' ')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
