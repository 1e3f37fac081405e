/** Pulls one stream from the ingest by HTTP-FLV: watches what it is, and hands its bytes on as fast as they are taken. */
import http from 'node:http';
import type { Writable } from 'node:stream';
import { FlvReader } from '../../core/flv/reader.ts';
import { FORMAT_HEAD_BYTES, FormatWatch, type SourceFormat } from './source-format.ts';

/** What a GOP and its sound may come to before the source is known; the ingest caches less for who joins. */
const MAX_HELD_BYTES = 16 * 1024 * 1024;
/** Until then the sound's set-up may come after the first picture. */
const SOUND_WAIT_MS = 700;
const CONNECT_TIMEOUT_MS = 5_000;

export class SourcePull {
  readonly watch = new FormatWatch();
  /** What the stream is, as soon as that is known; null when it ends before. Never rejects. */
  readonly format: Promise<SourceFormat | null>;
  /** One sentence, when nothing more comes. Never rejects. */
  readonly ended: Promise<string>;
  readonly #request: http.ClientRequest;
  readonly #reader: FlvReader;
  #response: http.IncomingMessage | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #target: Writable | null = null;
  #known: (format: SourceFormat | null) => void = () => {};
  #over: (reason: string) => void = () => {};
  #soundTimer: NodeJS.Timeout | null = null;
  #format: SourceFormat | null = null;

  /** @param url `http://127.0.0.1:8000/live/room.flv?sign=…` @param maxTagBytes the ingest's own limit */
  constructor(url: string, maxTagBytes: number) {
    this.#reader = new FlvReader(this.watch, { headBytes: FORMAT_HEAD_BYTES, maxTagBytes });
    this.format = new Promise((resolve) => {
      this.#known = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#over = resolve;
    });
    this.#request = http.get(url, { agent: false, timeout: CONNECT_TIMEOUT_MS });
    this.#request.once('response', (response) => this.#receive(response));
    // Only until it answers: then the ingest sees to it that a silent publisher is cut.
    this.#request.once('timeout', () => this.#finish('the ingest does not answer'));
    this.#request.on('error', (error) => this.#finish(error.message));
  }

  /** From now on bytes go there, first those that wait. Ends it when the source ends. */
  feed(target: Writable): void {
    this.#target = target;
    for (const piece of this.#held.splice(0)) target.write(piece);
    target.on('drain', () => this.#response?.resume());
    if (target.writableNeedDrain) this.#response?.pause();
    void this.ended.then(() => target.end());
  }

  /** The set-up is another than the one that `format` gave: the source changed under way. */
  get changed(): boolean {
    const now = this.watch.format;
    const then = this.#format;
    if (now === null || then === null) return false;
    return now.width !== then.width || now.height !== then.height || now.videoCodec !== then.videoCodec;
  }

  stop(): void {
    this.#finish('stopped');
  }

  #receive(response: http.IncomingMessage): void {
    this.#request.setTimeout(0);
    if (response.statusCode !== 200) {
      this.#finish(`the ingest answered ${response.statusCode}`);
      return;
    }
    this.#response = response;
    response.on('data', (piece: Buffer) => this.#take(piece));
    response.on('error', (error) => this.#finish(error.message));
    response.once('close', () => this.#finish(response.complete ? 'the source ended' : 'the pull was cut'));
  }

  #take(piece: Buffer): void {
    try {
      this.#reader.push(piece);
    } catch (error) {
      this.#finish(`what came is no FLV (${(error as Error).message})`);
      return;
    }
    if (this.#target !== null) {
      // The rest waits in the ingest, which cuts who lags too far behind.
      if (!this.#target.write(piece)) this.#response?.pause();
      return;
    }
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes > MAX_HELD_BYTES) this.#finish('what it is was not said in its first 16 MiB');
    else this.#look();
  }

  #look(): void {
    const format = this.watch.format;
    if (format === null || this.#format !== null) return;
    if (format.audioCodec !== null || this.watch.saidToBeMute) this.#settle();
    else this.#soundTimer ??= setTimeout(() => this.#settle(), SOUND_WAIT_MS);
  }

  #settle(): void {
    if (this.#soundTimer !== null) clearTimeout(this.#soundTimer);
    this.#format = this.watch.format;
    this.#known(this.#format);
  }

  #finish(reason: string): void {
    if (this.#soundTimer !== null) clearTimeout(this.#soundTimer);
    this.#request.destroy();
    this.#over(reason);
    this.#known(null);
  }
}
