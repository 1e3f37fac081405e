import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endProcess } from '../../tests/kit/end-process.ts';
import { freePort } from '../../tests/kit/free-port.ts';
import { type NginxRtmp, startNginxRtmp } from '../../tests/kit/nginx-rtmp.ts';
import { requireTool } from '../../tests/kit/tools.ts';
import { type MediaTag, TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink } from '../media.ts';
import { ChunkReader } from './chunk-reader.ts';
import { type RtmpClientEvent, RtmpClientSession } from './client-session.ts';
import { parseRtmpUrl } from './url.ts';

/** The tags that ffmpeg published in a recording: metadata, configuration, 3 s of H.264 and AAC. */
function recordedTags(): MediaTag[] {
  const tags: MediaTag[] = [];
  const file = path.join(import.meta.dirname, 'fixtures', 'publish-nginx.client.bin');
  new ChunkReader({ sink: collect(tags), message() {} }).push(readFileSync(file), 1 + 2 * 1536);
  return tags;
}

function collect(tags: MediaTag[]): TagSink {
  return {
    head: (type, timestampMs, _, bytes, start, end) =>
      tags.push({ type, timestampMs, body: new Uint8Array(bytes.subarray(start, end)) }),
    end() {},
  };
}

const sockets: Socket[] = [];

/** A session of ours on a socket, and a way to wait for its events. */
function open(url: string, mode: 'play' | 'publish', sink?: TagSink) {
  const target = parseRtmpUrl(url);
  const socket = connect(target.port, target.host).setNoDelay();
  sockets.push(socket);
  socket.on('error', () => {}); // a wait in progress is told; a server that ends first is none of the test's business
  const events: RtmpClientEvent[] = [];
  const session = new RtmpClientSession({
    url: target,
    mode,
    ...(sink ? { sink } : {}),
    random: (bytes) => randomBytes(bytes),
    write(pieces) {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    },
    event(event) {
      events.push(event);
      socket.emit('event');
    },
  });
  socket.on('connect', () => session.start());
  socket.on('data', (bytes) => {
    session.receive(bytes);
    socket.emit('received');
  });
  const heard = async (kind: RtmpClientEvent['kind']) => {
    while (!events.some((event) => event.kind === kind)) await once(socket, 'event');
    return events.find((event) => event.kind === kind);
  };
  return { session, socket, heard };
}

/** Publishes what ffmpeg published, plays it at the same time, and returns what went in and what came out. */
async function throughServer(
  base: string,
): Promise<{ sent: MediaTag[]; received: MediaTag[]; ended: Promise<unknown> }> {
  const url = `${base}/live/stream-${process.pid}`;
  const sent = recordedTags();
  const received: MediaTag[] = [];
  const publisher = open(url, 'publish');
  await publisher.heard('started');
  // Metadata and both configurations first, as a viewer may join only then.
  for (const { type, timestampMs, body } of sent.slice(0, 3))
    publisher.session.sendTag(type, timestampMs, body);
  const viewer = open(url, 'play', collect(received));
  await viewer.heard('started');
  const total = sent.filter(isMedia).length;
  for (const { type, timestampMs, body } of sent.slice(3)) {
    publisher.session.sendTag(type, timestampMs, body.subarray(0, 2), body.subarray(2));
  }
  while (received.filter(isMedia).length < total) await once(viewer.socket, 'received');
  publisher.session.close();
  publisher.socket.end();
  return { sent: sent.filter(isMedia), received: received.filter(isMedia), ended: viewer.heard('ended') };
}

const isMedia = ({ type }: MediaTag) => type !== TAG_SCRIPT;

/** Servers send the two configurations in an order of their own; each kind is in order. */
function byKind(tags: readonly MediaTag[]) {
  return {
    audio: tags.filter(({ type }) => type === TAG_AUDIO),
    video: tags.filter(({ type }) => type === TAG_VIDEO),
  };
}

afterAll(() => {
  for (const socket of sockets) socket.destroy();
});

const nginx = requireTool('nginx', 'RTMP against nginx-rtmp');

describe.skipIf(nginx === null)('against nginx-rtmp', () => {
  let server: NginxRtmp;
  beforeAll(async () => {
    server = await startNginxRtmp(nginx as string);
  });
  afterAll(() => server?.stop());

  it('publishes and plays, tag for tag, to the end', async () => {
    const { sent, received, ended } = await throughServer(`rtmp://127.0.0.1:${server.rtmpPort}`);
    expect(byKind(received)).toEqual(byKind(sent));
    expect(await ended).toMatchObject({ kind: 'ended' });
  });

  it('is refused a name that is being published', async () => {
    const url = `rtmp://127.0.0.1:${server.rtmpPort}/live/taken`;
    await open(url, 'publish').heard('started');
    expect(await open(url, 'publish').heard('refused')).toMatchObject({ code: 'NetStream.Publish.BadName' });
  });
});

describe('against node-media-server', () => {
  let server: ChildProcess;
  let port: number;
  let store: string;
  beforeAll(async () => {
    port = await freePort();
    const httpPort = await freePort();
    // Without a path of its own it keeps its records in the current folder.
    store = mkdtempSync(path.join(tmpdir(), 'streamgauge-nms-'));
    const options = `{ bind: '127.0.0.1', rtmp: { port: ${port} }, http: { port: ${httpPort} }, store: { path: '${store}' } }`;
    const program = `new (require('node-media-server'))(${options}).run()`;
    server = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
    while (server.exitCode === null) {
      const socket = connect(port, '127.0.0.1');
      const answered = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'close').then(() => false),
      ]).catch(() => false);
      socket.destroy();
      if (answered) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  afterAll(async () => {
    await endProcess(server);
    rmSync(store, { recursive: true, force: true });
  });

  it('publishes and plays, tag for tag', async () => {
    const { sent, received } = await throughServer(`rtmp://127.0.0.1:${port}`);
    expect(byKind(received)).toEqual(byKind(sent));
  });
});
