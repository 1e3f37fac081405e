import { type AmfValue, readAmf0, writeAmf0 } from '../amf0/amf0.ts';
import { ProtocolError, type TagSink, type TagType } from '../media.ts';
import { put32, read32 } from './big-endian.ts';
import { ChunkReader, readControl } from './chunk-reader.ts';
import { ChunkWriter } from './chunk-writer.ts';
import {
  ACKNOWLEDGEMENT,
  COMMAND,
  COMMAND_AMF3,
  COMMAND_CHUNK_STREAM,
  CONTROL_CHUNK_STREAM,
  CONTROL_STREAM,
  MEDIA_CHUNK_STREAM,
  type Message,
  PING_REQUEST,
  PING_RESPONSE,
  SET_CHUNK_SIZE,
  SET_PEER_BANDWIDTH,
  USER_CONTROL,
  WINDOW_ACKNOWLEDGEMENT_SIZE,
} from './message.ts';

/** A command message: section 7.2. */
export interface Command {
  readonly name: string;
  readonly transactionId: number;
  /** What follows the transaction id: the command object, then the arguments. */
  readonly values: readonly AmfValue[];
  readonly streamId: number;
}

export interface ConnectionOptions {
  readonly sink: TagSink;
  readonly headBytes?: number | undefined;
  readonly maxMessageBytes?: number | undefined;
  write(pieces: Uint8Array[]): void;
  command(command: Command): void;
  /** User control events but for pings, with the message stream they are about. */
  userControl(event: number, streamId: number): void;
}

/** Servers ping every few seconds. One that does nothing else would keep the event loop busy with writing, to the harm of all other viewers. */
const MAX_ANSWERS = 16;

/** What client and server do alike once the handshake is over: chunks, acknowledgements, pings, commands. */
export class RtmpConnection {
  readonly #options: ConnectionOptions;
  readonly #reader: ChunkReader;
  readonly #writer = new ChunkWriter();
  /** Section 5.4.4: the peer wants to hear from us after so many bytes; 0 until it says so. */
  #windowBytes = 0;
  #receivedBytes = 0;
  #acknowledgedBytes = 0;
  #announcedWindowBytes = 0;
  /** Answers to what comes together; what is asked beyond them is passed over. */
  #answersLeft = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#reader = new ChunkReader({
      sink: options.sink,
      message: (message) => this.#message(message),
      ...(options.headBytes === undefined ? {} : { headBytes: options.headBytes }),
      ...(options.maxMessageBytes === undefined ? {} : { maxMessageBytes: options.maxMessageBytes }),
    });
  }

  /** Reads `bytes[start, end)`; throws ProtocolError if the peer breaks the protocol or a bound. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    this.#answersLeft = MAX_ANSWERS;
    this.#reader.push(bytes, start, end);
    this.#receivedBytes += end - start;
    // At most one for all that came together, however small a window the peer asks for.
    if (this.#windowBytes > 0 && this.#receivedBytes - this.#acknowledgedBytes >= this.#windowBytes) {
      this.#acknowledgedBytes = this.#receivedBytes;
      this.#sendControl(ACKNOWLEDGEMENT, this.#receivedBytes);
    }
  }

  /** Reads no further; sending goes on. */
  stopReading(): void {
    this.#reader.stop();
  }

  sendTag(type: TagType, streamId: number, timestampMs: number, bodyPieces: readonly Uint8Array[]): void {
    const chunkStreamId = MEDIA_CHUNK_STREAM[type];
    this.#options.write(this.#writer.message({ type, streamId, chunkStreamId, timestampMs }, ...bodyPieces));
  }

  sendCommand(streamId: number, name: string, transactionId: number, ...values: AmfValue[]): void {
    const header = { type: COMMAND, streamId, chunkStreamId: COMMAND_CHUNK_STREAM, timestampMs: 0 };
    this.#options.write(this.#writer.message(header, writeAmf0(name, transactionId, ...values)));
  }

  /** Section 7.1.7: an event, and the numbers that belong to it. */
  sendUserControl(event: number, ...values: number[]): void {
    const body = new Uint8Array(2 + 4 * values.length);
    body[1] = event;
    values.forEach((value, i) => {
      put32(body, 2 + 4 * i, value);
    });
    this.#send(USER_CONTROL, body);
  }

  /** Announces the chunk size from here on: section 5.4.1. */
  sendChunkSize(chunkBytes: number): void {
    this.#sendControl(SET_CHUNK_SIZE, chunkBytes);
    this.#writer.chunkBytes = chunkBytes;
  }

  /** After how many bytes we want to hear from the peer: section 5.4.4. */
  sendWindow(windowBytes: number): void {
    this.#announcedWindowBytes = windowBytes;
    this.#sendControl(WINDOW_ACKNOWLEDGEMENT_SIZE, windowBytes);
  }

  /** Asks the peer to announce this window itself, "dynamic" limit: section 5.4.5. */
  sendPeerBandwidth(windowBytes: number): void {
    const body = new Uint8Array(5);
    put32(body, 0, windowBytes);
    body[4] = 2;
    this.#send(SET_PEER_BANDWIDTH, body);
  }

  #sendControl(type: number, value: number): void {
    const body = new Uint8Array(4);
    put32(body, 0, value);
    this.#send(type, body);
  }

  #send(type: number, body: Uint8Array): void {
    const header = { type, streamId: CONTROL_STREAM, chunkStreamId: CONTROL_CHUNK_STREAM, timestampMs: 0 };
    this.#options.write(this.#writer.message(header, body));
  }

  #message(message: Message): void {
    switch (message.type) {
      case WINDOW_ACKNOWLEDGEMENT_SIZE:
        this.#windowBytes = readControl(message);
        break;
      case SET_PEER_BANDWIDTH: {
        const windowBytes = readControl(message);
        if (windowBytes !== this.#announcedWindowBytes && this.#answersLeft-- > 0)
          this.sendWindow(windowBytes);
        break;
      }
      case USER_CONTROL:
        this.#userControl(message.body);
        break;
      case COMMAND:
      case COMMAND_AMF3:
        this.#command(message);
        break;
      default:
      // Acknowledgements tell us nothing that the socket does not; shared objects are not for us.
    }
  }

  #userControl(body: Uint8Array): void {
    // Events 31 and 32 of Adobe's servers, and whatever else is not in the specification, may have any length.
    const event = body.length < 2 ? -1 : ((body[0] as number) << 8) | (body[1] as number);
    if (body.length < 6) return;
    const value = read32(body, 2);
    if (event !== PING_REQUEST) this.#options.userControl(event, value);
    else if (this.#answersLeft-- > 0) this.sendUserControl(PING_RESPONSE, value);
  }

  #command({ type, streamId, body }: Message): void {
    // The AMF3 form is AMF0 behind a 0; AMF3 values in it would have a marker that readAmf0 refuses.
    const [name, transactionId, ...values] = readAmf0(body, type === COMMAND_AMF3 ? 1 : 0);
    if (typeof name !== 'string' || typeof transactionId !== 'number') {
      throw new ProtocolError(
        'RTMP_COMMAND',
        'a command message does not begin with its name and transaction number',
      );
    }
    this.#options.command({ name, transactionId, values, streamId });
  }
}

/** A property of a command object or information object, if it is text. */
export function textOf(value: AmfValue, property: string): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date) return '';
  const text = Object.hasOwn(value, property) ? value[property] : undefined;
  return typeof text === 'string' ? text : '';
}
