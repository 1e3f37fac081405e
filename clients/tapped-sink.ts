import type { TagSink, TagType } from '../core/media.ts';
import type { ViewerTap } from './viewer.ts';

/** Hands each tag to the tap first and then to the meter. */
export class TappedSink implements TagSink {
  readonly #tap: ViewerTap;
  readonly #meter: TagSink;

  constructor(tap: ViewerTap, meter: TagSink) {
    this.#tap = tap;
    this.#meter = meter;
  }

  head(
    type: TagType,
    timestampMs: number,
    bodyBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.#tap.head(type, timestampMs, bodyBytes, bytes, start, end);
    this.#meter.head(type, timestampMs, bodyBytes, bytes, start, end);
  }

  end(): void {
    this.#tap.end();
    this.#meter.end();
  }
}
