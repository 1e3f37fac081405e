import { ProtocolError } from '../core/media.ts';
import { Connection, type ConnectionOwner, type Endpoint, endpointName } from './connect.ts';
import { type Greeting, greetingOf } from './greeting.ts';
import { noProgress } from './progress.ts';
import type { Failure } from './reason.ts';
import {
  type ConnectOnly,
  defaultTimeouts,
  type SessionFigures,
  type SessionOutcome,
  type Timeouts,
  type Viewer,
  type ViewerOptions,
  type ViewerState,
} from './viewer.ts';

/**
 * A visitor that watches nothing: it connects (TCP, and TLS where the URL says so) and leaves, at once or after a while,
 * or sits there in silence until the server has had enough.
 *
 *     connecting ─┬─ (handshake of RTMP or WebSocket) ─ held ─ ended       connect-only
 *                 └─ held, not a word said ─ ended                         idle
 *
 * There is no reconnecting: whoever wants another connection starts another visitor.
 */
export class ConnectViewer implements Viewer, ConnectionOwner {
  readonly #options: ViewerOptions;
  readonly #only: ConnectOnly;
  readonly #timeouts: Timeouts;
  readonly #endpoint: Endpoint;
  /** `null`: none is wanted, or the protocol has none. */
  readonly #greeting: Greeting | null;
  #connection: Connection | null = null;
  #state: ViewerState = 'connecting';
  #openedMs = Number.NaN;
  #connectedMs = Number.NaN;
  #bytesReceived = 0;
  #holdTimer: NodeJS.Timeout | undefined;

  /** Throws an Error of one sentence if the URL cannot be used. */
  constructor(options: ViewerOptions, only: ConnectOnly) {
    this.#options = options;
    this.#only = only;
    this.#timeouts = { ...defaultTimeouts, ...options.timeouts };
    const greeting = greetingOf(options);
    const { localAddress } = options;
    const endpoint = 'endpoint' in greeting ? greeting.endpoint : greeting;
    this.#endpoint = localAddress === undefined ? endpoint : { ...endpoint, localAddress };
    const wanted = only.kind === 'connect-only' && only.handshake;
    this.#greeting = wanted && 'endpoint' in greeting ? greeting : null;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get state(): ViewerState {
    return this.#state;
  }

  start(): void {
    if (this.#state !== 'connecting' || this.#connection) return;
    const { clock, link } = this.#options;
    const linked = link === undefined ? {} : { link };
    this.#connection = new Connection(this.#endpoint, this, this.#timeouts, clock, linked);
    this.#connection.open();
  }

  sweep(nowMs: number): void {
    if (this.#state !== 'connecting') return;
    if (Number.isNaN(this.#openedMs)) this.#connection?.sweep(nowMs);
    else if (nowMs - this.#openedMs >= this.#timeouts.handshakeMs)
      this.#fail({
        reason: 'first-byte-timeout',
        detail: `${this.#where} accepted the connection and did not finish the handshake within ${this.#timeouts.handshakeMs} ms; check that this port serves this protocol and that the server is not overloaded`,
      });
  }

  stop(): void {
    this.#end('ended', null, 'the viewer left');
  }

  /** There is no picture to hold. */
  pause(): void {}
  resume(): void {}

  // ConnectionOwner

  opened(): void {
    this.#openedMs = this.#options.clock.nowMs();
    if (this.#greeting) this.#greeting.begin((pieces) => this.#connection?.write(pieces));
    else this.#connected();
  }

  received(bytes: Uint8Array, end: number): void {
    this.#bytesReceived += end;
    if (!this.#greeting || !Number.isNaN(this.#connectedMs)) return;
    const answer = this.#greeting.take(bytes, end);
    if (answer === true) this.#connected();
    else if (answer !== false) this.#fail(answer);
  }

  finished(): void {
    this.#goneBy('closed', `${this.#where} closed the connection`);
  }

  failed({ reason, detail }: Failure): void {
    this.#goneBy(reason, detail);
  }

  threw(error: unknown): void {
    const what = error instanceof ProtocolError ? `${error.message} (${error.code})` : `${error}`;
    this.#fail({
      reason: 'bad-response',
      detail: `${this.#where} answered the handshake with what is not understood: ${what}`,
    });
  }

  get #where(): string {
    return endpointName(this.#endpoint);
  }

  #connected(): void {
    const { clock, observer, intendedStartMs } = this.#options;
    this.#connectedMs = clock.nowMs();
    this.#state = 'starting';
    observer.connected(this.#connectedMs - intendedStartMs);
    const only = this.#only;
    if (only.kind === 'idle') return;
    const leave = (): void => this.#end('ended', null, 'connected, and left as planned');
    if (only.holdMs === 0) leave();
    else this.#holdTimer = setTimeout(leave, only.holdMs);
  }

  /** The server, or the network, has ended it. */
  #goneBy(reason: Failure['reason'], detail: string): void {
    if (Number.isNaN(this.#connectedMs)) {
      this.#fail({ reason, detail: `${detail}${reason === 'closed' ? ' during the handshake' : ''}` });
      return;
    }
    const heldMs = this.#options.clock.nowMs() - this.#connectedMs;
    const after = `after ${(heldMs / 1_000).toFixed(1)} s`;
    if (this.#only.kind === 'connect-only') {
      this.#fail({ reason, detail: `${detail} ${after}, before its visitor wanted to leave` });
      return;
    }
    // That is what an idle visitor is there to find out.
    if (this.#state !== 'ended') this.#options.observer.idleClosed?.(heldMs);
    this.#end('ended', null, `${this.#where} closed the idle connection ${after}`);
  }

  #fail({ reason, detail }: Failure): void {
    this.#end('failed', reason, detail);
  }

  #end(
    result: SessionOutcome['result'],
    reason: SessionOutcome['reason'],
    detail: SessionOutcome['detail'],
  ): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#holdTimer);
    this.#connection?.close();
    this.#connection = null;
    const { clock, observer, intendedStartMs } = this.#options;
    const bytesReceived = this.#bytesReceived;
    const lastedMs = clock.nowMs() - intendedStartMs;
    observer.progress({ ...noProgress(), bytesReceived });
    observer.ended({
      result,
      phase: 'before-first-frame',
      reason,
      detail,
      lastedMs,
      figures: {
        ...noFigures,
        connectMs: Number.isNaN(this.#connectedMs) ? null : this.#connectedMs - intendedStartMs,
        bytesReceived,
      },
    });
  }
}

/** Nothing was watched. */
const noFigures: SessionFigures = {
  ...noProgress(),
  connectMs: null,
  firstByteMs: null,
  firstMediaMs: null,
  firstFrameMs: null,
  startupMs: null,
  joinLagMs: null,
  stallCount: 0,
  stallCountPlayer: 0,
  reconnects: 0,
};
