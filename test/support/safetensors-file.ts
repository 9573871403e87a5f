/** Safetensors files to read in tests. */

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface FileTensor {
  shape: readonly number[];
  data: Float32Array;
}

/** A folder that is gone after the suite, and what writes files into it. */
export function safetensorsFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'fattn-safetensors-'));
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  function write(name: string, header: object, ...bytes: Buffer[]): string {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    const file = path.join(folder, name);
    fs.writeFileSync(file, Buffer.concat([length, text, ...bytes]));
    return file;
  }

  /** A file of float32 tensors. */
  function fileOf(name: string, tensors: Readonly<Record<string, FileTensor>>): string {
    const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
    let end = 0;
    for (const [key, { shape, data }] of Object.entries(tensors))
      header[key] = { dtype: 'F32', shape, data_offsets: [end, (end += data.byteLength)] };
    return write(name, header, ...Object.values(tensors).map(({ data }) => Buffer.from(data.buffer)));
  }

  return { folder, write, fileOf };
}
