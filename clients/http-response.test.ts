import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../core/media.ts';
import { type HttpHead, HttpResponseReader } from './http-response.ts';

interface Outcome {
  heads: HttpHead[];
  body: string;
  complete: boolean;
  endsWithConnection: boolean;
  error: string | null;
}

/** Reads `text` (latin1) in pieces that end at `cuts`. */
function read(text: string, cuts: number[] = []): Outcome {
  const bytes = Buffer.from(text, 'latin1');
  const heads: HttpHead[] = [];
  let body = '';
  const reader = new HttpResponseReader({
    head: (head) => heads.push(head),
    body: (from, start, end) => {
      body += Buffer.from(from.subarray(start, end)).toString('latin1');
    },
  });
  let error: string | null = null;
  try {
    let at = 0;
    for (const cut of [...cuts, bytes.length]) {
      // A shared receive buffer: what was in it before must not matter.
      const shared = new Uint8Array(bytes.length + 7).fill(0x31);
      shared.set(bytes.subarray(at, cut), 3);
      reader.push(shared, 3, 3 + cut - at);
      at = cut;
    }
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown;
    error = thrown.code;
  }
  return { heads, body, complete: reader.complete, endsWithConnection: reader.endsWithConnection, error };
}

const answers: [name: string, text: string, expected: Partial<Outcome> & { status?: number }][] = [
  [
    'content until the connection closes',
    'HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\nFLV\r\n\r\n0\r\n\r\n',
    { status: 200, body: 'FLV\r\n\r\n0\r\n\r\n', complete: false, endsWithConnection: true },
  ],
  [
    'chunks, as node-media-server sends them',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nFLV\r\n1A\r\nabcdefghijklmnopqrstuvwxyz\r\n',
    { status: 200, body: 'FLVabcdefghijklmnopqrstuvwxyz', complete: false, endsWithConnection: false },
  ],
  [
    'chunks with extensions and trailers, to the end',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n3;a="b"\r\nFLV\r\n2 \r\nab\r\n0\r\nExpires: now\r\nX: y\r\n\r\nignored',
    { body: 'FLVab', complete: true },
  ],
  ['a length', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12345more', { body: '12345', complete: true }],
  [
    'another protocol after 101, whatever the header says of content',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n\x82\x01a',
    { status: 101, body: '\x82\x01a', complete: false, endsWithConnection: true },
  ],
  [
    'no content at all',
    'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n',
    { status: 404, body: '', complete: true },
  ],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, complete: true }],
  ['100 Continue first', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx', { status: 200, body: 'x' }],
  [
    'line ends without CR, and HTTP/1.0 with no reason',
    'HTTP/1.0 200\ncontent-type: a\n\nbody',
    { status: 200, body: 'body' },
  ],
  [
    'a chunked answer that also has a length (RFC 9112, 6.3)',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nFLV\r\n0\r\n\r\n',
    { body: 'FLV', complete: true },
  ],
  ['an RTMP server', '\x03\x00\x00\x00', { error: 'HTTP_STATUS_LINE' }],
  ['an SSH server', 'SSH-2.0-OpenSSH_9.2\r\n', { error: 'HTTP_STATUS_LINE' }],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n', { error: 'HTTP_STATUS_LINE' }],
  ['a status that is no number', 'HTTP/1.1 abc OK\r\n\r\n', { error: 'HTTP_STATUS_LINE' }],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n', { error: 'HTTP_HEADER' }],
  [
    'a length that is no number',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    { error: 'HTTP_CONTENT_LENGTH' },
  ],
  [
    'two lengths',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    { error: 'HTTP_CONTENT_LENGTH' },
  ],
  [
    'a coding that is not undone',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    { error: 'HTTP_TRANSFER_CODING' },
  ],
  [
    'a chunk size that is none',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n',
    { error: 'HTTP_CHUNK' },
  ],
  [
    'an empty chunk size',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n',
    { error: 'HTTP_CHUNK' },
  ],
  [
    'a chunk of 4 GiB',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000000\r\n',
    { error: 'HTTP_CHUNK' },
  ],
  [
    'a chunk that is longer than it said',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nFLVx\r\n',
    { error: 'HTTP_CHUNK' },
  ],
  [
    'a chunk extension without end',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;${'x'.repeat(5_000)}`,
    { error: 'HTTP_CHUNK' },
  ],
  [
    'a trailer line without end',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'x'.repeat(5_000)}`,
    { error: 'HTTP_CHUNK' },
  ],
];

describe('HttpResponseReader', () => {
  it.each(answers)('reads %s', (_name, text, { status, ...expected }) => {
    const whole = read(text);
    const everyByte = Array.from(text, (_, i) => i);
    expect(whole).toMatchObject({ error: null, ...expected });
    if (status !== undefined) expect(whole.heads.map((head) => head.status)).toEqual([status]);
    expect(read(text, everyByte)).toEqual(whole);
    for (const cut of text.length < 200 ? everyByte : [1, 15, 50, 100]) {
      expect(read(text, [cut])).toEqual(whole);
    }
  });

  it('gives names in lower case, values trimmed, repeated ones joined', () => {
    const { heads } = read('HTTP/1.1 200 Very Well\r\nA-B:  c  \r\nx: 1\r\nX: 2\r\nempty:\r\n\r\n');
    expect(heads[0]?.statusText).toBe('Very Well');
    expect(Object.fromEntries(heads[0]!.headers)).toEqual({ 'a-b': 'c', x: '1, 2', empty: '' });
  });

  it('bounds the header at 64 KiB, in one piece and in many', () => {
    const text = `HTTP/1.1 200 OK\r\n${`a: ${'b'.repeat(1_000)}\r\n`.repeat(70)}`;
    expect(read(text).error).toBe('HTTP_HEAD_TOO_LARGE');
    expect(
      read(
        text,
        [...Array(700).keys()].map((i) => i * 100),
      ).error,
    ).toBe('HTTP_HEAD_TOO_LARGE');
  });

  it('reads a header of just below 64 KiB that comes in pieces', () => {
    const text = `HTTP/1.1 200 OK\r\n${`a: ${'b'.repeat(1_000)}\r\n`.repeat(63)}\r\nFLV`;
    expect(read(text, [10_000, 30_000, 63_000])).toMatchObject({ body: 'FLV', error: null });
  });

  it('knows within a few bytes that something is no HTTP', () => {
    expect(read('HTT')).toMatchObject({ error: null });
    expect(read('HTX').error).toBe('HTTP_STATUS_LINE');
    expect(read('HTX', [1, 2]).error).toBe('HTTP_STATUS_LINE');
  });

  it.each<[string, string, boolean]>([
    ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx', true],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n', true],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n', true],
    ['close', 'HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 1\r\n\r\nx', false],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx', false],
    ['HTTP/1.0 and keep-alive', 'HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 1\n\nx', true],
    ['neither', 'HTTP/1.1 200 OK\r\n\r\nx', false],
  ])('knows whether the connection goes on after it: %s', (_name, text, persistent) => {
    const reader = new HttpResponseReader({ head: () => {}, body: () => {} });
    reader.push(Buffer.from(text));
    expect(reader.persistent).toBe(persistent);
  });

  it('says where the answer ended, and reads the next one then', () => {
    const statuses: number[] = [];
    const reader = new HttpResponseReader({ head: ({ status }) => statuses.push(status), body: () => {} });
    const answers = [
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
      'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
      'HTTP/1.1 204 No Content\r\n\r\n',
    ];
    const bytes = Buffer.from(answers.join(''));
    let at = 0;
    for (const answer of answers) {
      at = reader.push(bytes, at);
      expect(reader.complete).toBe(true);
      expect(bytes.subarray(0, at).toString()).toMatch(new RegExp(`${answer.slice(-4)}$`));
      reader.again();
      expect(reader.hasHead).toBe(false);
    }
    expect([at, statuses]).toEqual([bytes.length, [200, 404, 204]]);
  });

  it('throws nothing but ProtocolErrors, whatever comes', () => {
    const lines = fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'transfer-encoding: chunked\r\n',
      'content-length: 3\r\n',
      '\r\n',
      '3\r\nabc\r\n',
      '0\r\n',
      'ff',
      ';',
    );
    const pieces = fc.array(fc.oneof({ weight: 4, arbitrary: lines }, { weight: 1, arbitrary: fc.string() }));
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(200)), (parts, cuts) => {
        const text = `HTTP/1.1 200 OK\r\n${parts.join('')}`;
        const valid = cuts.filter((cut) => cut <= text.length).sort((a, b) => a - b);
        expect(read(text, valid)).toEqual(read(text));
      }),
      { numRuns: 500 },
    );
  });
});
