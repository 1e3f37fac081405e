import type { TagSink, TagType } from '../media.ts';
import type { RtmpUrl } from './url.ts';

export type RtmpClientEvent =
  | { kind: 'handshaken' }
  | { kind: 'connected' }
  | { kind: 'started' }
  | { kind: 'refused'; code: string; description: string }
  | { kind: 'ended'; code: string; description: string };

export interface RtmpClientOptions {
  url: RtmpUrl;
  mode: 'play' | 'publish';
  sink?: TagSink;
  headBytes?: number;
  random(bytes: number): Uint8Array;
  write(pieces: Uint8Array[]): void;
  event(e: RtmpClientEvent): void;
}

export class RtmpClientSession {
  constructor(_options: RtmpClientOptions) {}
  start(): void {
    throw new Error('not built yet');
  }
  receive(_bytes: Uint8Array, _start = 0, _end = _bytes.length): void {}
  sendTag(_type: TagType, _timestampMs: number, ..._bodyPieces: Uint8Array[]): void {}
  close(): void {}
}
