import fs from 'node:fs';
import path from 'node:path';

/** Why `file` could not be written, or undefined: asked before minutes of work, not after. */
export function checkTarget(file: string): string | undefined {
  const folder = path.dirname(path.resolve(file));
  try {
    if (!fs.statSync(folder).isDirectory()) return `${folder} is not a folder`;
    fs.accessSync(folder, fs.constants.W_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? `the folder ${folder} does not exist` : `the folder ${folder} cannot be written to`;
  }
  if (fs.statSync(file, { throwIfNoEntry: false })?.isDirectory()) return 'is a folder';
  return undefined;
}

/** Whole or not at all: written beside the target, flushed, then renamed over it. */
export function writeJson(file: string, value: unknown): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.writeFileSync(temporary, `${JSON.stringify(value, undefined, 2)}\n`, { flush: true });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
