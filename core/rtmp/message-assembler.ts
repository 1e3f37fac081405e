import { ProtocolError, TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink, type TagType } from '../media.ts';
import { read24 } from './big-endian.ts';
import { AGGREGATE, DATA_AMF3, type Message } from './message.ts';

/** Commands and control; the longest real ones are below 2 KB. */
const MAX_COMMAND_BYTES = 65_536;
/** Adobe's servers and Wowza aggregate up to 64 KB. */
const MAX_AGGREGATE_BYTES = 1_048_576;
/** A key frame of 4K video at 50 Mbit/s has about 2 MB. */
const MAX_MESSAGE_BYTES = 8_388_608;
/** All that one connection may make us hold: unfinished messages, heads over a cut, tags that wait for their turn. */
const MIN_HELD_LIMIT_BYTES = 2_097_152;
/** What a waiting tag counts beside its bytes, so that empty ones are bounded too. */
const WAITING_TAG_COST_BYTES = 64;
/** A used buffer up to this size is kept for the next message. */
const MAX_SPARE_BYTES = 65_536;
const MIN_BUFFER_BYTES = 128;

const NONE = new Uint8Array(0);

export interface AssemblerOptions {
  readonly sink: TagSink;
  message(message: Message): void;
  /** How much of a tag's body the sink sees; default: all of it. */
  readonly headBytes?: number;
  /** Longest audio, video or data message, default 8 MiB. */
  readonly maxMessageBytes?: number;
}

/** A message on its way: what its header says, and how far it has come. */
export interface IncomingMessage {
  type: number;
  streamId: number;
  timestampMs: number;
  messageBytes: number;
  receivedBytes: number;
  /** Between its first header and its last byte. */
  arriving: boolean;
  /** How many bytes must be together before they are handed on: the head of a tag, all of any other message. */
  headBytes: number;
  /** The first `min(receivedBytes, headBytes)` bytes, if they did not come in one piece. */
  kept: Uint8Array | null;
}

/** A tag that was complete before it was its turn. */
interface WaitingTag {
  readonly type: TagType;
  readonly timestampMs: number;
  readonly bodyBytes: number;
  readonly head: Uint8Array;
}

/**
 * Makes tags and messages of chunk payloads.
 *
 * A head that lies in one piece goes to the sink in place; only one that is cut (by a chunk header or by the end of
 * what was received) is gathered in a small buffer. The rest of a tag is counted, never touched.
 *
 * RTMP lets messages of several chunk streams arrive interleaved, a TagSink takes one tag at a time. So the tag whose
 * head was first stays open until it ends, and others wait for it.
 */
export class MessageAssembler {
  readonly #sink: TagSink;
  readonly #message: (message: Message) => void;
  readonly #headBytes: number;
  readonly #maxMessageBytes: number;
  readonly #maxHeldBytes: number;
  #heldBytes = 0;
  #spare: Uint8Array | null = null;
  /** The message whose head the sink has had, and not yet its end. */
  #open: IncomingMessage | null = null;
  readonly #waitingTags: WaitingTag[] = [];
  /** Messages whose head is complete, but it is another's turn; in order. */
  readonly #waitingHeads: IncomingMessage[] = [];

  constructor(options: AssemblerOptions) {
    this.#sink = options.sink;
    this.#message = options.message;
    this.#headBytes = options.headBytes ?? Number.POSITIVE_INFINITY;
    this.#maxMessageBytes = options.maxMessageBytes ?? MAX_MESSAGE_BYTES;
    this.#maxHeldBytes = Math.max(MIN_HELD_LIMIT_BYTES, 2 * Math.min(this.#headBytes, this.#maxMessageBytes));
  }

  /**
   * Begins the message that the header of `incoming` announces.
   *
   * @throws ProtocolError `RTMP_MESSAGE_TOO_LARGE`
   */
  begin(incoming: IncomingMessage): void {
    const { type, messageBytes } = incoming;
    const tag = tagType(type) !== null;
    const limit = tag ? this.#maxMessageBytes : type === AGGREGATE ? MAX_AGGREGATE_BYTES : MAX_COMMAND_BYTES;
    if (messageBytes > limit) {
      throw new ProtocolError(
        'RTMP_MESSAGE_TOO_LARGE',
        `a message of type ${type} has ${messageBytes} bytes, at most ${limit} are taken`,
      );
    }
    incoming.arriving = true;
    incoming.receivedBytes = 0;
    incoming.headBytes = tag ? Math.min(messageBytes, this.#headBytes + prefixBytes(type)) : messageBytes;
    if (incoming.headBytes === 0) this.#headComplete(incoming, NONE, 0);
    if (messageBytes === 0) this.#complete(incoming);
  }

  /**
   * Takes the next bytes of `incoming`, `bytes[start, end)`.
   *
   * @throws ProtocolError `RTMP_TOO_MUCH_HELD`, `RTMP_AGGREGATE`, and what the message callback throws
   */
  payload(incoming: IncomingMessage, bytes: Uint8Array, start: number, end: number): void {
    const before = incoming.receivedBytes;
    incoming.receivedBytes = before + end - start;
    if (before < incoming.headBytes) {
      const missing = incoming.headBytes - before;
      const taken = Math.min(missing, end - start);
      if (before === 0 && taken === missing) this.#headComplete(incoming, bytes, start);
      else {
        this.#keep(incoming, before, bytes, start, start + taken);
        if (taken === missing) this.#headComplete(incoming, incoming.kept as Uint8Array, 0);
      }
    }
    if (incoming.receivedBytes === incoming.messageBytes) this.#complete(incoming);
  }

  /** Forgets an unfinished message: Abort, section 5.4.2. */
  abort(incoming: IncomingMessage): void {
    incoming.arriving = false;
    const waiting = this.#waitingHeads.indexOf(incoming);
    if (waiting >= 0) this.#waitingHeads.splice(waiting, 1);
    this.#release(incoming);
    // The sink was promised an end for this head; there is no other way to tell it.
    if (this.#open === incoming) this.#close();
  }

  /** The first `headBytes` of the message lie at `bytes[start]`. */
  #headComplete(incoming: IncomingMessage, bytes: Uint8Array, start: number): void {
    if (tagType(incoming.type) === null) {
      // The whole message. It has ended before anybody hears of it: an Abort is a message too.
      incoming.arriving = false;
      this.#whole(incoming, bytes, start);
      this.#release(incoming);
    } else if (this.#open === null) {
      this.#openTag(incoming, bytes, start);
    } else {
      if (incoming.kept === null) this.#keep(incoming, 0, bytes, start, start + incoming.headBytes);
      this.#waitingHeads.push(incoming);
    }
  }

  #openTag(incoming: IncomingMessage, bytes: Uint8Array, start: number): void {
    this.#open = incoming;
    const prefix = Math.min(prefixBytes(incoming.type), incoming.messageBytes);
    this.#sink.head(
      tagType(incoming.type) as TagType,
      incoming.timestampMs,
      incoming.messageBytes - prefix,
      bytes,
      start + prefix,
      start + incoming.headBytes,
    );
    this.#release(incoming);
  }

  /** The last byte of the message has come. */
  #complete(incoming: IncomingMessage): void {
    incoming.arriving = false;
    if (this.#open === incoming) this.#close();
    else if (tagType(incoming.type) !== null) {
      this.#waitingHeads.splice(this.#waitingHeads.indexOf(incoming), 1);
      const prefix = Math.min(prefixBytes(incoming.type), incoming.messageBytes);
      const head = (incoming.kept ?? NONE).subarray(prefix, incoming.headBytes);
      incoming.kept = null; // stays held, by the tag
      this.#wait(
        tagType(incoming.type) as TagType,
        incoming.timestampMs,
        incoming.messageBytes - prefix,
        head,
      );
    }
  }

  /** Ends the open tag, and hands on what waited for that. */
  #close(): void {
    this.#open = null;
    this.#sink.end();
    // Nearly always nothing waits, and asking is much cheaper than emptying what is empty.
    if (this.#waitingTags.length > 0) this.#handOnWaiting();
    if (this.#waitingHeads.length === 0) return;
    const next = this.#waitingHeads.shift() as IncomingMessage;
    this.#openTag(next, next.kept ?? NONE, 0);
  }

  #handOnWaiting(): void {
    for (const tag of this.#waitingTags) {
      this.#heldBytes -= WAITING_TAG_COST_BYTES + tag.head.buffer.byteLength;
      this.#sink.head(tag.type, tag.timestampMs, tag.bodyBytes, tag.head, 0, tag.head.length);
      this.#sink.end();
    }
    this.#waitingTags.length = 0;
  }

  #wait(type: TagType, timestampMs: number, bodyBytes: number, head: Uint8Array): void {
    this.#hold(WAITING_TAG_COST_BYTES);
    this.#waitingTags.push({ type, timestampMs, bodyBytes, head });
  }

  /** A message that is not a tag. */
  #whole(incoming: IncomingMessage, bytes: Uint8Array, start: number): void {
    const { type, streamId, timestampMs } = incoming;
    const body = bytes.subarray(start, start + incoming.messageBytes);
    if (type === AGGREGATE) this.#unpack(timestampMs, body);
    else this.#message({ type, streamId, timestampMs, body });
  }

  /** Aggregate: section 7.1.6. FLV tags with their back pointers; the first one's time is the message's. */
  #unpack(timestampMs: number, body: Uint8Array): void {
    let at = 0;
    let offsetMs: number | null = null;
    while (at < body.length) {
      const bodyAt = at + 11;
      const bodyBytes = bodyAt <= body.length ? read24(body, at + 1) : 0;
      if (bodyAt + bodyBytes > body.length) {
        throw new ProtocolError(
          'RTMP_AGGREGATE',
          `a tag at byte ${at} of an aggregate of ${body.length} is cut short`,
        );
      }
      const tagMs = (((body[at + 7] as number) << 24) | read24(body, at + 4)) >>> 0;
      offsetMs ??= timestampMs - tagMs;
      const type = tagType(body[at] as number);
      if (type !== null) {
        const head = body.subarray(bodyAt, bodyAt + Math.min(bodyBytes, this.#headBytes));
        this.#wholeTag(type, (tagMs + offsetMs) >>> 0, bodyBytes, head);
      }
      at = bodyAt + bodyBytes + 4;
    }
  }

  #wholeTag(type: TagType, timestampMs: number, bodyBytes: number, head: Uint8Array): void {
    if (this.#open === null) {
      this.#sink.head(type, timestampMs, bodyBytes, head, 0, head.length);
      this.#sink.end();
    } else {
      this.#hold(head.length);
      // Not slice(): what was pushed may be a Node Buffer, whose slice() is a view.
      this.#wait(type, timestampMs, bodyBytes, new Uint8Array(head));
    }
  }

  /** Copies `bytes[start, end)` to where the message's first `before` bytes are kept. */
  #keep(incoming: IncomingMessage, before: number, bytes: Uint8Array, start: number, end: number): void {
    const needed = before + end - start;
    let kept = incoming.kept;
    if (kept === null || kept.length < needed) {
      // Grows with what has come, not with what the header promises.
      const larger = this.#take(Math.min(incoming.headBytes, Math.max(needed, 2 * before, MIN_BUFFER_BYTES)));
      if (kept !== null) {
        larger.set(kept.subarray(0, before));
        this.#release(incoming);
      }
      incoming.kept = kept = larger;
    }
    kept.set(bytes.subarray(start, end), before);
  }

  /** A buffer of at least `size` bytes, counted as held. */
  #take(size: number): Uint8Array {
    const spare = this.#spare;
    if (spare !== null && spare.length >= size) {
      this.#hold(spare.length);
      this.#spare = null;
      return spare;
    }
    this.#hold(size);
    return new Uint8Array(size);
  }

  #release(incoming: IncomingMessage): void {
    const kept = incoming.kept;
    if (kept === null) return;
    incoming.kept = null;
    this.#heldBytes -= kept.length;
    if (kept.length <= MAX_SPARE_BYTES && kept.length > (this.#spare?.length ?? 0)) this.#spare = kept;
  }

  #hold(bytes: number): void {
    this.#heldBytes += bytes;
    if (this.#heldBytes > this.#maxHeldBytes) {
      throw new ProtocolError(
        'RTMP_TOO_MUCH_HELD',
        `unfinished and interleaved messages need more than ${this.#maxHeldBytes} bytes`,
      );
    }
  }
}

/** What a message is as a tag, or null. AMF3 data is AMF0 data behind one more byte. */
function tagType(type: number): TagType | null {
  if (type === TAG_AUDIO || type === TAG_VIDEO || type === TAG_SCRIPT) return type;
  return type === DATA_AMF3 ? TAG_SCRIPT : null;
}

function prefixBytes(type: number): number {
  return type === DATA_AMF3 ? 1 : 0;
}
