/**
 * Stand-ins on Node for the modules that exist only inside k6. They show whether a script measures right; they say
 * nothing about whether k6 runs it.
 */
import { WebSocket as NodeWebSocket } from 'ws';

export interface K6Sample {
  readonly metric: string;
  readonly value: number;
  readonly tags: Readonly<Record<string, string>>;
}

export const samples: K6Sample[] = [];

/** What keeps an iteration alive in k6: open sockets and set timers. */
const alive = new Set<object>();
let tellIdle: () => void = () => {};

function release(handle: object): void {
  alive.delete(handle);
  if (alive.size === 0) tellIdle();
}

/** Resolves when nothing keeps an iteration alive any more. */
export function idle(): Promise<void> {
  return new Promise((resolve) => {
    tellIdle = resolve;
    if (alive.size === 0) resolve();
  });
}

class Metric {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  add(value: number | boolean, tags: Readonly<Record<string, string>> = {}): void {
    samples.push({ metric: this.#name, value: Number(value), tags });
  }
}

export { Metric as Counter, Metric as Gauge, Metric as Rate, Metric as Trend };

export class WebSocket {
  binaryType = 'blob';
  onopen: () => void = () => {};
  onmessage: (event: { data: ArrayBuffer | string }) => void = () => {};
  onerror: (event: { error: string }) => void = () => {};
  onclose: () => void = () => {};
  readonly #socket: NodeWebSocket;

  constructor(url: string) {
    alive.add(this);
    this.#socket = new NodeWebSocket(url);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.on('open', () => this.onopen());
    this.#socket.on('message', (data: ArrayBuffer, isBinary) =>
      this.onmessage({ data: isBinary ? data : Buffer.from(data).toString() }),
    );
    // The words of the library that k6 is built on.
    this.#socket.on('error', (error) =>
      this.onerror({
        error: /Unexpected server response/.test(error.message)
          ? 'websocket: bad handshake'
          : error.message.replace('ECONNREFUSED', 'connection refused'),
      }),
    );
    this.#socket.on('close', () => {
      this.onclose();
      release(this);
    });
  }

  close(): void {
    this.#socket.close();
  }
}

type Timer = { readonly node: NodeJS.Timeout };
const timers = new Map<number, Timer>();
let lastId = 0;

function keep(start: (id: number) => NodeJS.Timeout): number {
  const id = ++lastId;
  const timer = { node: start(id) };
  timers.set(id, timer);
  alive.add(timer);
  return id;
}

function drop(id: number): void {
  const timer = timers.get(id);
  if (timer === undefined) return;
  clearTimeout(timer.node);
  timers.delete(id);
  release(timer);
}

function startTimeout(callback: () => void, ms: number): number {
  return keep((id) =>
    globalThis.setTimeout(() => {
      callback();
      drop(id);
    }, ms),
  );
}

function startInterval(callback: () => void, ms: number): number {
  return keep(() => globalThis.setInterval(callback, ms));
}

export {
  drop as clearInterval,
  drop as clearTimeout,
  startInterval as setInterval,
  startTimeout as setTimeout,
};
