import { TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagType } from '../media.ts';

/** Message type ids: RTMP 1.0, sections 5.4, 6.2 and 7.1. Audio, video and AMF0 data are FLV's tag types. */
export const SET_CHUNK_SIZE = 1;
export const ABORT = 2;
export const ACKNOWLEDGEMENT = 3;
export const USER_CONTROL = 4;
export const WINDOW_ACKNOWLEDGEMENT_SIZE = 5;
export const SET_PEER_BANDWIDTH = 6;
export const DATA_AMF3 = 15;
export const COMMAND_AMF3 = 17;
export const COMMAND = 20;
export const AGGREGATE = 22;

/** User control events: section 7.1.7. */
export const STREAM_BEGIN = 0;
export const STREAM_EOF = 1;
export const SET_BUFFER_LENGTH = 3;
export const PING_REQUEST = 6;
export const PING_RESPONSE = 7;

/** Chunk stream ids. 2 is fixed by section 5.4; the others are the usual habit, one per kind so that deltas are small. */
export const CONTROL_CHUNK_STREAM = 2;
export const COMMAND_CHUNK_STREAM = 3;
export const MEDIA_CHUNK_STREAM: Record<TagType, number> = {
  [TAG_AUDIO]: 4,
  [TAG_SCRIPT]: 5,
  [TAG_VIDEO]: 6,
};

/** The message stream of the connection itself: section 5.4. */
export const CONTROL_STREAM = 0;

/** Chunk size until somebody says otherwise: section 5.4.1. */
export const INITIAL_CHUNK_BYTES = 128;
/** Timestamps and deltas from here on go to the extended field: section 5.3.1.3. */
export const EXTENDED_TIMESTAMP = 0xffffff;

/** What a message's header says. */
export interface MessageHeader {
  readonly type: number;
  readonly streamId: number;
  readonly timestampMs: number;
}

/** A message other than media; `body` is valid only while it is handed over. */
export interface Message extends MessageHeader {
  readonly body: Uint8Array;
}
