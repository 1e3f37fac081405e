/**
 * All streams of the deliver process, and what they may cost together.
 */
import type { Logger } from 'pino';
import type { StreamEvent } from '../ingest/stats.ts';
import type { DeliverOptions } from './deliver-options.ts';
import { LiveStream, type StreamCounters } from './live-stream.ts';
import { signedPullUrl, sourceOf } from './play-gate.ts';

/** Less than this per stream, and another one would only spoil those that are there. */
const MIN_STREAM_BYTES = 4 * 1024 * 1024;

export interface DeliveryCounters extends StreamCounters {
  refusedStreams: number;
}

export class Delivery {
  readonly #options: DeliverOptions;
  readonly #log: Logger;
  readonly #wallMs: () => number;
  readonly #streams = new Map<string, LiveStream>();
  readonly counters: DeliveryCounters = {
    pullFailures: 0,
    badConfigurations: 0,
    bytesIn: 0,
    refusedStreams: 0,
  };

  constructor(options: DeliverOptions, log: Logger, wallMs: () => number) {
    this.#options = options;
    this.#log = log;
    this.#wallMs = wallMs;
  }

  get streams(): readonly LiveStream[] {
    return [...this.#streams.values()];
  }

  /** @param name `live/room` */
  find(name: string): LiveStream | null {
    return this.#streams.get(name) ?? null;
  }

  /** Of a rung; null: it is none. */
  sourceOf(name: string): string | null {
    return sourceOf(name, this.#options.rungs);
  }

  /** Rungs of a source that are being published, the largest name first: `room_720p`, `room_360p`. */
  rungs(source: string): LiveStream[] {
    return this.streams
      .filter(({ name, state }) => state !== 'ended' && this.sourceOf(name) === source)
      .sort((a, b) => b.name.localeCompare(a.name, 'en', { numeric: true }));
  }

  note({ kind, stream: name }: StreamEvent): void {
    const known = this.#streams.get(name);
    if (kind === 'unpublished') known?.unpublish();
    else if (known !== undefined && known.state !== 'ended') known.publish();
    else {
      known?.close();
      this.#streams.delete(name);
      this.#add(name);
    }
  }

  /** Everything that is published, after which nothing else is: said at the start, when an earlier life may have missed something. */
  noteAll(published: readonly string[]): void {
    const named = new Set(published);
    for (const { name } of this.streams)
      if (!named.has(name)) this.note({ kind: 'unpublished', stream: name });
    for (const stream of named) this.note({ kind: 'published', stream });
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close();
  }

  #add(name: string): void {
    const { maxStreams, maxBytes, internalSecret, gate, ingestUrl } = this.#options;
    const room = Math.floor(maxBytes / (this.#streams.size + 1));
    if (this.#streams.size >= maxStreams || room < MIN_STREAM_BYTES) {
      this.counters.refusedStreams++;
      this.#log.warn({ stream: name, streams: this.#streams.size }, 'no room to deliver another stream');
      return;
    }
    const stream: LiveStream = new LiveStream({
      ...this.#options,
      name,
      maxBytes: this.#shareOf(this.#streams.size + 1),
      pullUrl: () => signedPullUrl(ingestUrl, name, { internalSecret, gate }, this.#wallMs()),
      log: this.#log,
      wallMs: this.#wallMs,
      counted: this.counters,
      removed: () => {
        if (this.#streams.get(name) !== stream) return;
        this.#streams.delete(name);
        this.#limit();
      },
    });
    this.#streams.set(name, stream);
    this.#limit();
  }

  #limit(): void {
    const share = this.#shareOf(this.#streams.size);
    for (const stream of this.#streams.values()) stream.limitBytes(share);
  }

  #shareOf(streams: number): number {
    const { maxBytes, maxStreamBytes } = this.#options;
    return Math.min(maxStreamBytes, Math.floor(maxBytes / Math.max(1, streams)));
  }
}
