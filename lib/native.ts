import path from 'node:path';
import load from 'node-gyp-build';
import { AttentionError } from './errors.js';
import type { NativeModule } from './native-module.js';

const packageFolder = path.join(__dirname, '..');

/**
 * The native addon: `build/Release` of a checkout, else the file of `prebuilds/` for this platform. It is loaded by the
 * first use of any of its functions, so that whoever only imports the package, or asks why it does not work, gets that
 * far. From then on this is the addon itself, and a call through it costs nothing more.
 */
export let native: NativeModule = new Proxy({} as NativeModule, {
  get: (_, name): unknown => {
    native = loadNative();
    return Reflect.get(native, name);
  },
});

function loadNative(): NativeModule {
  try {
    return load(packageFolder) as NativeModule;
  } catch (cause) {
    throw new AttentionError('ERR_NATIVE_LOAD', describeFailure(cause), { cause });
  }
}

/** The loader's own words stay: what the dynamic linker says is the best hint there is. */
function describeFailure(cause: unknown): string {
  const { platform, arch, version } = process;
  return `The native addon of fused-attention did not load on ${platform}-${arch}${libc()}, Node ${version}.
  ${(cause as Error).message.trim().replaceAll('\n', '\n  ')}
Likely causes: there is no prebuilt binary for this platform, or the system's libraries are older than it needs.
To build it here (CMake 3.21 and a C++20 compiler): npm rebuild fused-attention --build-from-source
(in a checkout of the sources: npm run build:native).`;
}

/** ' (glibc 2.36)', or nothing where the question has no meaning. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  const report = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  const { glibcVersionRuntime } = report.header;
  return glibcVersionRuntime === undefined ? ' (musl)' : ` (glibc ${glibcVersionRuntime})`;
}
