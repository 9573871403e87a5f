/** Errors as users meet them: a class, a stable code, and a message that names the argument. */

import { AttentionError, errorCodes, type ErrorCode } from '../../lib/index.js';

/** What is called, and what it throws: the code, and what the message has to mention. */
export type BadCall = readonly [says: string, call: () => unknown, code: ErrorCode, mentions: string | RegExp];

const typeErrors: readonly ErrorCode[] = ['ERR_NOT_A_TENSOR', 'ERR_NOT_A_STREAM', 'ERR_ARGUMENT_TYPE', 'ERR_DTYPE'];
const rangeErrors: readonly ErrorCode[] = [
  'ERR_ARGUMENT_VALUE',
  'ERR_SHAPE',
  'ERR_LAYOUT',
  'ERR_DEVICE',
  'ERR_BOUNDS',
  'ERR_INDEX',
];

/** The class that errors of `code` have. */
function classOf(code: ErrorCode): typeof TypeError | typeof RangeError | typeof AttentionError {
  if (typeErrors.includes(code)) return TypeError;
  return rangeErrors.includes(code) ? RangeError : AttentionError;
}

/** Judges what was thrown. */
export function expectErrorOf(error: unknown, code: ErrorCode, mentions: string | RegExp): void {
  expect(error).toBeInstanceOf(classOf(code));
  expect(errorCodes).toContain(code);
  const { code: found, message } = error as { code: unknown; message: string };
  expect({ code: found, message }).toEqual({
    code,
    message: typeof mentions === 'string' ? expect.stringContaining(mentions) : expect.stringMatching(mentions),
  });
}

/** Fails unless `call` throws, or what it returns rejects. */
export async function expectFailure(call: () => unknown, code: ErrorCode, mentions: string | RegExp): Promise<void> {
  let outcome: unknown;
  try {
    outcome = await call();
  } catch (error) {
    return expectErrorOf(error, code, mentions);
  }
  throw new Error(`expected ${code}, but the call gave ${String(outcome)}`);
}

/** One test for each bad call; those that are no promises must throw at once. */
export function badCalls(title: string, table: readonly BadCall[]): void {
  describe(title, () => {
    test.each(table)('%s', async (_, call, code, mentions) => expectFailure(call, code, mentions));
  });
}

/** A value of the wrong type on purpose. */
export const wrong = (value: unknown): never => value as never;
