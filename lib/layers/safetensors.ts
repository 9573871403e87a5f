/** Tensors of a safetensors file: a length, a header in JSON that says where each lies, and the bytes. */

import { open, type FileHandle } from 'node:fs/promises';
import { formatShape } from '../checks/shapes.js';
import type { Device } from '../device.js';
import type { FloatDType } from '../dtype.js';
import { AttentionError } from '../errors.js';
import { Tensor } from '../tensor.js';

interface Entry {
  readonly dtype: FloatDType;
  readonly shape: readonly number[];
  /** Bytes from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

const dtypes: Readonly<Record<string, { readonly dtype: FloatDType; readonly bytes: number }>> = Object.freeze({
  F32: { dtype: 'float32', bytes: 4 },
  F16: { dtype: 'float16', bytes: 2 },
  BF16: { dtype: 'bfloat16', bytes: 2 },
});
/** As the format's own reader allows. */
const mostHeaderBytes = 100_000_000;

/** An open file, of which tensors are read one by one. */
export class SafetensorsFile {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #header: Readonly<Record<string, unknown>>;
  /** Where the bytes of the tensors begin. */
  readonly #base: number;
  /** Bytes of the file. */
  readonly #size: number;

  private constructor(
    path: string,
    file: FileHandle,
    header: Readonly<Record<string, unknown>>,
    base: number,
    size: number,
  ) {
    this.#path = path;
    this.#file = file;
    this.#header = header;
    this.#base = base;
    this.#size = size;
  }

  /** Whoever opens it closes it. */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const start = await readBytes(file, path, 0, 8);
      const length = Number(start.readBigUInt64LE());
      if (length > Math.min(mostHeaderBytes, size - 8)) throw damaged(path, `a header of ${length} bytes`);
      const header: unknown = parsed((await readBytes(file, path, 8, length)).toString('utf8'));
      if (typeof header !== 'object' || header === null || Array.isArray(header))
        throw damaged(path, 'a header that is no JSON object');
      return new SafetensorsFile(path, file, header as Record<string, unknown>, 8 + length, size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#header, name);
  }

  /** The tensor as it lies in the file: its own dtype and shape. */
  async read(name: string, device: Device): Promise<Tensor<FloatDType>> {
    const { dtype, shape, begin, end } = this.#entry(name);
    const bytes = await readBytes(this.#file, this.#path, this.#base + begin, end - begin);
    const whole = bytes.buffer as ArrayBuffer; // as large as asked for: an array of its own
    const elements = dtype === 'float32' ? new Float32Array(whole) : new Uint16Array(whole);
    return Tensor.from(elements, shape, { dtype, device });
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #entry(name: string): Entry {
    const { dtype: code, shape, data_offsets: offsets } = (this.#header[name] ?? {}) as Record<string, unknown>;
    const form = dtypes[String(code)];
    if (form === undefined)
      throw new AttentionError(
        'ERR_UNSUPPORTED',
        `${this.#path}: ${name} is ${String(code)}, expected F32, F16 or BF16`,
      );
    if (!isNumbers(shape) || !isNumbers(offsets) || offsets.length !== 2)
      throw damaged(this.#path, `no shape and offsets of ${name}`);
    const [begin, end] = offsets as [number, number];
    const size = shape.reduce((product, n) => product * n, form.bytes);
    if (end - begin !== size)
      throw damaged(this.#path, `${end - begin} bytes of ${name}, whose shape ${formatShape(shape)} needs ${size}`);
    if (this.#base + end > this.#size)
      throw damaged(this.#path, `${this.#size} bytes, of which ${name} would end at ${this.#base + end}`);
    return { dtype: form.dtype, shape, begin, end };
  }
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && each >= 0);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function damaged(path: string, what: string): AttentionError {
  return new AttentionError('ERR_OPTION', `${path} is no safetensors file: it has ${what}`);
}

async function readBytes(file: FileHandle, path: string, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(bytes, at, length - at, from + at);
    if (bytesRead === 0) throw damaged(path, `${from + at} bytes, expected ${from + length}`);
    at += bytesRead;
  }
  return bytes;
}
