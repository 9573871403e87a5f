/**
 * Every code an error of this package can carry. Users branch on codes, never on text; the list is closed and the same
 * as in `native/core/error.h`.
 */
export const errorCodes = Object.freeze([
  'ERR_NOT_A_TENSOR',
  'ERR_NOT_A_STREAM',
  'ERR_ARGUMENT_TYPE',
  'ERR_ARGUMENT_VALUE',
  'ERR_DTYPE',
  'ERR_SHAPE',
  'ERR_LAYOUT',
  'ERR_DEVICE',
  'ERR_BOUNDS',
  'ERR_INDEX',
  'ERR_OPTION',
  'ERR_DISPOSED',
  'ERR_STREAM_CLOSED',
  'ERR_ABORTED',
  'ERR_QUEUE_FULL',
  'ERR_UNSUPPORTED',
  'ERR_OUT_OF_MEMORY',
  'ERR_CUDA_UNAVAILABLE',
  'ERR_DEVICE_LOST',
  'ERR_NATIVE_LOAD',
  'ERR_INTERNAL',
] as const);

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** Codes of a `TypeError`: an argument is of the wrong kind. */
export type TypeErrorCode = 'ERR_NOT_A_TENSOR' | 'ERR_NOT_A_STREAM' | 'ERR_ARGUMENT_TYPE' | 'ERR_DTYPE';

/** Codes of a `RangeError`: an argument has the wrong size or place. */
export type RangeErrorCode =
  'ERR_ARGUMENT_VALUE' | 'ERR_SHAPE' | 'ERR_LAYOUT' | 'ERR_DEVICE' | 'ERR_BOUNDS' | 'ERR_INDEX';

/** Codes of an {@link AttentionError}. */
export type AttentionErrorCode = Exclude<ErrorCode, TypeErrorCode | RangeErrorCode>;

/**
 * What the engine cannot do, or failed to do: options that contradict one another, a disposed tensor, a closed stream,
 * memory that ran out, a combination that no kernel serves, a device that failed.
 */
export class AttentionError extends Error {
  /** Stable; branch on this. */
  readonly code: AttentionErrorCode;

  constructor(code: AttentionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'AttentionError', configurable: true, writable: true });
  }
}

const classes = Object.freeze({
  ERR_NOT_A_TENSOR: TypeError,
  ERR_NOT_A_STREAM: TypeError,
  ERR_ARGUMENT_TYPE: TypeError,
  ERR_DTYPE: TypeError,
  ERR_ARGUMENT_VALUE: RangeError,
  ERR_SHAPE: RangeError,
  ERR_LAYOUT: RangeError,
  ERR_DEVICE: RangeError,
  ERR_BOUNDS: RangeError,
  ERR_INDEX: RangeError,
} satisfies Record<TypeErrorCode | RangeErrorCode, ErrorConstructor>);

/** @internal The error of a wrong kind. */
export function invalidType(code: TypeErrorCode, message: string): TypeError & { code: TypeErrorCode } {
  return Object.assign(new TypeError(message), { code });
}

/** @internal The error of a wrong size or place. */
export function invalidRange(code: RangeErrorCode, message: string): RangeError & { code: RangeErrorCode } {
  return Object.assign(new RangeError(message), { code });
}

const known: ReadonlySet<unknown> = new Set(errorCodes);

/**
 * @internal What the addon threw or rejected with, as an error of this package. Errors made in native code belong to
 * the realm the addon was loaded in, where `instanceof TypeError` of this one is false.
 */
export function fromNative(cause: unknown): Error & { code: ErrorCode } {
  if (cause instanceof AttentionError) return cause; // on the way to the addon, e.g. that it does not load
  const { code, message } = cause as { code?: unknown; message?: unknown };
  if (!known.has(code)) return new AttentionError('ERR_INTERNAL', String(message ?? cause), { cause });
  if (Object.hasOwn(classes, code as ErrorCode)) {
    const Class = classes[code as keyof typeof classes];
    return Object.assign(new Class(String(message), { cause }), { code: code as ErrorCode });
  }
  return new AttentionError(code as AttentionErrorCode, String(message), { cause });
}

/** @internal Calls the addon. Where a closure would cost too much, operations catch and convert by themselves. */
export function guarded<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromNative(error);
  }
}
