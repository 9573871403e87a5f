import { describe } from './checks/options.js';
import type { Device } from './device.js';
import { invalidRange, invalidType } from './errors.js';
import type { EventHandle } from './native-module.js';
import { native } from './native.js';
import { waitFor, type WaitOptions } from './waiting.js';

/** Lets this module make events, and nobody else. */
const own = Symbol('event');

/** @internal */
export let adoptEvent: (handle: EventHandle, device: Device) => Event;
/** @internal */
export let eventHandle: (event: Event) => EventHandle;
let isEvent: (value: unknown) => value is Event;

/** A point in a stream's order: what {@link Stream.record} returns. */
export class Event {
  readonly #handle: EventHandle;
  readonly #device: Device;

  static {
    adoptEvent = (handle, device) => new Event(own, handle, device);
    isEvent = (value): value is Event => typeof value === 'object' && value !== null && #handle in value;
    eventHandle = (event) => event.#handle;
  }

  private constructor(key: typeof own, handle: EventHandle, device: Device) {
    if (key !== own) throw invalidType('ERR_ARGUMENT_TYPE', 'events are made by stream.record()');
    this.#handle = handle;
    this.#device = device;
  }

  /** Where the stream of the event runs. */
  get device(): Device {
    return checkedEvent(this).#device;
  }

  /**
   * Milliseconds on the device from `start` to this event, once both have been reached; negative if `start` came later.
   *
   * @throws {RangeError} `ERR_DEVICE`: the events are of different devices.
   * @throws {AttentionError} `ERR_STREAM_CLOSED`: a stream was closed before it reached its event.
   */
  async elapsedSince(start: Event, options?: WaitOptions): Promise<number> {
    checkedEvent(this);
    expectEvent('start', start);
    if (start.#device !== this.#device)
      throw invalidRange('ERR_DEVICE', `start must be an event of '${this.#device}', got one of '${start.#device}'`);
    const nanoseconds = await waitFor('elapsedSince', options, () => native.eventElapsed(start.#handle, this.#handle));
    return nanoseconds / 1e6;
  }
}

function checkedEvent(receiver: Event): Event {
  expectEvent('the receiver of a member of Event', receiver);
  return receiver;
}

/** @internal */
export function expectEvent(name: string, event: unknown): asserts event is Event {
  if (!isEvent(event)) throw invalidType('ERR_ARGUMENT_TYPE', `${name} must be an Event, got ${describe(event)}`);
}
