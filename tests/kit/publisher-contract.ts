/**
 * What every publisher does, whatever its protocol: one suite that each of them runs against a server of its own kind.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type {
  Publisher,
  PublisherObserver,
  PublisherOptions,
  PublisherSecond,
} from '../../clients/publisher.ts';
import type { Failure, Reason } from '../../clients/reason.ts';
import type { Source, SourceSink, SourceTag, TagKind } from '../../clients/sources/source.ts';
import { systemClock } from '../../clients/system-clock.ts';
import { TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO, type TagSink, type TagType } from '../../core/media.ts';

export interface ReceivedTag {
  readonly type: TagType;
  readonly timestampMs: number;
  readonly body: number[];
}

/** What the server does with each connection in turn; the last one stands for all that follow. */
export type PublishBehaviour =
  | 'accept'
  | 'refuse-name'
  | 'refuse-sign'
  | 'silence'
  | 'garbage'
  | 'never-read';

/** A server that takes publications, seen from a test. */
export interface PublishServer {
  /** Of the first connection, of the second … */
  readonly received: readonly ReceivedTag[][];
  /** Connections that ended with the protocol's goodbye. */
  readonly goodbyes: number;
  readonly connections: number;
  /** The server's side of a connection breaks off (reset), or is closed in good order. */
  reset(connection: number): void;
  end(connection: number): void;
  /** After `never-read`: reads after all. */
  read(connection: number): void;
  close(): Promise<void>;
}

export interface PublisherKind {
  readonly name: string;
  /** Starts a server; gives the address with a signature `?sign=secret`. */
  serve(behaviours: readonly PublishBehaviour[]): Promise<{ server: PublishServer; url: string }>;
  create(options: PublisherOptions): Publisher;
  /** How a name that is taken is told. */
  readonly taken: { readonly reason: Reason; readonly detail: RegExp };
  readonly unauthorized: RegExp;
  readonly garbage: RegExp;
  /** null: a server that says nothing is believed to listen. */
  readonly silence: RegExp | null;
  readonly wrongUrl: { readonly url: string; readonly error: RegExp };
}

/** A source that sends what the test tells it to. */
export class HandSource implements Source {
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

export function sourceTag(kind: TagKind, timestampMs: number, ...bytes: number[]): SourceTag {
  const type: TagType = kind === 'metadata' ? TAG_SCRIPT : kind.startsWith('audio') ? TAG_AUDIO : TAG_VIDEO;
  // In two pieces, as a stamped frame comes.
  const pieces = [Uint8Array.of(...bytes.slice(0, 1)), Uint8Array.of(...bytes.slice(1))];
  return { kind, type, timestampMs, pieces };
}
export const videoConfig = sourceTag('video-config', 0, 0x17, 0, 0, 0, 0, 1);
export const audioConfig = sourceTag('audio-config', 0, 0xaf, 0, 0x12, 0x10);
export const keyTag = (timestampMs: number) => sourceTag('key', timestampMs, 0x17, 1, 0, 0, 0, 9);
export const interTag = (timestampMs: number) => sourceTag('inter', timestampMs, 0x27, 1, 0, 0, 0, 9);

/** Keeps whole tags, for servers of the tests. */
export function collectTags(tags: ReceivedTag[]): TagSink {
  let next: ReceivedTag | null = null;
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
export function listenToPublisher() {
  const said: string[] = [];
  const failures: Failure[] = [];
  const seconds: PublisherSecond[] = [];
  const observer: PublisherObserver = {
    connected: () => said.push('connected'),
    retrying: (failure) => {
      failures.push(failure);
      said.push('retrying');
    },
    reconnected: () => said.push('reconnected'),
    second: (second) => seconds.push({ ...second }),
    ended: (failure) => {
      if (failure) failures.push(failure);
      said.push('ended');
    },
  };
  const until = async (word: string, times = 1): Promise<void> => {
    const count = () => said.filter((each) => each === word).length;
    await expect.poll(count, { timeout: 10_000, interval: 5 }).toBeGreaterThanOrEqual(times);
  };
  return { observer, said, failures, seconds, until };
}

export const quickReconnect = {
  maxAttempts: 2,
  maxElapsedMs: 5_000,
  firstDelayMs: 5,
  maxDelayMs: 10,
  jitter: 0,
  beforeFirstFrame: true,
};

export function describePublisher(kind: PublisherKind): void {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of cleanUp.splice(0).reverse()) await stop();
  });

  async function publishTo(behaviours: PublishBehaviour[], options: Partial<PublisherOptions> = {}) {
    const { server, url } = await kind.serve(behaviours);
    const source = new HandSource();
    const heard = listenToPublisher();
    const publisher = kind.create({
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

  const received = async (tags: () => readonly ReceivedTag[] | undefined, count: number) => {
    await expect
      .poll(() => tags()?.length ?? 0, { timeout: 5_000, interval: 5 })
      .toBeGreaterThanOrEqual(count);
    return tags()!;
  };
  const timesAndKinds = (tags: readonly ReceivedTag[]) =>
    tags.map(({ timestampMs, body }) => [timestampMs, body[1]]);

  describe(`${kind.name}: what every publisher does`, () => {
    it('begins with headers and a key frame, and sends bodies whole', async () => {
      const { source, server, until } = await publishTo(['accept']);
      source.send(videoConfig, audioConfig, interTag(0));
      await until('connected');
      source.send(interTag(40), sourceTag('audio', 50, 0xaf, 1, 7));
      source.send(keyTag(80), sourceTag('audio', 90, 0xaf, 1, 8), interTag(120));
      expect(await received(() => server.received[0], 5)).toEqual([
        { type: TAG_VIDEO, timestampMs: 80, body: [0x17, 0, 0, 0, 0, 1] },
        { type: TAG_AUDIO, timestampMs: 80, body: [0xaf, 0, 0x12, 0x10] },
        { type: TAG_VIDEO, timestampMs: 80, body: [0x17, 1, 0, 0, 0, 9] },
        { type: TAG_AUDIO, timestampMs: 90, body: [0xaf, 1, 8] },
        { type: TAG_VIDEO, timestampMs: 120, body: [0x27, 1, 0, 0, 0, 9] },
      ]);
    });

    it('carries frames of every size and timestamps beyond 24 bits, in order, with nothing changed', async () => {
      const { source, server, until } = await publishTo(['accept']);
      await until('connected');
      const sizes = [1, 127, 128, 129, 4_096, 65_535, 65_536, 65_537, 300_000];
      const tags = sizes.map((size, index): SourceTag => {
        const body = Uint8Array.from({ length: size }, (_, at) => (at * 7 + index) & 255);
        return {
          type: TAG_VIDEO,
          kind: index === 0 ? 'key' : 'inter',
          timestampMs: 0xfffff0 + index * 8,
          pieces: [Uint8Array.of(0x17, 1, 0, 0, 0), body],
        };
      });
      // One batch, larger than any buffer of the publisher; and then each by itself.
      source.send(...tags);
      for (const tag of tags) source.send({ ...tag, timestampMs: tag.timestampMs + 1_000 });
      const got = await received(() => server.received[0], 2 * tags.length);
      for (const [index, tag] of [...tags, ...tags].entries()) {
        const later = index < tags.length ? 0 : 1_000;
        expect(got[index]?.timestampMs).toBe(tag.timestampMs + later);
        expect(Buffer.compare(Buffer.from(got[index]!.body), Buffer.concat(tag.pieces))).toBe(0);
      }
    });

    it('reconnects after a loss and begins again with headers and a key frame', async () => {
      const { source, server, until, said } = await publishTo(['accept'], { reconnect: quickReconnect });
      await until('connected');
      source.send(videoConfig, keyTag(0));
      await received(() => server.received[0], 2);
      server.reset(0);
      await until('reconnected');
      source.send(interTag(40), keyTag(80));
      expect(timesAndKinds(await received(() => server.received[1], 2))).toEqual([
        [80, 0],
        [80, 1],
      ]);
      expect(said).toEqual(['connected', 'retrying', 'connected', 'reconnected']);
    });

    it('takes a server that closes in mid-stream for a loss, and says so', async () => {
      const { source, server, until, failures } = await publishTo(['accept'], { reconnect: null });
      await until('connected');
      source.send(videoConfig, keyTag(0));
      await received(() => server.received[0], 2);
      server.end(0);
      await until('ended');
      expect(failures).toEqual([
        { reason: 'closed', detail: expect.stringMatching(/^127\.0\.0\.1:\d+ closed the connection/) },
      ]);
    });

    it('ends at once when it is refused for want of permission, and says nothing of the signature', async () => {
      const { until, failures, server } = await publishTo(['refuse-sign'], { reconnect: quickReconnect });
      await until('ended');
      expect(failures).toEqual([{ reason: 'auth', detail: expect.stringMatching(kind.unauthorized) }]);
      expect(JSON.stringify(failures)).not.toContain('secret');
      expect(server.connections).toBe(1);
    });

    it('tries again when the name is taken, so often as the policy says, and then ends with the reason', async () => {
      const { until, failures, server, source } = await publishTo(['refuse-name'], {
        reconnect: quickReconnect,
      });
      await until('ended');
      expect(failures.map(({ reason }) => reason)).toEqual(Array(3).fill(kind.taken.reason));
      expect(failures[0]?.detail).toMatch(kind.taken.detail);
      expect(server.connections).toBe(3);
      expect(source.stopped).toBe(1);
    });

    it('gives up on a server that takes the stream again and again, and each time throws it out at once', async () => {
      const { server, until, said } = await publishTo(['accept'], { reconnect: quickReconnect });
      for (let connection = 0; connection < 3; connection++) {
        await until('connected', connection + 1);
        server.end(connection);
      }
      await until('ended');
      expect(said.filter((word) => word === 'retrying')).toHaveLength(2);
    });

    it.skipIf(kind.silence === null)('gives up on a server that accepts and says nothing', async () => {
      const { publisher, until, failures, server } = await publishTo(['silence'], { reconnect: null });
      await expect.poll(() => server.connections).toBe(1);
      await expect
        .poll(() => {
          publisher.sweep(systemClock.nowMs() + 60_000);
          return publisher.state;
        })
        .toBe('ended');
      await until('ended');
      expect(failures).toEqual([
        { reason: 'first-byte-timeout', detail: expect.stringMatching(kind.silence ?? /./) },
      ]);
    });

    it('gives up on a server that speaks another language, in one sentence', async () => {
      const { until, failures } = await publishTo(['garbage'], { reconnect: null });
      await until('ended');
      expect(failures).toEqual([{ reason: 'bad-response', detail: expect.stringMatching(kind.garbage) }]);
    });

    it('holds a bounded queue for a server that does not read, drops to the next key frame, and counts it', async () => {
      const { source, publisher, until, seconds } = await publishTo(['never-read'], {
        maxQueueBytes: 200_000,
      });
      await until('connected');
      source.send(videoConfig);
      const body = new Uint8Array(50_000).fill(7);
      // 40 MB: more than the kernel's buffers take.
      for (let frame = 0; frame < 800; frame += 1) {
        const isKey = frame % 25 === 0;
        source.send({
          type: TAG_VIDEO,
          kind: isKey ? 'key' : 'inter',
          timestampMs: frame * 40,
          pieces: [Uint8Array.of(isKey ? 0x17 : 0x27, 1, 0, 0, 0), body],
        });
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

    it('keeps what waits for a slow server as it is, whatever is sent meanwhile', async () => {
      const { source, server, until } = await publishTo(['never-read'], { maxQueueBytes: 64 * 1024 * 1024 });
      await until('connected');
      const bodyOf = (frame: number) => new Uint8Array(20_000).fill(frame & 255);
      const frames = 600;
      for (let frame = 0; frame < frames; frame += 1) {
        source.send({
          type: TAG_VIDEO,
          kind: frame === 0 ? 'key' : 'inter',
          timestampMs: frame * 40,
          pieces: [Uint8Array.of(0x27, 1, 0, 0, 0), bodyOf(frame)],
        });
        if (frame % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      server.read(0);
      const got = await received(() => server.received[0], frames);
      for (const [frame, { timestampMs, body }] of got.entries()) {
        expect(timestampMs).toBe(frame * 40);
        expect(Buffer.compare(Buffer.from(body.slice(5)), bodyOf(frame))).toBe(0);
      }
    });

    it('leaves with a goodbye and comes back with headers and a key frame; that is no reconnect', async () => {
      const { source, server, publisher, until, said, seconds } = await publishTo(['accept']);
      await until('connected');
      source.send(videoConfig, keyTag(0));
      await received(() => server.received[0], 2);
      publisher.leave('goodbye');
      await expect.poll(() => server.goodbyes).toBe(1);
      source.send(keyTag(40));
      publisher.sweep(systemClock.nowMs() + 1_000);
      expect(publisher.state).toBe('away');
      expect(seconds.at(-1)?.up).toBe(0);
      publisher.comeBack();
      await until('connected', 2);
      source.send(keyTag(80));
      expect(timesAndKinds(await received(() => server.received[1], 2))).toEqual([
        [80, 0],
        [80, 1],
      ]);
      expect(said).toEqual(['connected', 'connected']);
    });

    it('is cut without a goodbye, and what follows is a reconnect', async () => {
      const { source, server, publisher, until, said } = await publishTo(['accept']);
      await until('connected');
      source.send(videoConfig, keyTag(0));
      await received(() => server.received[0], 2);
      publisher.leave('cut');
      expect(publisher.state).toBe('away');
      publisher.comeBack();
      await until('reconnected');
      expect(server.goodbyes).toBe(0);
      expect(said).toEqual(['connected', 'connected', 'reconnected']);
    });

    it('stays away from a server that it was waiting to try again', async () => {
      const { publisher, until, server } = await publishTo(['refuse-name'], { reconnect: quickReconnect });
      await until('retrying');
      publisher.leave('cut');
      const before = server.connections;
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect([publisher.state, server.connections]).toEqual(['away', before]);
    });

    it('can be stopped at any moment, twice, says goodbye, and stops its source once', async () => {
      for (const moment of ['at once', 'connected', 'away']) {
        const { publisher, source, server, until, said } = await publishTo(['accept']);
        if (moment !== 'at once') await until('connected');
        if (moment === 'away') publisher.leave('cut');
        if (moment === 'connected') {
          source.send(videoConfig, keyTag(0));
          await received(() => server.received[0], 2);
        }
        await Promise.all([publisher.stop(), publisher.stop()]);
        expect(publisher.state).toBe('ended');
        expect(source.stopped).toBe(1);
        expect(said.filter((word) => word === 'ended')).toHaveLength(1);
        if (moment === 'connected') await expect.poll(() => server.goodbyes).toBe(1);
      }
    });

    it('refuses an address of another protocol with a sentence', () => {
      const { url, error } = kind.wrongUrl;
      const options = {
        url,
        source: new HandSource(),
        clock: systemClock,
        observer: listenToPublisher().observer,
      };
      expect(() => kind.create(options)).toThrow(error);
    });
  });
}
