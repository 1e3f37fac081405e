import type { TagSink, TagType } from '../media.ts';

export type RtmpServerEvent =
  | { kind: 'connect'; app: string; tcUrl: string }
  | { kind: 'publish'; app: string; stream: string }
  | { kind: 'play'; app: string; stream: string }
  /** The client has ended its stream (deleteStream, FCUnpublish, closeStream). */
  | { kind: 'ended' };

export interface RtmpServerOptions {
  /** Where the tags of a publishing client go. */
  sink?: TagSink;
  headBytes?: number;
  /** Chunk size announced to the client, default 65,536. */
  chunkBytes?: number;
  random(bytes: number): Uint8Array;
  write(pieces: Uint8Array[]): void;
  event(e: RtmpServerEvent): void;
}

export class RtmpServerSession {
  constructor(_options: RtmpServerOptions) {}
  receive(_bytes: Uint8Array, _start = 0, _end = _bytes.length): void {}
  /** Accepts the connect, publish or play that the last event asked for. */
  accept(): void {}
  refuse(_code: string, _description: string): void {}
  sendTag(_type: TagType, _timestampMs: number, ..._bodyPieces: Uint8Array[]): void {}
  /** Tells a playing client that the publisher has gone (UnpublishNotify, StreamEOF). */
  unpublished(): void {}
}
