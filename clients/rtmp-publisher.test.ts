import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink, type TagType } from '../core/media.ts';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import type { PublisherObserver, PublisherOptions, PublisherSecond } from './publisher.ts';
import type { Failure } from './reason.ts';
import { RtmpPublisher } from './rtmp-publisher.ts';
import type { Source, SourceSink, SourceTag, TagKind } from './sources/source.ts';
import { systemClock } from './system-clock.ts';

/** A source that sends what the test tells it to. */
class HandSource implements Source {
  readonly description = 'by hand';
  readonly figures = { encodedFrames: null, skippedFrames: 0 };
  out: SourceSink | null = null;
  stopped = 0;
  start(out: SourceSink): void {
    this.out = out;
  }
  async stop(): Promise<void> {
    this.stopped += 1;
  }
  send(...tags: SourceTag[]): void {
    this.out?.tags(tags);
  }
}

function tag(kind: TagKind, timestampMs: number, ...bytes: number[]): SourceTag {
  const type: TagType = kind === 'metadata' ? TAG_SCRIPT : kind.startsWith('audio') ? TAG_AUDIO : TAG_VIDEO;
  // In two pieces, as a stamped frame comes.
  return {
    kind,
    type,
    timestampMs,
    pieces: [Uint8Array.of(...bytes.slice(0, 1)), Uint8Array.of(...bytes.slice(1))],
  };
}
const videoConfig = tag('video-config', 0, 0x17, 0, 0, 0, 0, 1);
const audioConfig = tag('audio-config', 0, 0xaf, 0, 0x12, 0x10);
const key = (timestampMs: number) => tag('key', timestampMs, 0x17, 1, 0, 0, 0, 9);
const inter = (timestampMs: number) => tag('inter', timestampMs, 0x27, 1, 0, 0, 0, 9);

interface Received {
  readonly type: TagType;
  readonly timestampMs: number;
  readonly body: number[];
}

/** What the server does with each connection in turn; the last one stands for all that follow. */
type Behaviour = 'accept' | 'refuse-name' | 'refuse-sign' | 'silence' | 'garbage' | 'never-read';

class PublishServer {
  readonly received: Received[][] = [];
  readonly sockets: Socket[] = [];
  readonly #server: net.Server;
  published = 0;

  constructor(...behaviours: Behaviour[]) {
    this.#server = net.createServer((socket) => {
      const behaviour = behaviours[Math.min(this.sockets.length, behaviours.length - 1)];
      this.sockets.push(socket);
      socket.on('error', () => {});
      const tags: Received[] = [];
      this.received.push(tags);
      if (behaviour === 'silence') return;
      if (behaviour === 'garbage') {
        socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'.padEnd(4_000, '!'));
        return;
      }
      const session: RtmpServerSession = new RtmpServerSession({
        sink: collect(tags),
        random: (bytes) => new Uint8Array(bytes),
        write: (pieces) => {
          for (const piece of pieces) socket.write(Buffer.from(piece));
        },
        event: (event) => {
          if (event.kind === 'publish' && behaviour === 'refuse-name') {
            session.refuse('NetStream.Publish.BadName', 'Stream already publishing');
          } else if (event.kind === 'publish' && behaviour === 'refuse-sign') {
            session.refuse('NetStream.Publish.Unauthorized', 'Authorization required.');
          } else if (event.kind !== 'ended') {
            session.accept();
            if (event.kind === 'publish') {
              this.published += 1;
              if (behaviour === 'never-read') socket.pause();
            }
          }
        },
      });
      socket.on('data', (bytes) => session.receive(bytes));
    });
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `rtmp://127.0.0.1:${(this.#server.address() as AddressInfo).port}/live/a?sign=secret`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function collect(tags: Received[]): TagSink {
  let next: Received | null = null;
  return {
    head: (type, timestampMs, _bodyBytes, bytes, start, end) => {
      next = { type, timestampMs, body: [...bytes.subarray(start, end)] };
    },
    end: () => {
      if (next) tags.push(next);
    },
  };
}

/** Everything that a publisher said, and a way to wait for it. */
function listen() {
  const said: string[] = [];
  const failures: Failure[] = [];
  const seconds: PublisherSecond[] = [];
  const waiting = new Map<string, () => void>();
  const say = (word: string): void => {
    said.push(word);
    waiting.get(word)?.();
  };
  const observer: PublisherObserver = {
    connected: () => say('connected'),
    retrying: (failure) => {
      failures.push(failure);
      say('retrying');
    },
    reconnected: () => say('reconnected'),
    second: (second) => seconds.push({ ...second }),
    ended: (failure) => {
      if (failure) failures.push(failure);
      say('ended');
    },
  };
  const until = (word: string): Promise<void> =>
    said.includes(word) ? Promise.resolve() : new Promise((resolve) => waiting.set(word, resolve));
  return { observer, said, failures, seconds, until };
}

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop();
});

async function publishTo(behaviours: Behaviour[], options: Partial<PublisherOptions> = {}) {
  const server = new PublishServer(...behaviours);
  const url = await server.listen();
  const source = new HandSource();
  const heard = listen();
  const publisher = new RtmpPublisher({
    url,
    source,
    clock: systemClock,
    observer: heard.observer,
    random: () => 0.5,
    ...options,
  });
  cleanUp.push(
    () => server.close(),
    () => publisher.stop(),
  );
  publisher.start();
  return { server, source, publisher, url, ...heard };
}

const quick = {
  maxAttempts: 2,
  maxElapsedMs: 5_000,
  firstDelayMs: 5,
  maxDelayMs: 10,
  jitter: 0,
  beforeFirstFrame: true,
};
const received = async (tags: () => Received[] | undefined, count: number): Promise<Received[]> => {
  await expect.poll(() => tags()?.length ?? 0, { timeout: 5_000 }).toBeGreaterThanOrEqual(count);
  return tags()!;
};

describe('the RTMP publisher', () => {
  it('begins with headers and a key frame, and sends bodies whole', async () => {
    const { source, server, until } = await publishTo(['accept']);
    source.send(videoConfig, audioConfig, inter(0));
    await until('connected');
    source.send(inter(40), tag('audio', 50, 0xaf, 1, 7));
    source.send(key(80), tag('audio', 90, 0xaf, 1, 8), inter(120));
    expect(await received(() => server.received[0], 5)).toEqual([
      { type: TAG_VIDEO, timestampMs: 80, body: [0x17, 0, 0, 0, 0, 1] },
      { type: TAG_AUDIO, timestampMs: 80, body: [0xaf, 0, 0x12, 0x10] },
      { type: TAG_VIDEO, timestampMs: 80, body: [0x17, 1, 0, 0, 0, 9] },
      { type: TAG_AUDIO, timestampMs: 90, body: [0xaf, 1, 8] },
      { type: TAG_VIDEO, timestampMs: 120, body: [0x27, 1, 0, 0, 0, 9] },
    ]);
  });

  it('reconnects after a loss and begins again with headers and a key frame', async () => {
    const { source, server, until, said } = await publishTo(['accept'], { reconnect: quick });
    await until('connected');
    source.send(videoConfig, key(0));
    await received(() => server.received[0], 2);
    server.sockets[0]!.resetAndDestroy();
    await until('reconnected');
    source.send(inter(40), key(80));
    expect(
      (await received(() => server.received[1], 2)).map(({ timestampMs, body }) => [timestampMs, body[1]]),
    ).toEqual([
      [80, 0],
      [80, 1],
    ]);
    expect(said).toEqual(['connected', 'retrying', 'connected', 'reconnected']);
  });

  it('ends at once when it is refused for want of permission, and says nothing of the signature', async () => {
    const { until, failures, server } = await publishTo(['refuse-sign'], { reconnect: quick });
    await until('ended');
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({
      reason: 'auth',
      detail: expect.stringMatching(/^Publishing live\/a to 127\.0\.0\.1:\d+ was refused/),
    });
    expect(JSON.stringify(failures)).not.toContain('secret');
    expect(server.sockets).toHaveLength(1);
  });

  it('tries again when the name is taken, so often as the policy says, and then ends with the reason', async () => {
    const { until, failures, server, source } = await publishTo(['refuse-name'], { reconnect: quick });
    await until('ended');
    expect(failures.map(({ reason }) => reason)).toEqual(['rtmp-refused', 'rtmp-refused', 'rtmp-refused']);
    expect(failures[0]?.detail).toContain('already being published');
    expect(server.sockets).toHaveLength(3);
    expect(source.stopped).toBe(1);
  });

  it('gives up on a server that accepts and says nothing', async () => {
    const { publisher, until, failures, server } = await publishTo(['silence'], { reconnect: null });
    await expect.poll(() => server.sockets.length).toBe(1);
    await expect
      .poll(() => {
        publisher.sweep(systemClock.nowMs() + 60_000);
        return publisher.state;
      })
      .toBe('ended');
    await until('ended');
    expect(failures[0]).toMatchObject({
      reason: 'first-byte-timeout',
      detail: expect.stringContaining('did not permit publishing within 8000 ms'),
    });
  });

  it('gives up on a server that does not speak RTMP, in one sentence', async () => {
    const { until, failures } = await publishTo(['garbage'], { reconnect: null });
    await until('ended');
    expect(failures[0]).toMatchObject({
      reason: 'bad-response',
      detail: expect.stringMatching(/does not speak RTMP as expected \(RTMP_[A-Z_]+: /),
    });
  });

  it('holds a bounded queue for a server that does not read, drops to the next key frame, and counts it', async () => {
    const { source, publisher, until, seconds } = await publishTo(['never-read'], { maxQueueBytes: 200_000 });
    await until('connected');
    source.send(videoConfig);
    const body = new Uint8Array(50_000).fill(7);
    const large = (kind: 'key' | 'inter', timestampMs: number): SourceTag => ({
      type: TAG_VIDEO,
      kind,
      timestampMs,
      pieces: [Uint8Array.of(kind === 'key' ? 0x17 : 0x27, 1, 0, 0, 0), body],
    });
    // 40 MB: more than the kernel's buffers take.
    for (let frame = 0; frame < 800; frame += 1) {
      source.send(large(frame % 25 === 0 ? 'key' : 'inter', frame * 40));
      if (frame % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    publisher.sweep(systemClock.nowMs() + 1_000);
    const second = seconds.at(-1)!;
    expect(second.droppedFrames).toBeGreaterThan(400);
    expect(second.frames + second.droppedFrames).toBe(800);
    expect(second.queueMs).toBeGreaterThan(0);
    // Nothing moves for longer than a hang may take: the connection is given up.
    publisher.sweep(systemClock.nowMs() + 30_000);
    expect(publisher.state).toBe('waiting');
  });

  it('can be stopped at any moment, twice, and stops its source once', async () => {
    for (const moment of ['at once', 'connected']) {
      const { publisher, source, until, said } = await publishTo(['accept']);
      if (moment === 'connected') await until('connected');
      await Promise.all([publisher.stop(), publisher.stop()]);
      expect(publisher.state).toBe('ended');
      expect(source.stopped).toBe(1);
      expect(said.filter((word) => word === 'ended')).toHaveLength(1);
    }
  });

  it('refuses a URL that is none of RTMP with a sentence', () => {
    expect(
      () =>
        new RtmpPublisher({
          url: 'http://h/live/a',
          source: new HandSource(),
          clock: systemClock,
          observer: listen().observer,
        }),
    ).toThrow(/not an RTMP URL/);
  });
});
