import { ProtocolError } from '../../core/media.ts';
import { Connection, type ConnectionOwner, type ConnectTimeouts } from '../connect.ts';
import { type HttpHead, HttpResponseReader, type HttpResponseSink } from '../http-response.ts';
import type { Failure } from '../reason.ts';
import type { Carrier, Exchange } from './exchange.ts';
import type { HttpConnectionsOptions } from './http-options.ts';
import type { Origin } from './origins.ts';

/** The set that a connection belongs to. */
export interface ConnectionSet {
  readonly nowMs: number;
  /** Reads the clock. */
  touch(): void;
  /** A read has brought so many bytes. */
  arrived(bytes: number): void;
  opened(): void;
  /** It may carry another exchange. */
  released(connection: KeptConnection): void;
  /** It is closed. */
  gone(connection: KeptConnection): void;
}

/**
 * One connection that carries one exchange after the other.
 *
 *     connecting ─ busy ⇄ idle
 *          └────────┴──────┴─ gone
 */
export class KeptConnection implements ConnectionOwner, HttpResponseSink, Carrier {
  readonly originKey: string;
  idleSinceMs = 0;
  readonly #set: ConnectionSet;
  readonly #connection: Connection;
  readonly #reader: HttpResponseReader;
  #exchange: Exchange | null = null;
  /** The question, until the connection is open. */
  #request: Uint8Array | null = null;
  #served = 0;
  #gone = false;

  constructor(
    set: ConnectionSet,
    origin: Origin,
    timeouts: ConnectTimeouts,
    { clock, link, localAddress }: Pick<HttpConnectionsOptions, 'clock' | 'link' | 'localAddress'>,
    maxHeadBytes: number,
  ) {
    this.#set = set;
    this.originKey = origin.key;
    const endpoint = localAddress === undefined ? origin.endpoint : { ...origin.endpoint, localAddress };
    this.#connection = new Connection(endpoint, this, timeouts, clock, link ? { link } : {});
    this.#reader = new HttpResponseReader(this, maxHeadBytes);
  }

  get idle(): boolean {
    return this.#exchange === null && !this.#gone;
  }

  /** Connects, with its first exchange. */
  open(exchange: Exchange, request: Uint8Array): void {
    this.#take(exchange);
    this.#request = request;
    this.#connection.open();
  }

  /** Sends the question of the next exchange. */
  carry(exchange: Exchange, request: Uint8Array): void {
    this.#take(exchange);
    exchange.sent();
    this.#connection.write([request]);
  }

  /** Enforces the limits of connecting, and of being kept without use. */
  sweep(nowMs: number, idleMs: number): void {
    if (this.#connection.phase !== 'open') this.#connection.sweep(nowMs);
    else if (this.idle && nowMs - this.idleSinceMs >= idleMs) this.drop();
  }

  // Carrier

  drop(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#exchange = null;
    this.#connection.close();
    this.#set.gone(this);
  }

  resume(): void {
    this.#connection.resumeReading();
  }

  // ConnectionOwner

  opened(): void {
    this.#set.touch();
    this.#set.opened();
    const exchange = this.#exchange;
    const request = this.#request;
    this.#request = null;
    if (exchange === null || request === null) return;
    exchange.sent();
    this.#connection.write([request]);
  }

  received(bytes: Uint8Array, end: number): void {
    this.#set.arrived(end);
    const exchange = this.#exchange;
    if (exchange === null) {
      // Nobody has asked. What comes now must not be taken for the answer to the next question.
      this.drop();
      return;
    }
    exchange.arrived(end);
    let used: number;
    try {
      used = this.#reader.push(bytes, 0, end);
    } catch (error) {
      this.#misread(exchange, error);
      return;
    }
    if (this.#exchange !== exchange) return;
    if (this.#reader.complete) this.#complete(exchange, used === end);
    else if (exchange.saturated) this.#connection.pauseReading();
  }

  finished(): void {
    this.#set.touch();
    const exchange = this.#exchange;
    if (exchange && this.#reader.endsWithConnection) this.#complete(exchange, false);
    else this.#lost(null);
  }

  failed(failure: Failure): void {
    this.#set.touch();
    this.#lost(failure);
  }

  threw(error: unknown): void {
    this.#lost({ reason: 'bad-response', detail: `reading an answer failed: ${error}` });
  }

  // HttpResponseSink

  head(head: HttpHead): void {
    this.#exchange?.head(head);
  }

  body(bytes: Uint8Array, start: number, end: number): void {
    this.#exchange?.content(bytes, start, end);
  }

  #take(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.carrier = this;
  }

  #complete(exchange: Exchange, nothingElse: boolean): void {
    this.#exchange = null;
    this.#served++;
    // More bytes than the answer has: the next question would be answered by them.
    if (this.#reader.persistent && nothingElse) {
      this.#reader.again();
      this.idleSinceMs = this.#set.nowMs;
      this.#set.released(this);
    } else this.drop();
    exchange.complete();
  }

  #misread(exchange: Exchange, error: unknown): void {
    const ours = this.#exchange === exchange;
    if (!(error instanceof ProtocolError)) throw error;
    if (ours) exchange.broken(`${error.message} (${error.code})`);
    this.drop();
  }

  #lost(failure: Failure | null): void {
    if (this.#gone) return;
    const exchange = this.#exchange;
    this.drop();
    exchange?.lost(failure, this.#served > 0);
  }
}
