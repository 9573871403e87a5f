import os from 'node:os';
import { cudaStatus, devices, memoryUsage, type CudaStatus, type DeviceInfo } from '../index.js';
import { native } from '../native.js';

interface AddonFacts {
  build: ReturnType<typeof native.buildInfo>;
  devices: readonly DeviceInfo[];
  cuda: CudaStatus;
  memory: ReturnType<typeof memoryUsage>;
}

interface Failure {
  code?: string;
  message: string;
}

/** False where the native addon does not load or answer; what is known without it is printed all the same. */
export function printInfo(version: string, asJson: boolean): boolean {
  const host = {
    version,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    processor: os.cpus()[0]?.model ?? 'unknown',
    memoryBytes: os.totalmem(),
  };
  const { facts, failure } = askAddon();
  if (asJson) {
    console.log(JSON.stringify({ ...host, ...facts, ...(failure && { error: failure }) }, undefined, 2));
  } else {
    const lines = [
      row('fused-attention', `${host.version}, Node ${host.node}, ${host.platform}`),
      row('machine', `${host.processor}, ${gibibytes(host.memoryBytes)}`),
      ...(facts ? describe(facts) : []),
      ...(failure
        ? [row('native addon', `not usable${failure.code ? ` [${failure.code}]` : ''}`), failure.message]
        : []),
    ];
    console.log(lines.join('\n'));
  }
  return failure === undefined;
}

function askAddon(): { facts?: AddonFacts; failure?: Failure } {
  try {
    const facts = { build: native.buildInfo(), devices: devices(), cuda: cudaStatus(), memory: memoryUsage() };
    return { facts };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return { failure: { ...(code === undefined ? {} : { code }), message } };
  }
}

function describe({ build, devices: found, cuda, memory }: AddonFacts): string[] {
  const withCuda = build.cuda
    ? `CUDA ${cudaVersion(build.cuda.runtimeVersion)} for ${build.cuda.architectures}`
    : 'no CUDA';
  return [
    row('build', `${build.version}, ${build.compiler}, ${build.buildType}, ${withCuda}`),
    row('compiled paths', build.paths.join(', ')),
    ...found.flatMap((device) => describeDevice(device)),
    row('CUDA', describeCuda(cuda)),
    ...memory.map(({ device, tensors, bytes }) => row(`memory ${device}`, `${tensors} tensors, ${bytes} bytes`)),
  ];
}

function describeDevice({ name, model, path, paths, threads, memoryBytes }: DeviceInfo): string[] {
  return [
    row(
      `device ${name}`,
      `${model}, ${gibibytes(memoryBytes)}${threads > 0 ? `, ${threads} thread${threads === 1 ? '' : 's'}` : ''}`,
    ),
    row('  instructions', `${path} (this machine can: ${paths.join(', ')})`),
  ];
}

function describeCuda(status: CudaStatus): string {
  if (!status.available) return `not available (${status.reason}): ${status.message}`;
  const versions = `driver ${cudaVersion(status.driverVersion)}, runtime ${cudaVersion(status.runtimeVersion)}`;
  return `available: ${status.devices.map(({ name, model }) => `${name} ${model}`).join(', ')}; ${versions}`;
}

/** 13020 means 13.2. */
const cudaVersion = (version: number): string => `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
const row = (label: string, text: string): string => `${`${label}:`.padEnd(19)} ${text}`;
