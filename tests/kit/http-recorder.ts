import { setImmediate as turn } from 'node:timers/promises';
import type { HttpHandler } from '../../clients/http/http-options.ts';
import type { HttpHead } from '../../clients/http-response.ts';
import type { Failure } from '../../clients/reason.ts';

/** Writes down what a handler hears, and fails if it hears anything after the end. */
export class HttpRecorder implements HttpHandler {
  httpHead: HttpHead | null = null;
  url = '';
  readonly pieces: Buffer[] = [];
  /** How it ended; `null`: not yet. */
  ending: 'end' | 'failed' | 'threw' | null = null;
  failure: Failure | null = null;
  status: number | null = null;
  error: unknown = null;
  onHead: () => void = () => {};
  onBody: () => void = () => {};
  onEnd: () => void = () => {};

  get over(): boolean {
    return this.ending !== null;
  }

  get content(): string {
    return Buffer.concat(this.pieces).toString('latin1');
  }

  head(head: HttpHead, url: string): void {
    this.#alive('head');
    if (this.httpHead) throw new Error('two headers');
    this.httpHead = head;
    this.url = url;
    this.onHead();
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.#alive('body');
    if (this.httpHead === null) throw new Error('content before the header');
    if (end <= start) throw new Error('content of no bytes');
    this.pieces.push(Buffer.from(bytes.slice(start, end)));
    this.onBody();
  }

  end(): void {
    this.#over('end');
    this.onEnd();
  }

  failed(failure: Failure, status: number | null): void {
    this.failure = failure;
    this.status = status;
    this.#over('failed');
  }

  threw(error: unknown): void {
    this.error = error;
    this.#over('threw');
  }

  #over(how: 'end' | 'failed' | 'threw'): void {
    this.#alive(how);
    this.ending = how;
  }

  #alive(what: string): void {
    // The client hands on what a handler throws, which would hide this.
    if (this.ending !== null)
      process.nextTick(() => {
        throw new Error(`${what} after ${this.ending}`);
      });
  }
}

/** Resolves when `condition` has become true, by the sockets' events alone; bounded by the test's own time limit. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}
