import type { AmfValue } from '../amf0/amf0.ts';
import { TAG_SCRIPT, type TagSink, type TagType } from '../media.ts';
import { type Command, RtmpConnection, textOf } from './connection.ts';
import { ServerHandshake } from './handshake.ts';
import { CONTROL_STREAM, STREAM_BEGIN, STREAM_EOF } from './message.ts';
import { unwrapMetadata } from './set-data-frame.ts';

const DEFAULT_CHUNK_BYTES = 65_536;
const WINDOW_BYTES = 2_500_000;
/** The one stream of a connection; clients that want several are not for this server. */
const STREAM_ID = 1;

export type RtmpServerEvent =
  /** Each of these three waits for `accept` or `refuse`. */
  | { readonly kind: 'connect'; readonly app: string; readonly tcUrl: string }
  | { readonly kind: 'publish'; readonly app: string; readonly stream: string }
  | { readonly kind: 'play'; readonly app: string; readonly stream: string }
  /** The client has ended its stream (FCUnpublish, deleteStream, closeStream). */
  | { readonly kind: 'ended' };

export interface RtmpServerOptions {
  /** Gets the tags of a publishing client; metadata as sent, that is with its "@setDataFrame". */
  readonly sink?: TagSink;
  /** How much of each tag the sink sees, from its beginning; default: all. */
  readonly headBytes?: number;
  readonly maxMessageBytes?: number;
  /** Chunk size announced to the client, default 65,536. */
  readonly chunkBytes?: number;
  /** Gives so many random bytes, for the handshake. */
  random(bytes: number): Uint8Array;
  /** Takes what is to be sent, for one `writev`. */
  write(pieces: Uint8Array[]): void;
  event(event: RtmpServerEvent): void;
}

/** A request that waits for `accept` or `refuse`. */
interface Request {
  readonly kind: 'connect' | 'publish' | 'play';
  readonly transactionId: number;
  readonly streamId: number;
}

const NO_SINK: TagSink = { head() {}, end() {} };

/**
 * One RTMP connection as a server has it, without its socket: the mirror of RtmpClientSession, for test servers.
 *
 *     C0 C1 … C2 → connect → accept → createStream → publish | play → accept → tags → ended
 *                          └ refuse                                  └ refuse
 */
export class RtmpServerSession {
  readonly #options: RtmpServerOptions;
  #handshake: ServerHandshake | null;
  readonly #connection: RtmpConnection;
  #app = '';
  #request: Request | null = null;
  #streamId = STREAM_ID;
  #streaming: 'publish' | 'play' | null = null;

  constructor(options: RtmpServerOptions) {
    this.#options = options;
    this.#handshake = new ServerHandshake(options.random, options.write);
    this.#connection = new RtmpConnection({
      sink: options.sink ?? NO_SINK,
      headBytes: options.headBytes,
      maxMessageBytes: options.maxMessageBytes,
      write: options.write,
      command: (command) => this.#command(command),
      userControl() {}, // SetBufferLength: nothing is buffered here
    });
  }

  /**
   * Reads what the socket gave, `bytes[start, end)`; keeps none of it.
   *
   * @throws ProtocolError when the client breaks the protocol or a bound
   */
  receive(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let at = start;
    if (this.#handshake !== null) {
      at += this.#handshake.receive(bytes, at, end);
      if (!this.#handshake.done) return;
      this.#handshake = null;
    }
    if (at < end) this.#connection.receive(bytes, at, end);
  }

  /** Says yes to the connect, publish or play of the last event. */
  accept(): void {
    const request = this.#takeRequest();
    if (request.kind === 'connect') this.#acceptConnect(request);
    else {
      this.#streamId = request.streamId;
      this.#streaming = request.kind;
      if (request.kind === 'publish') {
        this.#sendStatus(request.streamId, 'NetStream.Publish.Start', 'publishing');
        return;
      }
      this.#connection.sendUserControl(STREAM_BEGIN, request.streamId);
      this.#sendStatus(request.streamId, 'NetStream.Play.Reset', 'resetting');
      this.#sendStatus(request.streamId, 'NetStream.Play.Start', 'playing');
    }
  }

  /** Says no, with a code such as `NetConnection.Connect.Rejected`, `NetStream.Publish.BadName`. */
  refuse(code: string, description: string): void {
    const { kind, transactionId, streamId } = this.#takeRequest();
    const info = { level: 'error', code, description };
    if (kind === 'connect') this.#connection.sendCommand(CONTROL_STREAM, '_error', transactionId, null, info);
    else this.#connection.sendCommand(streamId, 'onStatus', 0, null, info);
  }

  /** Sends a tag to a playing client; metadata that a publisher wrapped in "@setDataFrame" is unwrapped. */
  sendTag(type: TagType, timestampMs: number, ...bodyPieces: Uint8Array[]): void {
    if (this.#streaming !== 'play') return;
    const pieces = type === TAG_SCRIPT ? unwrapMetadata(bodyPieces) : bodyPieces;
    this.#connection.sendTag(type, this.#streamId, timestampMs, pieces);
  }

  /** Tells a playing client that the publisher has gone. */
  unpublished(): void {
    this.#sendStatus(this.#streamId, 'NetStream.Play.UnpublishNotify', 'the publisher has gone');
    this.#connection.sendUserControl(STREAM_EOF, this.#streamId);
  }

  #takeRequest(): Request {
    const request = this.#request;
    if (request === null) throw new Error('no request of the client is waiting');
    this.#request = null;
    return request;
  }

  #command({ name, transactionId, values, streamId }: Command): void {
    switch (name) {
      case 'connect':
        this.#app = textOf(values[0], 'app');
        this.#request = { kind: name, transactionId, streamId };
        this.#options.event({ kind: name, app: this.#app, tcUrl: textOf(values[0], 'tcUrl') });
        break;
      case 'createStream':
        this.#connection.sendCommand(CONTROL_STREAM, '_result', transactionId, null, STREAM_ID);
        break;
      case 'publish':
      case 'play':
        this.#request = { kind: name, transactionId, streamId };
        this.#options.event({ kind: name, app: this.#app, stream: nameOf(values[1]) });
        break;
      case 'FCUnpublish':
      case 'closeStream':
      case 'deleteStream':
        if (this.#streaming === null) break;
        this.#streaming = null;
        this.#options.event({ kind: 'ended' });
        break;
      default:
      // releaseStream, FCPublish, getStreamLength, _checkbw …: clients go on without an answer.
    }
  }

  #acceptConnect({ transactionId }: Request): void {
    this.#connection.sendWindow(WINDOW_BYTES);
    this.#connection.sendPeerBandwidth(WINDOW_BYTES);
    this.#connection.sendChunkSize(this.#options.chunkBytes ?? DEFAULT_CHUNK_BYTES);
    const info = {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'connection accepted',
      objectEncoding: 0,
    };
    const properties = { fmsVer: 'FMS/3,0,1,123', capabilities: 31 };
    this.#connection.sendCommand(CONTROL_STREAM, '_result', transactionId, properties, info);
  }

  #sendStatus(streamId: number, code: string, description: string): void {
    const info = { level: 'status', code, description };
    this.#connection.sendCommand(streamId, 'onStatus', 0, null, info);
  }
}

function nameOf(value: AmfValue): string {
  return typeof value === 'string' ? value : '';
}
