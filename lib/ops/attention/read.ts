/** Reads the options of attention(): each once, those within them too, so that what is checked is what is used. */

import { expectKnown, readFields } from '../../checks/options.js';
import { invalidType } from '../../errors.js';
import { isTensor } from '../../tensor.js';
import type { AttentionOptions } from './options.js';

/** Of a call. */
export const optionNames: ReadonlySet<string> = new Set(Object.keys(copyOf({})));
const windowNames: ReadonlySet<string> = new Set(['left', 'right']);
export const segmentNames: ReadonlySet<string> = new Set(['q', 'k']);

/** A copy of the options; their values are not checked yet. */
export function readAttentionOptions(options: AttentionOptions): AttentionOptions {
  expectKnown('attention', options, optionNames);
  const given = copyOf(options);
  const { window, segments } = given;
  if (window !== undefined) given.window = readWindow(window);
  if (segments !== undefined && !isTensor(segments))
    given.segments = readFields('segments', segments, segmentNames, 'a Tensor or { q, k }');
  return given;
}

/** One by one, since copies of one layout are several times as fast as a loop over names. */
function copyOf(options: AttentionOptions): AttentionOptions {
  return {
    causal: options.causal,
    window: options.window,
    sinkTokens: options.sinkTokens,
    prefixLengths: options.prefixLengths,
    segments: options.segments,
    scale: options.scale,
    softcap: options.softcap,
    sinks: options.sinks,
    alibiSlopes: options.alibiSlopes,
    bias: options.bias,
    mask: options.mask,
    temperature: options.temperature,
    gate: options.gate,
    headMap: options.headMap,
    cuSeqLensQ: options.cuSeqLensQ,
    cuSeqLensK: options.cuSeqLensK,
    kvLengths: options.kvLengths,
    precision: options.precision,
    lse: options.lse,
    out: options.out,
    stream: options.stream,
    signal: options.signal,
  } satisfies Copy as AttentionOptions;
}

/** Names every option: what is forgotten here would be ignored. */
type Copy = { [Name in keyof Required<AttentionOptions>]: AttentionOptions[Name] | undefined };

/** A copy of the window, each side read once. */
export function readWindow<Window extends object>(window: Window): Window {
  if (isTensor(window)) throw invalidType('ERR_ARGUMENT_TYPE', 'window must be { left, right }, got a Tensor');
  return readFields('window', window, windowNames);
}
