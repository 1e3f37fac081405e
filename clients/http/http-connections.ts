import { rangeField } from './content-range.ts';
import { Exchange, type ExchangeHost } from './exchange.ts';
import {
  defaultHttpLimits,
  defaultHttpTimeouts,
  type HttpAsked,
  type HttpConnectionsOptions,
  type HttpHandler,
  type HttpLimits,
  type HttpRequest,
  type HttpTimeouts,
} from './http-options.ts';
import { type ConnectionSet, KeptConnection } from './kept-connection.ts';
import { Origins, type Target } from './origins.ts';

export type { HttpAsked, HttpConnectionsOptions, HttpHandler, HttpRequest } from './http-options.ts';

/**
 * The HTTP/1.1 connections of one viewer: kept alive and used again, as many to one origin as browsers open.
 *
 *     request ─► Exchange ─► waiting ─► KeptConnection ─► Connection (socket)
 *                   │                        │ HttpResponseReader: many answers, one after the other
 *     handler ◄─────┴─ redirects, codings ◄──┘ content, in place in the thread's receive buffer
 *
 * There is no timer in here: `sweep`, once a second, enforces all time limits.
 */
export class HttpConnections implements ExchangeHost, ConnectionSet {
  readonly limits: HttpLimits;
  readonly timeouts: HttpTimeouts;
  readonly allowDowngrade: boolean;
  readonly #options: HttpConnectionsOptions;
  readonly #origins: Origins;
  readonly #connections: KeptConnection[] = [];
  /** All that are not over, … */
  readonly #exchanges: Exchange[] = [];
  /** … and those of them that wait for a connection, in their order. */
  readonly #waiting: Exchange[] = [];
  #nowMs = 0;
  #bytesReceived = 0;
  #beginning: Exchange | null = null;
  #closed = false;
  /** A connection is closed for the sake of another: its place is taken already. */
  #rearranging = false;

  /** Throws an Error of one sentence if the URL is none of HTTP, or a header cannot be sent. */
  constructor(options: HttpConnectionsOptions) {
    this.#options = options;
    this.#origins = new Origins(options.url, options.headers ?? {}, options.tls);
    this.limits = options.limits ? { ...defaultHttpLimits, ...options.limits } : defaultHttpLimits;
    this.timeouts = options.timeouts ? { ...defaultHttpTimeouts, ...options.timeouts } : defaultHttpTimeouts;
    this.allowDowngrade = options.allowDowngrade ?? false;
  }

  /** Bytes off the wire so far, in all connections (TLS: after decryption). */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** The clock's reading for all that the present call of a handler brought. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Open connections, those in the making included. */
  get connectionCount(): number {
    return this.#connections.length;
  }

  /** Never throws, and calls nothing before it returns: what is wrong with the URL is told by `failed`. */
  request(asked: HttpAsked, handler: HttpHandler): HttpRequest {
    this.touch();
    const exchange = new Exchange(this, asked, handler);
    if (this.#closed) {
      exchange.abort();
      return exchange;
    }
    this.#exchanges.push(exchange);
    const outer = this.#beginning;
    this.#beginning = exchange;
    try {
      if (asked.url.length > this.limits.urlChars) {
        throw new Error(`a URL of ${asked.url.length} characters is not asked for`);
      }
      exchange.aim(this.find(asked.url));
      this.dispatch(exchange);
    } catch (error) {
      exchange.failWith({ reason: 'bad-response', detail: (error as Error).message });
    }
    this.#beginning = outer;
    return exchange;
  }

  /** Once a second: enforces all time limits. */
  sweep(nowMs: number): void {
    this.#nowMs = nowMs;
    // From behind, because what is over leaves the list; a handler may shorten it further.
    for (let i = this.#exchanges.length - 1; i >= 0; i--) this.#exchanges[i]?.sweep(nowMs);
    for (let i = this.#connections.length - 1; i >= 0; i--) {
      this.#connections[i]?.sweep(nowMs, this.limits.idleMs);
    }
  }

  /** Closes everything; requests under way hear nothing more. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    for (const exchange of [...this.#exchanges]) exchange.abort();
    for (const connection of [...this.#connections]) connection.drop();
  }

  // ExchangeHost

  get beginning(): Exchange | null {
    return this.#beginning;
  }

  touch(): void {
    this.#nowMs = this.#options.clock.nowMs();
  }

  find(url: string): Target {
    return this.#origins.find(url);
  }

  dispatch(exchange: Exchange): void {
    if (this.#closed || this.#place(exchange)) return;
    if (this.#waiting.length < this.limits.waiting) this.#waiting.push(exchange);
    else exchange.fail('generator-limit', `is asked for more than ${this.limits.waiting} files at a time`);
  }

  forget(exchange: Exchange): void {
    remove(this.#exchanges, exchange);
    remove(this.#waiting, exchange);
  }

  // ConnectionSet

  arrived(bytes: number): void {
    this.touch();
    this.#bytesReceived += bytes;
  }

  opened(): void {
    this.#options.connected?.();
  }

  released(): void {
    this.#serveWaiting();
  }

  gone(connection: KeptConnection): void {
    remove(this.#connections, connection);
    this.#serveWaiting();
  }

  #serveWaiting(): void {
    if (this.#closed) return;
    if (this.#rearranging) return;
    for (let i = 0; i < this.#waiting.length; ) {
      const [exchange] = this.#waiting.splice(i, 1);
      if (!this.#place(exchange!)) this.#waiting.splice(i++, 0, exchange!);
    }
  }

  /** Gives it a connection, if one is idle or may be opened. */
  #place(exchange: Exchange): boolean {
    const target = exchange.target!;
    const { key } = target.origin;
    const { asked } = exchange;
    const idle = exchange.fresh ? undefined : this.#idleTo(key);
    if (!idle && !this.#makeRoom(key, exchange.fresh)) return false;
    const compression = asked.compression ?? !asked.range;
    const range = asked.range ? rangeField(asked.range) : null;
    const { carried, atAskedOrigin } = exchange;
    const request = this.#origins.request(target, compression, range, carried, asked.headers, atAskedOrigin);
    if (idle) {
      idle.carry(exchange, request);
      return true;
    }
    const timeouts = asked.timeouts ? { ...this.timeouts, ...asked.timeouts } : this.timeouts;
    const made = new KeptConnection(this, target.origin, timeouts, this.#options, this.limits.headBytes);
    this.#connections.push(made);
    made.open(exchange, request);
    return true;
  }

  /** The one that was used last: it is the least likely to have been closed by the server, and the others may time out. */
  #idleTo(originKey: string): KeptConnection | undefined {
    let best: KeptConnection | undefined;
    for (const connection of this.#connections) {
      if (!connection.idle || connection.originKey !== originKey) continue;
      if (best === undefined || connection.idleSinceMs >= best.idleSinceMs) best = connection;
    }
    return best;
  }

  /** Whether a connection may be opened; closes an idle one for it where there are too many. */
  #makeRoom(originKey: string, replaceIdle: boolean): boolean {
    const victim = this.#whatMakesRoom(originKey, replaceIdle);
    if (victim === undefined) return false;
    this.#rearranging = true;
    victim?.drop();
    this.#rearranging = false;
    return true;
  }

  /** `null`: there is room. `undefined`: there is not, and nothing idle either. */
  #whatMakesRoom(originKey: string, replaceIdle: boolean): KeptConnection | null | undefined {
    let sameOrigin = 0;
    let oldestIdle: KeptConnection | undefined;
    let idleOfOrigin: KeptConnection | undefined;
    for (const connection of this.#connections) {
      if (connection.originKey === originKey) sameOrigin++;
      if (!connection.idle) continue;
      if (connection.idleSinceMs < (oldestIdle?.idleSinceMs ?? Number.POSITIVE_INFINITY)) {
        oldestIdle = connection;
      }
      if (connection.originKey === originKey) idleOfOrigin = connection;
    }
    if (sameOrigin >= this.limits.connectionsPerOrigin) return replaceIdle ? idleOfOrigin : undefined;
    return this.#connections.length < this.limits.connections ? null : oldestIdle;
  }
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
