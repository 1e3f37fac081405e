import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAmf0, writeAmf0 } from '../amf0/amf0.ts';
import {
  type MediaTag,
  ProtocolError,
  TAG_AUDIO,
  TAG_SCRIPT,
  TAG_VIDEO,
  type TagSink,
  type TagType,
} from '../media.ts';
import { ChunkReader } from './chunk-reader.ts';
import { ChunkWriter } from './chunk-writer.ts';
import { type RtmpClientEvent, RtmpClientSession } from './client-session.ts';
import { type RtmpServerEvent, RtmpServerSession } from './server-session.ts';
import { parseRtmpUrl } from './url.ts';

const random = (bytes: number) => new Uint8Array(bytes).fill(7);
const url = parseRtmpUrl('rtmp://host:1936/live/stream?sign=a/b');

function collect(tags: MediaTag[]): TagSink {
  return {
    head: (type, timestampMs, _, bytes, start, end) =>
      tags.push({ type, timestampMs, body: bytes.slice(start, end) }),
    end() {},
  };
}

interface Pair {
  readonly client: RtmpClientSession;
  readonly server: RtmpServerSession;
  readonly clientEvents: RtmpClientEvent[];
  readonly serverEvents: RtmpServerEvent[];
  readonly clientTags: MediaTag[];
  readonly serverTags: MediaTag[];
  /** Carries bytes both ways, `pieceBytes` at a time, until nothing is under way. */
  carry(): void;
}

/** Client and server joined in memory. `answer` says what the server makes of a request; default: accept. */
function join(
  mode: 'play' | 'publish',
  options: {
    answer?(server: RtmpServerSession, event: RtmpServerEvent): void;
    pieceBytes?: number;
    chunkBytes?: number;
  } = {},
): Pair {
  const pieceBytes = options.pieceBytes ?? 1_000_000;
  const [up, down]: [number[], number[]] = [[], []];
  const sendTo = (queue: number[]) => (pieces: Uint8Array[]) => {
    for (const piece of pieces) for (const byte of piece) queue.push(byte);
  };
  const clientEvents: RtmpClientEvent[] = [];
  const serverEvents: RtmpServerEvent[] = [];
  const clientTags: MediaTag[] = [];
  const serverTags: MediaTag[] = [];
  const client = new RtmpClientSession({
    url,
    mode,
    sink: collect(clientTags),
    random,
    write: sendTo(up),
    event: (event) => clientEvents.push(event),
  });
  const server: RtmpServerSession = new RtmpServerSession({
    sink: collect(serverTags),
    chunkBytes: options.chunkBytes ?? 128,
    random,
    write: sendTo(down),
    event(event) {
      serverEvents.push(event);
      if (options.answer) options.answer(server, event);
      else if (event.kind !== 'ended') server.accept();
    },
  });
  const carry = () => {
    while (up.length + down.length > 0) {
      server.receive(Uint8Array.from(up.splice(0, pieceBytes)));
      client.receive(Uint8Array.from(down.splice(0, pieceBytes)));
    }
  };
  client.start();
  carry();
  return { client, server, clientEvents, serverEvents, clientTags, serverTags, carry };
}

const kinds = (events: readonly { kind: string }[]) => events.map(({ kind }) => kind);

describe('client and server session', () => {
  it('publish: from the handshake to the farewell', () => {
    const { client, clientEvents, serverEvents, serverTags, carry } = join('publish');
    expect(kinds(clientEvents)).toEqual(['handshaken', 'connected', 'started']);
    expect(serverEvents).toEqual([
      { kind: 'connect', app: 'live', tcUrl: 'rtmp://host:1936/live' },
      { kind: 'publish', app: 'live', stream: 'stream?sign=a/b' },
    ]);
    client.sendTag(TAG_VIDEO, 40, Uint8Array.of(1), Uint8Array.of(2, 3));
    carry();
    expect(serverTags).toEqual([{ type: TAG_VIDEO, timestampMs: 40, body: Uint8Array.of(1, 2, 3) }]);
    client.close();
    carry();
    expect(kinds(serverEvents)).toEqual(['connect', 'publish', 'ended']);
    expect(kinds(clientEvents)).toEqual(['handshaken', 'connected', 'started']);
  });

  it('play: from the handshake to the end of the stream', () => {
    const { server, clientEvents, serverEvents, clientTags, carry } = join('play');
    expect(kinds(clientEvents)).toEqual(['handshaken', 'connected', 'started']);
    expect(serverEvents[1]).toEqual({ kind: 'play', app: 'live', stream: 'stream?sign=a/b' });
    server.sendTag(TAG_AUDIO, 23, Uint8Array.of(0xaf, 1));
    carry();
    expect(clientTags).toEqual([{ type: TAG_AUDIO, timestampMs: 23, body: Uint8Array.of(0xaf, 1) }]);
    server.unpublished();
    server.sendTag(TAG_AUDIO, 46, Uint8Array.of(0xaf, 1));
    carry();
    expect(clientEvents.slice(3)).toEqual([
      { kind: 'ended', code: 'NetStream.Play.UnpublishNotify', description: 'the publisher has gone' },
    ]);
    expect(clientTags).toHaveLength(1);
  });

  it('a viewer that leaves says so', () => {
    const { client, serverEvents, carry } = join('play');
    client.close();
    carry();
    expect(kinds(serverEvents)).toEqual(['connect', 'play', 'ended']);
  });

  it('wraps metadata for the server and unwraps it for the viewer', () => {
    const metadata = writeAmf0('onMetaData', { width: 160 });
    const publishing = join('publish');
    publishing.client.sendTag(TAG_SCRIPT, 0, metadata);
    publishing.client.sendTag(TAG_SCRIPT, 0, writeAmf0('onTextData', {}));
    publishing.carry();
    expect(publishing.serverTags.map(({ body }) => readAmf0(body))).toEqual([
      ['@setDataFrame', 'onMetaData', { width: 160 }],
      ['onTextData', {}],
    ]);
    const playing = join('play');
    playing.server.sendTag(TAG_SCRIPT, 0, publishing.serverTags[0]?.body as Uint8Array);
    playing.server.sendTag(TAG_SCRIPT, 0, writeAmf0('@setDataFrame'), metadata);
    playing.carry();
    expect(playing.clientTags.map(({ body }) => body)).toEqual([metadata, metadata]);
  });

  it.each([
    ['connect', 'NetConnection.Connect.Rejected', ['handshaken', 'refused']],
    ['publish', 'NetStream.Publish.BadName', ['handshaken', 'connected', 'refused']],
    ['play', 'NetStream.Play.StreamNotFound', ['handshaken', 'connected', 'refused']],
  ])('a refused %s is told with the code of the server', (refused, code, expected) => {
    const { client, clientEvents, serverEvents, carry } = join(refused === 'play' ? 'play' : 'publish', {
      answer(server, event) {
        if (event.kind === refused) server.refuse(code, 'not today');
        else if (event.kind !== 'ended') server.accept();
      },
    });
    expect(kinds(clientEvents)).toEqual(expected);
    expect(clientEvents.at(-1)).toEqual({ kind: 'refused', code, description: 'not today' });
    client.close();
    client.sendTag(TAG_AUDIO, 0, Uint8Array.of(1)); // dropped without a word
    carry();
    expect(kinds(serverEvents)).not.toContain('ended');
  });

  it('a failure after the start is an end, not a refusal', () => {
    const { clientEvents, client, server } = join('publish', {
      answer(server, event) {
        if (event.kind !== 'ended') server.accept();
      },
    });
    const writer = new ChunkWriter();
    writer.chunkBytes = 128;
    const info = { level: 'error', code: 'NetStream.Publish.Failed', description: 'disk full' };
    const header = { type: 20, streamId: 1, chunkStreamId: 3, timestampMs: 0 };
    for (const piece of writer.message(header, writeAmf0('onStatus', 0, null, info))) client.receive(piece);
    expect(clientEvents.at(-1)).toEqual({ kind: 'ended', code: info.code, description: info.description });
    expect(server).toBeDefined();
  });

  it('does nothing that was not asked: tags before the start, answers to no request, a second start', () => {
    const session = new RtmpClientSession({ url, mode: 'publish', random, write() {}, event() {} });
    expect(() => session.sendTag(TAG_AUDIO, 0, Uint8Array.of(1))).toThrow('once publishing has started');
    session.start();
    expect(() => session.start()).toThrow('starts once');
    const server = new RtmpServerSession({ random, write() {}, event() {} });
    expect(() => server.accept()).toThrow('no request');
    expect(() => join('publish').server.accept()).toThrow('no request');
    expect(() => join('play').client.sendTag(TAG_AUDIO, 0)).toThrow('once publishing has started');
  });

  it.each(['handshaken', 'connected', 'started'] as const)(
    'can be closed from within the event "%s"',
    (kind) => {
      const events: string[] = [];
      const written: Uint8Array[] = [];
      const client: RtmpClientSession = new RtmpClientSession({
        url,
        mode: 'play',
        random,
        write: (pieces) => written.push(...pieces),
        event(event) {
          events.push(event.kind);
          if (event.kind === kind) client.close();
        },
      });
      const server: RtmpServerSession = new RtmpServerSession({
        random,
        write: (pieces) => {
          for (const piece of pieces) client.receive(piece);
        },
        event: (event) => event.kind === 'ended' || server.accept(),
      });
      client.start();
      for (let piece = written.shift(); piece !== undefined; piece = written.shift()) server.receive(piece);
      expect(events.at(-1)).toBe(kind);
    },
  );

  it('carries any tags through any chunk size in any pieces, both ways', () => {
    const tag = fc.record({
      type: fc.constantFrom<TagType>(TAG_AUDIO, TAG_VIDEO, TAG_SCRIPT),
      timestampMs: fc.oneof(fc.nat(1000), fc.integer({ min: 0xfffff0, max: 0x1000100 }), fc.nat(0xffffffff)),
      body: fc.uint8Array({ minLength: 1, maxLength: 400 }),
      split: fc.nat(400),
    });
    const scenario = fc.record({
      tags: fc.array(tag, { maxLength: 10 }),
      pieceBytes: fc.constantFrom(1, 7, 1000, 100_000),
      chunkBytes: fc.constantFrom(1, 128, 4096),
    });
    fc.assert(
      fc.property(scenario, ({ tags, pieceBytes, chunkBytes }) => {
        const publishing = join('publish', { pieceBytes, chunkBytes });
        const playing = join('play', { pieceBytes, chunkBytes });
        for (const { type, timestampMs, body, split } of tags) {
          const pieces = [body.subarray(0, split), body.subarray(split)];
          publishing.client.sendTag(type, timestampMs, ...pieces);
          playing.server.sendTag(type, timestampMs, ...pieces);
        }
        publishing.carry();
        playing.carry();
        const expected = tags.map(({ type, timestampMs, body }) => ({ type, timestampMs, body }));
        expect(publishing.serverTags).toEqual(expected);
        expect(playing.clientTags).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });
});

/** A client against a server of which each message is given by hand, and which writes down what it gets. */
function scripted(mode: 'play' | 'publish', options: { headBytes?: number; sink?: TagSink } = {}) {
  const events: RtmpClientEvent[] = [];
  const heard: string[] = [];
  let handshakeLeft = 1 + 2 * 1536;
  const reader = new ChunkReader({
    sink: { head() {}, end() {} },
    message({ type, streamId, body }) {
      heard.push(
        `${type}@${streamId} ${type === 20 ? JSON.stringify(readAmf0(body)) : Buffer.from(body).toString('hex')}`,
      );
    },
  });
  const session = new RtmpClientSession({
    url,
    mode,
    random,
    event: (event) => events.push(event),
    write(pieces) {
      for (const piece of pieces) {
        const skipped = Math.min(handshakeLeft, piece.length);
        handshakeLeft -= skipped;
        reader.push(piece, skipped);
      }
    },
    ...options,
  });
  const writer = new ChunkWriter();
  const send = (type: number, body: Uint8Array, streamId = 0) => {
    for (const piece of writer.message({ type, streamId, chunkStreamId: 3, timestampMs: 0 }, body))
      session.receive(piece);
  };
  const command = (...values: Parameters<typeof writeAmf0>) => send(20, writeAmf0(...values), 1);
  session.start();
  session.receive(new Uint8Array(1 + 2 * 1536).fill(3));
  return { session, events, heard, send, command };
}

const success = [{}, { level: 'status', code: 'NetConnection.Connect.Success' }] as const;

describe('RtmpClientSession', () => {
  it('asks for what a publisher asks', () => {
    const { heard, command } = scripted('publish');
    command('_result', 1, ...success);
    command('_result', 4, null, 9);
    const fourCcList = ['av01', 'vp09', 'vp08', 'hvc1', 'avc1', 'Opus', 'fLaC', 'ac-3', 'mp4a', '.mp3'];
    const connect = { app: 'live', tcUrl: 'rtmp://host:1936/live', objectEncoding: 0, fourCcList };
    expect(heard).toEqual([
      `20@0 ${JSON.stringify(['connect', 1, { ...connect, type: 'nonprivate', flashVer: 'FMLE/3.0 (compatible; Streamgauge)' }])}`,
      '20@0 ["releaseStream",2,null,"stream?sign=a/b"]',
      '20@0 ["FCPublish",3,null,"stream?sign=a/b"]',
      '20@0 ["createStream",4,null]',
      '20@9 ["publish",5,null,"stream?sign=a/b","live"]',
    ]);
  });

  it('asks for what a viewer asks', () => {
    const { heard, command } = scripted('play');
    command('_result', 1, ...success);
    command('_result', 2, null, 1);
    expect(heard.slice(1)).toEqual([
      '5@0 002625a0',
      '20@0 ["createStream",2,null]',
      '20@1 ["play",3,null,"stream?sign=a/b",-2000]',
      '4@0 00030000000100000bb8',
    ]);
  });

  it('acknowledges once a window is full, with all bytes since the handshake', () => {
    const { heard, send } = scripted('play');
    send(5, Uint8Array.of(0, 0, 1, 0)); // after every 256 bytes
    const before = heard.length;
    send(20, writeAmf0('onBWDone', 0, null, 'x'.repeat(100))); // 16 and 12 + 124 bytes
    expect(heard).toHaveLength(before);
    send(20, writeAmf0('onBWDone', 0, null, 'x'.repeat(100)));
    expect(heard.slice(before)).toHaveLength(1);
    const [, acknowledged = ''] = /^3@0 (.*)$/.exec(heard.at(-1) as string) ?? [];
    expect(Number.parseInt(acknowledged, 16)).toBeGreaterThanOrEqual(256);
    expect(Number.parseInt(acknowledged, 16)).toBeLessThan(300);
    send(20, writeAmf0('onBWDone', 0, null, 'x'.repeat(100)));
    expect(heard.slice(before)).toHaveLength(1);
  });

  it('answers pings with the same time, and a peer bandwidth with that window, once', () => {
    const { heard, send } = scripted('play');
    send(4, Uint8Array.of(0, 6, 1, 2, 3, 4));
    send(6, Uint8Array.of(0, 0x4c, 0x4b, 0x40, 2));
    send(6, Uint8Array.of(0, 0x4c, 0x4b, 0x40, 2));
    expect(heard.slice(1)).toEqual(['4@0 000701020304', '5@0 004c4b40']);
  });

  it('answers few of a thousand pings and bandwidths that come together, so that writing does not keep it busy', () => {
    const { heard, session } = scripted('play');
    const writer = new ChunkWriter();
    const flood: number[] = [];
    for (let i = 0; i < 1_000; i++)
      for (const [type, body] of [
        [4, [0, 6, 0, 0, i >> 8, i & 255]],
        [6, [0, 0x4c, i >> 8, i & 255, 2]],
      ] as const)
        for (const piece of writer.message(
          { type, streamId: 0, chunkStreamId: 2, timestampMs: 0 },
          Uint8Array.from(body),
        ))
          flood.push(...piece);
    const before = heard.length;
    session.receive(Uint8Array.from(flood));
    expect(heard).toHaveLength(before + 16);
    session.receive(Uint8Array.from(flood));
    expect(heard).toHaveLength(before + 32);
  });

  it('takes no notice of what it need not know', () => {
    const { events, heard, send, command } = scripted('play');
    command('onBWDone', 0, null, 8192);
    send(4, Uint8Array.of(0, 0x20, 0, 0, 0, 1)); // stream ready, Adobe's
    send(4, Uint8Array.of(0));
    send(3, Uint8Array.of(0, 0, 1, 0));
    send(16, Uint8Array.of(1, 2, 3)); // shared object
    command('_result', 77, null, 5);
    expect(kinds(events)).toEqual(['handshaken']);
    expect(heard).toHaveLength(1);
  });

  it('understands commands in AMF3 clothes', () => {
    const { events, send } = scripted('play');
    send(17, Uint8Array.of(0, ...writeAmf0('_result', 1, ...success)));
    expect(kinds(events)).toEqual(['handshaken', 'connected']);
  });

  it('has started at the first media when the server does not say so, and not at its first data', () => {
    const tags: MediaTag[] = [];
    const { events, send, command } = scripted('play', { sink: collect(tags) });
    command('_result', 1, ...success);
    command('_result', 2, null, 1);
    send(TAG_SCRIPT, writeAmf0('|RtmpSampleAccess', true, true), 1);
    expect(kinds(events)).toEqual(['handshaken', 'connected']);
    send(TAG_AUDIO, Uint8Array.of(0xaf, 0), 1);
    expect(kinds(events)).toEqual(['handshaken', 'connected', 'started']);
    command('onStatus', 0, null, { level: 'status', code: 'NetStream.Play.Start' });
    expect(kinds(events)).toEqual(['handshaken', 'connected', 'started']);
    expect(tags).toHaveLength(2);
  });

  it('does not take "not found" after releaseStream for a refusal', () => {
    const { events, command } = scripted('publish');
    command('_result', 1, ...success);
    command('_error', 2, null, { level: 'error', code: 'NetStream.Failed' });
    command('_error', 3, null, { level: 'error', code: 'NetStream.Failed' });
    command('_result', 4, null, 1);
    command('onStatus', 0, null, { level: 'status', code: 'NetStream.Publish.Start' });
    expect(kinds(events)).toEqual(['handshaken', 'connected', 'started']);
  });

  it.each<[string, Parameters<typeof writeAmf0>, string, string]>([
    [
      'an _error with its object first',
      ['_error', 1, { level: 'error', code: 'A.B', description: 'c' }],
      'A.B',
      'c',
    ],
    ['an _error without reason', ['_error', 1], 'NetConnection.Connect.Rejected', ''],
    [
      'onStatus of level error',
      ['onStatus', 0, null, { level: 'error', code: 'A.B', description: 7 }],
      'A.B',
      '',
    ],
    [
      'onStatus of level error and nothing else',
      ['onStatus', 0, null, { level: 'error' }],
      'NetStream.Failed',
      '',
    ],
    [
      'onStatus of a closed connection',
      ['onStatus', 0, null, { code: 'NetConnection.Connect.Closed' }],
      'NetConnection.Connect.Closed',
      '',
    ],
    ['close', ['close', 0, null], 'NetConnection.Connect.Closed', 'the server has closed the connection'],
  ])('is refused by %s', (_, values, code, description) => {
    const { events, command } = scripted('play');
    command(...values);
    expect(events.slice(1)).toEqual([{ kind: 'refused', code, description }]);
    command(...values);
    expect(events).toHaveLength(2);
  });

  it('is refused when createStream is', () => {
    const { events, command } = scripted('play');
    command('_result', 1, ...success);
    command('_error', 2, null, null);
    expect(events.at(-1)).toEqual({ kind: 'refused', code: 'NetConnection.Call.Failed', description: '' });
  });

  it.each(['NetStream.Play.UnpublishNotify', 'NetStream.Play.Stop', 'NetStream.Play.Complete'])(
    'ends by %s',
    (code) => {
      const { events, command } = scripted('play');
      command('_result', 1, ...success);
      command('_result', 2, null, 1);
      command('onStatus', 0, null, { level: 'status', code: 'NetStream.Play.Start' });
      command('onStatus', 0, null, { level: 'status', code, description: 'd' });
      expect(events.at(-1)).toEqual({ kind: 'ended', code, description: 'd' });
    },
  );

  it('ends by onPlayStatus, which comes as data, with a sink and without', () => {
    for (const options of [{}, { sink: collect([]), headBytes: 100 }]) {
      const { events, command, send } = scripted('play', options);
      command('_result', 1, ...success);
      command('_result', 2, null, 1);
      send(TAG_SCRIPT, writeAmf0('onPlayStatus', { level: 'status', code: 'NetStream.Play.Complete' }), 1);
      expect(events.at(-1)).toEqual({ kind: 'ended', code: 'NetStream.Play.Complete', description: '' });
    }
  });

  it('reads nothing that comes after the end, not even in the same piece', () => {
    const tags: MediaTag[] = [];
    const { session, events, command } = scripted('play', { sink: collect(tags) });
    command('_result', 1, ...success);
    command('_result', 2, null, 1);
    const [eof, audio, garbage] = [
      '04000000 0000060400000000 000100000001',
      '08000000 0000010801000000 af',
      'ff'.repeat(20),
    ];
    session.receive(Uint8Array.from(Buffer.from(`${eof}${audio}${garbage}`.replaceAll(' ', ''), 'hex')));
    session.receive(Uint8Array.from(Buffer.from(garbage, 'hex')));
    expect(events.at(-1)).toMatchObject({ kind: 'ended', code: 'StreamEOF' });
    expect(tags).toEqual([]);
  });

  it('stays closed when the handshake completes after that', () => {
    const events: RtmpClientEvent[] = [];
    const session = new RtmpClientSession({
      url,
      mode: 'play',
      random,
      write() {},
      event: (event) => events.push(event),
    });
    session.start();
    session.close();
    session.receive(new Uint8Array(1 + 2 * 1536).fill(3));
    expect(events).toEqual([]);
  });

  it('ends by StreamEOF of its own stream only', () => {
    const { events, command, send } = scripted('play');
    send(4, Uint8Array.of(0, 1, 0, 0, 0, 0));
    command('_result', 1, ...success);
    command('_result', 2, null, 1);
    send(4, Uint8Array.of(0, 1, 0, 0, 0, 2));
    expect(kinds(events)).toEqual(['handshaken', 'connected']);
    send(4, Uint8Array.of(0, 1, 0, 0, 0, 1));
    expect(events.at(-1)).toEqual({ kind: 'ended', code: 'StreamEOF', description: 'the stream has ended' });
  });

  it.each<[string, Uint8Array]>([
    ['no name', writeAmf0(5, 1)],
    ['no number', writeAmf0('onStatus', 'x')],
    ['nothing', new Uint8Array(0)],
  ])('throws at a command with %s', (_, body) => {
    const { send } = scripted('play');
    expect(() => send(20, body)).toThrow(ProtocolError);
  });

  it('throws when createStream is answered without a number', () => {
    const { command } = scripted('play');
    command('_result', 1, ...success);
    expect(() => command('_result', 2, null, 'one')).toThrow('no stream number');
  });
});
