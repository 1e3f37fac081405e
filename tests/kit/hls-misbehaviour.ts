import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';

export type ResourceKind = 'multivariant' | 'playlist' | 'segment' | 'part' | 'init' | 'key';

/** What the origin does wrong. All may be changed while it runs. */
export interface Misbehaviour {
  /** 404 for segments with these sequence numbers, though the playlist has them. */
  missingSegments?: readonly number[];
  /** This status, and nothing else, for so many requests for that kind from now on. */
  refuse?: { kind: ResourceKind; status: number; times: number };
  /** Waits so long before it answers. */
  slowMs?: Partial<Record<ResourceKind, number>>;
  /** Sends bodies of that kind at no more than so many bytes a second (slow loris). */
  trickle?: { kind: ResourceKind; bytesPerSecond: number };
  /** Playlists stay as they are, while segments go on. */
  frozen?: boolean;
  /** Added to EXT-X-MEDIA-SEQUENCE: below zero, the numbers go back. */
  sequenceShift?: number;
  /** A body without end (`playlist`: of segments), a compressed body of a gigabyte, a line of 16 MiB, a redirect to itself or to a file. */
  hostile?: { kind: ResourceKind; by: Hostility };
  /** Bytes of the key, instead of 16. */
  keyBytes?: number;
  /** Cuts the connection in the middle of bodies of that kind, so many times from now on. */
  cutMidway?: { kind: ResourceKind; times: number };
  /** Closes each connection after so many answers, without saying so before. */
  closeAfterAnswers?: number;
}

export type Hostility = 'endless' | 'gzip-bomb' | 'huge-line' | 'redirect-loop' | 'redirect-to-file';

const HUGE_LINE_BYTES = 16 * 1024 * 1024;
const BOMB_BYTES = 1024 * 1024 * 1024;
const HEAD = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n';

/** Answers in a bad way, if that is what is wanted for this kind. False: nothing was sent, answer as usual. */
export async function misbehave(
  behaviour: Misbehaviour,
  kind: ResourceKind,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  const waitMs = behaviour.slowMs?.[kind] ?? 0;
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  const { refuse, hostile } = behaviour;
  if (refuse?.kind === kind && refuse.times > 0) {
    refuse.times--;
    response.writeHead(refuse.status, { 'content-length': 0 }).end();
    return true;
  }
  if (hostile?.kind !== kind) return false;
  await HOSTILITIES[hostile.by](request, response);
  return true;
}

const HOSTILITIES: Readonly<
  Record<Hostility, (request: IncomingMessage, response: ServerResponse) => Promise<void>>
> = {
  endless: (_, response) => sendEndless(response, 200, {}, endlessSegments()),
  'gzip-bomb': async (_, response) => {
    const bomb = Readable.from(bombText()).pipe(createGzip());
    await sendEndless(response, 200, { 'content-encoding': 'gzip' }, bomb);
    bomb.destroy();
  },
  'huge-line': async (_, response) => {
    response.end(`${HEAD}#${'x'.repeat(HUGE_LINE_BYTES)}\n`);
  },
  'redirect-loop': async ({ url }, response) => {
    response.writeHead(302, { location: url ?? '/', 'content-length': 0 }).end();
  },
  'redirect-to-file': async (_, response) => {
    response.writeHead(302, { location: 'file:///etc/hostname', 'content-length': 0 }).end();
  },
};

/** Until the peer has had enough; its back-pressure is heeded, so that the origin keeps nothing. */
async function sendEndless(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  pieces: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
): Promise<void> {
  response.writeHead(status, headers);
  for await (const piece of pieces) {
    if (response.destroyed) return;
    if (!response.write(piece)) await drainOrClose(response);
  }
  response.end();
}

function drainOrClose(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}

function* endlessSegments(): Generator<string> {
  yield HEAD;
  for (let sequence = 0; ; sequence += 100) {
    yield Array.from({ length: 100 }, (_, i) => `#EXTINF:1.000,\nseg-${sequence + i}.ts\n`).join('');
  }
}

function* bombText(): Generator<string> {
  yield HEAD;
  const piece = '#\n'.repeat(512 * 1024);
  for (let bytes = 0; bytes < BOMB_BYTES; bytes += piece.length) yield piece;
}

/** Sends a body at that pace, so many pieces a second. */
export async function sendSlowly(
  response: ServerResponse,
  body: Uint8Array,
  bytesPerSecond: number,
): Promise<void> {
  const pieceBytes = Math.max(1, Math.ceil(bytesPerSecond / 10));
  for (let at = 0; at < body.length && !response.destroyed; at += pieceBytes) {
    response.write(body.subarray(at, at + pieceBytes));
    await new Promise((resolve) => setTimeout(resolve, (1000 * pieceBytes) / bytesPerSecond));
  }
  response.end();
}
