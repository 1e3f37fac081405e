import { type AmfValue, readAmf0, writeAmf0 } from '../amf0/amf0.ts';
import { ProtocolError, TAG_SCRIPT, type TagSink, type TagType } from '../media.ts';
import { type Command, RtmpConnection, textOf } from './connection.ts';
import { ClientHandshake } from './handshake.ts';
import { CONTROL_STREAM, SET_BUFFER_LENGTH, STREAM_EOF } from './message.ts';
import { startsWith, wrapMetadata } from './set-data-frame.ts';
import type { RtmpUrl } from './url.ts';

/** Large enough for nearly all frames to go out in one chunk. */
const PUBLISH_CHUNK_BYTES = 65_536;
/** "Live, or else recorded" (section 7.2.2.1 says -2; Flash, ffmpeg and librtmp say it in milliseconds). */
const PLAY_START = -2000;
/** What we claim to buffer; some servers send that much in advance. ffmpeg's default. */
const BUFFER_MS = 3000;
/** Enhanced RTMP v1, "Enhancing NetConnection connect Command". */
const FOUR_CC_LIST = ['av01', 'vp09', 'vp08', 'hvc1', 'avc1', 'Opus', 'fLaC', 'ac-3', 'mp4a', '.mp3'];

/** Acknowledgement window that a viewer announces; ffmpeg's. */
const WINDOW_BYTES = 2_500_000;
/** How much of a tag a session without a sink looks at: enough for onPlayStatus. */
const STATUS_BYTES = 1024;
const ON_PLAY_STATUS = writeAmf0('onPlayStatus');

const START_CODES = { publish: 'NetStream.Publish.Start', play: 'NetStream.Play.Start' };
/** Said with level "status", but they end the stream all the same. */
const END_CODES = new Set([
  'NetStream.Play.UnpublishNotify',
  'NetStream.Play.Stop',
  'NetStream.Play.Complete',
  'NetStream.Unpublish.Success',
]);
const CLOSED = 'NetConnection.Connect.Closed';

export type RtmpClientEvent =
  /** The peer speaks RTMP. */
  | { readonly kind: 'handshaken' }
  /** The server has accepted the connection to the app. */
  | { readonly kind: 'connected' }
  /** NetStream.Publish.Start: tags may be sent. Or NetStream.Play.Start or the first media, whichever is first. */
  | { readonly kind: 'started' }
  /** The server has said no, before `started`. `code` is its own, such as `NetStream.Publish.BadName`. */
  | { readonly kind: 'refused'; readonly code: string; readonly description: string }
  /** The stream is over (`NetStream.Play.UnpublishNotify`, …), or failed after `started`. */
  | { readonly kind: 'ended'; readonly code: string; readonly description: string };

export interface RtmpClientOptions {
  readonly url: RtmpUrl;
  readonly mode: 'play' | 'publish';
  /** Gets the tags of the played stream, and also the server's own data messages, such as `|RtmpSampleAccess`. */
  readonly sink?: TagSink;
  /** How much of each tag the sink sees, from its beginning; default: all. */
  readonly headBytes?: number;
  readonly maxMessageBytes?: number;
  /** Gives so many random bytes, for the handshake. */
  random(bytes: number): Uint8Array;
  /** Takes what is to be sent, for one `writev`. Tag bodies are the caller's own bytes, not copies. */
  write(pieces: Uint8Array[]): void;
  event(event: RtmpClientEvent): void;
}

/** How far the session is; each step waits for one answer of the server. */
type State = 'new' | 'handshaking' | 'connecting' | 'creating' | 'starting' | 'started' | 'over';

/**
 * One RTMP connection of a viewer or publisher, without its socket: bytes in, bytes and events out.
 *
 *     start → C0 C1 … C2 → handshaken → connect → connected → createStream → play | publish → started → ended
 *                                          └──────────────────┴──────────────────┴→ refused
 *
 * After `refused`, `ended`, `close` or a ProtocolError the session is over, and the caller closes the socket.
 */
export class RtmpClientSession {
  readonly #options: RtmpClientOptions;
  #state: State = 'new';
  #handshake: ClientHandshake | null = null;
  /** Made when the handshake is over. */
  #connection: RtmpConnection | null = null;
  #streamId = 0;
  /** Names of the commands sent; the transaction id of each is its place, from 1. */
  readonly #calls: string[] = [];

  constructor(options: RtmpClientOptions) {
    this.#options = options;
  }

  /** Begins the handshake; call it when the transport is ready. */
  start(): void {
    if (this.#state !== 'new') throw new Error('an RTMP session starts once');
    this.#state = 'handshaking';
    this.#handshake = new ClientHandshake(this.#options.random, this.#options.write);
  }

  /**
   * Reads what the socket gave, `bytes[start, end)`; keeps none of it.
   *
   * @throws ProtocolError when the server breaks the protocol or a bound
   */
  receive(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.#isOver()) return;
    let at = start;
    if (this.#handshake !== null) {
      at += this.#handshake.receive(bytes, at, end);
      if (!this.#handshake.done) return;
      this.#handshake = null;
      this.#connect();
    }
    if (at < end) this.#connection?.receive(bytes, at, end);
  }

  /**
   * Sends a tag whose body is `bodyPieces` one after another. Metadata is wrapped in "@setDataFrame" here.
   * After the end it is dropped: a source does not stop at the very moment a server does.
   *
   * @throws Error before the session has started publishing
   */
  sendTag(type: TagType, timestampMs: number, ...bodyPieces: Uint8Array[]): void {
    if (this.#state === 'over') return;
    if (this.#state !== 'started' || this.#options.mode !== 'publish' || this.#connection === null) {
      throw new Error('tags can be sent only once publishing has started');
    }
    const pieces = type === TAG_SCRIPT ? wrapMetadata(bodyPieces) : bodyPieces;
    this.#connection.sendTag(type, this.#streamId, timestampMs, pieces);
  }

  /** Says goodbye (FCUnpublish, deleteStream), if there is a stream to say it about. No event follows. */
  close(): void {
    const { mode, url } = this.#options;
    if (this.#connection !== null && (this.#state === 'starting' || this.#state === 'started')) {
      if (mode === 'publish') this.#call(CONTROL_STREAM, 'FCUnpublish', null, url.stream);
      this.#call(CONTROL_STREAM, 'deleteStream', null, this.#streamId);
    }
    this.#over();
  }

  #connect(): void {
    const { headBytes, maxMessageBytes, mode, url, sink } = this.#options;
    this.#state = 'connecting';
    this.#connection = new RtmpConnection({
      sink: this.#watched(sink),
      headBytes: sink === undefined ? STATUS_BYTES : headBytes,
      maxMessageBytes,
      write: this.#options.write,
      command: (command) => this.#command(command),
      userControl: (event, streamId) => {
        if (event === STREAM_EOF && streamId === this.#streamId)
          this.#end('StreamEOF', 'the stream has ended');
      },
    });
    this.#options.event({ kind: 'handshaken' });
    if (this.#isOver()) return;
    this.#call(CONTROL_STREAM, 'connect', connectObject(mode, url));
  }

  /** The caller's sink, behind a look at what concerns the session: the first media, and the end of a recording. */
  #watched(sink: TagSink | undefined): TagSink {
    return {
      head: (type, timestampMs, bodyBytes, bytes, start, end) => {
        if (type === TAG_SCRIPT) this.#script(bodyBytes, bytes, start, end);
        else if (this.#state === 'starting') this.#started();
        sink?.head(type, timestampMs, bodyBytes, bytes, start, end);
      },
      end: () => sink?.end(),
    };
  }

  /** Section 7.2.2: `onPlayStatus` comes as data, not as a command. */
  #script(bodyBytes: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < bodyBytes || !startsWith(bytes, start, end, ON_PLAY_STATUS)) return;
    const [, info] = readAmf0(bytes, start, end);
    this.#status(info);
  }

  #call(streamId: number, name: string, ...values: AmfValue[]): void {
    const transactionId = this.#calls.push(name);
    this.#connection?.sendCommand(streamId, name, transactionId, ...values);
  }

  #command({ name, transactionId, values }: Command): void {
    const call = this.#calls[transactionId - 1];
    switch (name) {
      case '_result':
        if (call === 'connect') this.#connected();
        else if (call === 'createStream') this.#created(values[1]);
        break;
      case '_error':
        // releaseStream and FCPublish are no commands of RTMP: many servers answer "not found" and mean no harm.
        if (call !== 'releaseStream' && call !== 'FCPublish') this.#error(values);
        break;
      case 'onStatus':
        this.#status(values[1]);
        break;
      case 'close':
        this.#fail(CLOSED, 'the server has closed the connection');
        break;
      default:
      // onBWDone, onFCPublish, onFCSubscribe and the like: nobody waits for an answer.
    }
  }

  #connected(): void {
    if (this.#state !== 'connecting' || this.#connection === null) return;
    this.#state = 'creating';
    this.#options.event({ kind: 'connected' });
    if (this.#isOver()) return;
    const { mode, url } = this.#options;
    if (mode === 'publish') {
      this.#connection.sendChunkSize(PUBLISH_CHUNK_BYTES);
      // Flash Media Encoder's habit; some servers free a stream that a lost publisher still holds only on this.
      this.#call(CONTROL_STREAM, 'releaseStream', null, url.stream);
      this.#call(CONTROL_STREAM, 'FCPublish', null, url.stream);
    } else {
      this.#connection.sendWindow(WINDOW_BYTES);
    }
    this.#call(CONTROL_STREAM, 'createStream', null);
  }

  #created(streamId: AmfValue): void {
    if (this.#state !== 'creating' || this.#connection === null) return;
    if (typeof streamId !== 'number') {
      throw new ProtocolError('RTMP_COMMAND', 'the answer to createStream has no stream number');
    }
    this.#state = 'starting';
    this.#streamId = streamId;
    const { mode, url } = this.#options;
    if (mode === 'publish') {
      this.#call(streamId, 'publish', null, url.stream, 'live');
    } else {
      this.#call(streamId, 'play', null, url.stream, PLAY_START);
      this.#connection.sendUserControl(SET_BUFFER_LENGTH, streamId, BUFFER_MS);
    }
  }

  #started(): void {
    if (this.#state !== 'starting') return;
    this.#state = 'started';
    this.#options.event({ kind: 'started' });
  }

  /** Section 7.2.2: an information object with level, code and description. */
  #status(info: AmfValue): void {
    const code = textOf(info, 'code');
    const description = textOf(info, 'description');
    if (textOf(info, 'level') === 'error' || code === CLOSED)
      this.#fail(code || 'NetStream.Failed', description);
    else if (code === START_CODES[this.#options.mode]) this.#started();
    else if (END_CODES.has(code)) this.#end(code, description);
  }

  #error(values: readonly AmfValue[]): void {
    const info = values.find((value) => textOf(value, 'code') !== '');
    const silent =
      this.#state === 'connecting' ? 'NetConnection.Connect.Rejected' : 'NetConnection.Call.Failed';
    this.#fail(textOf(info, 'code') || silent, textOf(info, 'description'));
  }

  /** The stream is over in good order; before there is one, such words are about something else. */
  #end(code: string, description: string): void {
    if (this.#state === 'starting' || this.#state === 'started') this.#finish('ended', code, description);
  }

  #fail(code: string, description: string): void {
    this.#finish(this.#state === 'started' ? 'ended' : 'refused', code, description);
  }

  #finish(kind: 'refused' | 'ended', code: string, description: string): void {
    if (this.#isOver()) return;
    this.#over();
    this.#options.event({ kind, code, description });
  }

  /** Nothing more is read: what came together with the end concerns nobody. */
  #over(): void {
    this.#state = 'over';
    this.#connection?.stopReading();
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }
}

function connectObject(mode: 'play' | 'publish', url: RtmpUrl): AmfValue {
  const common = { app: url.app, tcUrl: url.tcUrl, objectEncoding: 0, fourCcList: FOUR_CC_LIST };
  if (mode === 'publish')
    return { ...common, type: 'nonprivate', flashVer: 'FMLE/3.0 (compatible; Streamgauge)' };
  // Section 7.2.1.1: support of all codecs that have a flag there, seeking by frames, no proxy.
  const abilities = { fpad: false, capabilities: 15, audioCodecs: 4071, videoCodecs: 252, videoFunction: 1 };
  return { ...common, ...abilities, flashVer: 'LNX 9,0,124,2' };
}
