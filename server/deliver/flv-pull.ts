/**
 * Pulls one stream from the ingest, as FLV over HTTP on loopback, for as long as it is wanted: a pull that ends is begun
 * anew, with back-off. Bytes are unpacked as they come, so nothing queues up here.
 */
import http from 'node:http';
import { FlvReader } from '../../core/flv/reader.ts';
import type { MediaTag, TagType } from '../../core/media.ts';
import { backOffMs } from '../supervision/back-off.ts';

export interface FlvPullOptions {
  /** Made anew for each attempt: it may carry a signature that expires. */
  readonly url: () => string;
  /** Silence after which the connection is given up. */
  readonly idleMs: number;
  /** Media begins, perhaps not for the first time: it may overlap with what came before, or leave a gap. */
  readonly begun: () => void;
  readonly tag: (tag: MediaTag) => void;
  /** It ended, and will be tried again; `reason` is one sentence without secrets. */
  readonly failed: (reason: string) => void;
  readonly random?: () => number;
}

export class FlvPull {
  readonly #options: FlvPullOptions;
  #request: http.ClientRequest | null = null;
  #timer: NodeJS.Timeout | null = null;
  #attempt = 0;
  #stopped = false;

  constructor(options: FlvPullOptions) {
    this.#options = options;
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#request?.destroy();
  }

  #connect(): void {
    const { url, idleMs } = this.#options;
    let isOver = false;
    const end = (reason: string) => {
      if (isOver) return;
      isOver = true;
      request.destroy();
      this.#retry(reason);
    };
    const request = http.get(url(), { agent: false, timeout: idleMs }, (response) => {
      if (response.statusCode !== 200) {
        end(`the ingest answered ${response.statusCode}`);
        return;
      }
      const reader = this.#reader(() => isOver || this.#stopped);
      response.on('data', (bytes: Buffer) => {
        if (isOver || this.#stopped) return;
        try {
          reader.push(bytes);
        } catch (error) {
          end((error as Error).message);
        }
      });
      response.on('close', () => end('the ingest ended the stream'));
      response.on('error', ({ message }) => end(message));
    });
    request.on('timeout', () => end(`the ingest was silent for ${idleMs} ms`));
    request.on('error', ({ message }) => end(message));
    request.on('close', () => end('the ingest closed the connection'));
    this.#request = request;
  }

  #reader(isOver: () => boolean): FlvReader {
    const { begun, tag } = this.#options;
    let hasBegun = false;
    return new FlvReader({
      head: (type: TagType, timestampMs, _bodyBytes, bytes, start, end) => {
        if (isOver()) return;
        if (!hasBegun) begun();
        hasBegun = true;
        this.#attempt = 0;
        tag({ type, timestampMs, body: new Uint8Array(bytes.subarray(start, end)) });
      },
      end: () => {},
    });
  }

  #retry(reason: string): void {
    if (this.#stopped) return;
    this.#options.failed(reason);
    const random = this.#options.random ?? Math.random;
    // Never slower than a viewer's patience: the ingest itself is back within a second or two.
    const waitMs = backOffMs(Math.min(this.#attempt++, 4), random());
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }
}
