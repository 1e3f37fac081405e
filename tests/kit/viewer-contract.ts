import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createViewer } from '../../clients/create-viewer.ts';
import type { Reason } from '../../clients/reason.ts';
import type {
  SessionOutcome,
  SessionProgress,
  Viewer,
  ViewerObserver,
  ViewerOptions,
} from '../../clients/viewer.ts';
import type { Link } from '../../core/link/link.ts';
import { type PlayerProfile, playerProfiles } from '../../core/player/profile.ts';
import {
  startGarbageServer,
  startMuteServer,
  startResettingServer,
  startSilentServer,
} from './bad-servers.ts';
import { loopbackCertificate } from './certificate.ts';
import { freePort } from './free-port.ts';
import { aacFrame, avcConfig, avcPicture, avcPictures } from './scripted-media.ts';
import {
  type OnViewer,
  type ScriptedServer,
  type ScriptedServerOptions,
  type ScriptedSession,
  startSocketServer,
} from './scripted-server.ts';

/** What a protocol brings along to be tested by this suite. */
export interface ViewerKit {
  readonly name: string;
  /** A good server of the protocol. */
  serve(onViewer: OnViewer, options?: ScriptedServerOptions): Promise<ScriptedServer>;
  /** A URL of the protocol, for `host:port` of a server that is not good. */
  urlAt(hostAndPort: string): string;
  /** What the viewer must make of bytes that are no protocol, right after it has connected. */
  readonly garbageReason: Reason;
  /** The server's yes is part of the handshake, so that a viewer is connected with it and not before (WebSocket). */
  readonly connectsByAnswer?: boolean;
  /** Every file is a request of its own, so that a connection that was closed while idle is no loss (HLS). */
  readonly connectsByRequest?: boolean;
  /** Of every viewer of the suite: behind this link all must be as without. */
  readonly link?: () => Link;
}

/** Turned by hand. What a test does between two turns happens "at the same time", however long it takes. */
export class HandClock {
  now = 1_000;
  nowMs(): number {
    return this.now;
  }
  wallMs(): number {
    return 1_790_000_000_000 + this.now;
  }
}

/** Writes down what an observer hears, and fails if it hears anything after the end. */
export class Recorder implements ViewerObserver {
  readonly heard: [string, number][] = [];
  outcome: SessionOutcome | null = null;
  readonly total: SessionProgress = {
    watchedMs: 0,
    playingMs: 0,
    stallMs: 0,
    bytesReceived: 0,
    mediaBytes: 0,
    mediaMs: 0,
    frames: 0,
    framesMissing: 0,
  };
  late = 0;

  #hear(what: string, value: number): void {
    if (this.outcome) this.late++;
    this.heard.push([what, value]);
  }
  connected = (ms: number): void => this.#hear('connected', ms);
  firstByte = (ms: number): void => this.#hear('firstByte', ms);
  firstMedia = (ms: number): void => this.#hear('firstMedia', ms);
  firstFrame = (ms: number): void => this.#hear('firstFrame', ms);
  startup = (ms: number): void => this.#hear('startup', ms);
  joinLag = (ms: number): void => this.#hear('joinLag', ms);
  latency = (ms: number): void => this.#hear('latency', ms);
  delivery = (ms: number): void => this.#hear('delivery', ms);
  stalled = (ms: number): void => this.#hear('stalled', ms);
  stallEnded = (ms: number): void => this.#hear('stallEnded', ms);
  reconnected = (ms: number): void => this.#hear('reconnected', ms);
  progress(increment: Readonly<SessionProgress>): void {
    if (this.outcome) this.late++;
    for (const name of Object.keys(this.total) as (keyof SessionProgress)[]) {
      expect(increment[name]).toBeGreaterThanOrEqual(0);
      this.total[name] += increment[name];
    }
  }
  ended(outcome: SessionOutcome): void {
    if (this.outcome) this.late++;
    this.outcome = outcome;
  }

  all(what: string): number[] {
    return this.heard.filter(([name]) => name === what).map(([, value]) => value);
  }
  has(what: string): boolean {
    return this.heard.some(([name]) => name === what);
  }
}

const plain: PlayerProfile = playerProfiles.plain;
const quick: PlayerProfile = { ...plain, startBufferMs: 40, resumeBufferMs: 40, resumeBufferMaxMs: 40 };

/** For tests of one protocol's own: the suite's set-up, clean-up and clock. */
export interface ViewerBench {
  readonly clock: HandClock;
  readonly sessions: ScriptedSession[];
  /** Of the present test. */
  recorder(): Recorder;
  /** A server that is stopped after the test. */
  server<T extends ScriptedServer>(starting: Promise<T>): Promise<T>;
  /** A viewer that has been started, and is stopped after the test; intended to start 100 ms ago. */
  start(url: string, options?: Partial<ViewerOptions>): Viewer;
  until(what: () => unknown): Promise<void>;
  /** Waits for the end, which must be a failure told in one sentence. */
  failure(viewer: Viewer): Promise<SessionOutcome>;
  /** Lets time pass, with one sweep at its end. */
  pass(viewer: Viewer, ms: number): void;
}

/** Everything that holds for a viewer whatever its protocol, and what `more` adds for one. */
export function describeViewer(kit: ViewerKit, more: (bench: ViewerBench) => void = () => {}): void {
  describe(`${kit.name} viewer`, () => {
    const running: { stop(): unknown }[] = [];
    const clock = new HandClock();
    const sessions: ScriptedSession[] = [];
    let recorder: Recorder;

    beforeEach(() => {
      clock.now = 1_000;
      recorder = new Recorder();
      sessions.length = 0;
    });
    afterEach(async () => {
      for (const one of running.splice(0).reverse()) await one.stop();
      for (let i = 0; i < 5; i++) await turn();
      expect(recorder.late).toBe(0);
    });

    function start(url: string, options: Partial<ViewerOptions> = {}): Viewer {
      const viewer = createViewer({
        url,
        player: quick,
        clock,
        observer: recorder,
        intendedStartMs: clock.now - 100,
        reconnect: null,
        ...(kit.link && { link: kit.link() }),
        ...options,
      });
      running.push(viewer);
      viewer.start();
      return viewer;
    }
    async function server<T extends ScriptedServer>(starting: Promise<T>): Promise<T> {
      const started = await starting;
      running.push(started);
      return started;
    }
    const good = (options?: ScriptedServerOptions) =>
      server(kit.serve((session) => sessions.push(session), options));

    /** Waits, in real time, for what must happen without the clock being turned. */
    async function until(what: () => unknown): Promise<void> {
      for (const giveUpMs = Date.now() + 10_000; Date.now() < giveUpMs; await turn()) if (what()) return;
      throw new Error(
        `it did not happen: ${what}; heard ${JSON.stringify(recorder.heard.slice(-5))}, ended ${JSON.stringify(recorder.outcome)}`,
      );
    }
    /** A second, or so, later. */
    function pass(viewer: Viewer, ms: number): void {
      passUntil(viewer, clock.now + ms);
    }
    function passUntil(viewer: Viewer, ms: number): void {
      clock.now = ms;
      viewer.sweep(ms);
    }
    async function failure(viewer: Viewer): Promise<SessionOutcome> {
      await until(() => recorder.outcome);
      expect(viewer.state).toBe('ended');
      const outcome = recorder.outcome!;
      expect(outcome.result).toBe('failed');
      // One sentence: no stack, no line break, no code alone.
      expect(outcome.detail).toMatch(/^[^\n]{20,400}$/);
      expect(outcome.detail).not.toMatch(/\bat .*\.[jt]s|undefined|\[object/);
      return outcome;
    }
    async function accepted(): Promise<ScriptedSession> {
      const before = sessions.length;
      await until(() => sessions.length > before || sessions.length > 0);
      const session = sessions.at(-1)!;
      session.accept();
      return session;
    }

    describe('figures', () => {
      it('counts every step from the intended start', async () => {
        const { url } = await good();
        const viewer = start(url);
        const connectMs = kit.connectsByAnswer ? 300 : 100;
        expect(viewer.state).toBe('connecting');
        if (!kit.connectsByAnswer) await until(() => recorder.has('connected'));
        await until(() => sessions.length === 1);
        clock.now = 1_200;
        sessions[0]!.accept();
        await until(() => recorder.has('firstByte'));
        expect(viewer.state).toBe('starting');
        clock.now = 1_300;
        sessions[0]!.send(avcConfig(), aacFrame(0));
        await until(() => recorder.has('firstMedia'));
        clock.now = 1_500;
        const capture = clock.wallMs() - 250;
        sessions[0]!.send(
          avcPicture({
            timestampMs: 0,
            key: true,
            stamp: { publisher: 1, frame: 0, captureUs: capture * 1_000 },
          }),
        );
        await until(() => recorder.has('startup'));
        expect(viewer.state).toBe('playing');
        expect(recorder.heard).toEqual([
          ['connected', connectMs],
          ['firstByte', kit.name.startsWith('RTMP') ? 100 : 300],
          ['firstMedia', 400],
          ['firstFrame', 600],
          ['delivery', 250],
          ['startup', 600],
          ['joinLag', 250],
        ]);
        clock.now = 1_520;
        viewer.sweep(clock.now);
        expect(recorder.all('latency')).toEqual([250]);
        clock.now = 2_000;
        viewer.stop();
        expect(recorder.outcome).toMatchObject({
          result: 'ended',
          phase: 'after-first-frame',
          reason: null,
          figures: {
            connectMs,
            firstMediaMs: 400,
            firstFrameMs: 600,
            startupMs: 600,
            joinLagMs: 250,
            stallCount: 1,
            stallMs: 460,
            playingMs: 40,
            watchedMs: 1_100,
            frames: 1,
            reconnects: 0,
          },
        });
        const { figures } = recorder.outcome!;
        expect(figures.startupMs! + figures.playingMs + figures.stallMs).toBe(figures.watchedMs);
        expect(figures.bytesReceived).toBe(viewer.bytesReceived);
      });

      it('reports progress that adds up to the figures', async () => {
        const { url } = await good();
        const viewer = start(url);
        const session = await accepted();
        const pictures = avcPictures({ count: 100, captureMs: clock.wallMs() }).filter(
          (_, i) => i !== 30 && i !== 98,
        );
        session.send(avcConfig(), ...pictures.slice(0, 40));
        await until(() => recorder.all('delivery').length === 40);
        for (; clock.now < 9_000; clock.now += 1_000) viewer.sweep(clock.now);
        session.send(...pictures.slice(40));
        await until(() => recorder.all('delivery').length === 98);
        viewer.sweep(clock.now);
        clock.now += 700;
        viewer.stop();
        const { figures } = recorder.outcome!;
        for (const [name, value] of Object.entries(recorder.total)) {
          expect([name, value]).toEqual([name, figures[name as keyof SessionProgress]]);
        }
        expect(figures).toMatchObject({ frames: 98, framesMissing: 2, stallCount: 1, stallCountPlayer: 1 });
      });

      it('sees a stall by the sweep, and its end by the next frame', async () => {
        const { url } = await good();
        const viewer = start(url);
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count: 25 }));
        await until(() => recorder.has('startup'));
        passUntil(viewer, 2_099);
        expect(recorder.has('stalled')).toBe(false);
        passUntil(viewer, 2_100);
        expect(recorder.all('stalled')).toEqual([2_000]);
        expect(viewer.state).toBe('stalled');
        clock.now = 2_600;
        session.send(...avcPictures({ count: 25, timestampMs: 1_000 }));
        await until(() => recorder.has('stallEnded'));
        expect(recorder.all('stallEnded')).toEqual([600]);
        expect(viewer.state).toBe('playing');
      });
    });

    describe('bad peers', () => {
      it('nobody listens', async () => {
        const outcome = await failure(start(kit.urlAt(`127.0.0.1:${await freePort()}`)));
        expect(outcome).toMatchObject({ reason: 'refused', phase: 'before-first-frame' });
        expect(outcome.figures).toMatchObject({ connectMs: null, firstFrameMs: null, watchedMs: 100 });
      });

      it('a name that does not exist', async () => {
        const viewer = start(kit.urlAt('no-such-host.invalid:1'));
        await failure(viewer);
        expect(recorder.outcome?.reason).toBe('dns');
      }, 20_000);

      it('says nothing', async () => {
        const silent = await server(startSilentServer());
        const viewer = start(kit.urlAt(silent.url), { timeouts: { handshakeMs: 3_000, firstByteMs: 3_000 } });
        await until(() => silent.received > 0);
        pass(viewer, 2_999);
        expect(viewer.state).not.toBe('ended');
        pass(viewer, 1);
        expect(await failure(viewer)).toMatchObject({ reason: 'first-byte-timeout' });
      });

      it('speaks no protocol at all', async () => {
        const { url } = await server(startGarbageServer());
        expect(await failure(start(kit.urlAt(url)))).toMatchObject({ reason: kit.garbageReason });
      });

      it('closes without a word', async () => {
        const { url } = await server(startMuteServer());
        expect(await failure(start(kit.urlAt(url)))).toMatchObject({ reason: 'closed' });
      });

      it('resets the connection', async () => {
        const { url } = await server(startResettingServer());
        expect(await failure(start(kit.urlAt(url)))).toMatchObject({ reason: 'reset' });
      });

      it('accepts and sends nothing', async () => {
        const { url } = await good();
        const viewer = start(url, { timeouts: { firstMediaMs: 3_000 } });
        const session = await accepted();
        session.send(avcConfig());
        await until(() => recorder.has('firstByte') && viewer.state === 'starting');
        pass(viewer, 2_999);
        pass(viewer, 1);
        expect(await failure(viewer)).toMatchObject({ reason: 'no-media' });
      });

      it('sends no key picture', async () => {
        const { url } = await good();
        const viewer = start(url, { timeouts: { firstFrameMs: 3_000 } });
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count: 50, gop: 1_000 }).slice(1));
        await until(() => recorder.has('firstMedia'));
        viewer.sweep(clock.now);
        pass(viewer, 2_999);
        pass(viewer, 1);
        expect(await failure(viewer)).toMatchObject({ reason: 'no-key-frame', phase: 'before-first-frame' });
      });

      describe('sends a frame that does not come to its end', () => {
        /** More than the kernel holds, so that the end cannot be there while nobody reads. */
        const sliceBytes = 8_000_000;
        async function halfOf(viewer: Viewer, session: ScriptedSession, key: boolean): Promise<void> {
          const before = viewer.bytesReceived;
          session.send(avcPicture({ timestampMs: 200, key, sliceBytes }));
          await until(() => viewer.bytesReceived > before + 100_000);
          expect(viewer.bytesReceived).toBeLessThan(sliceBytes);
        }

        it('its first key picture', async () => {
          const { url } = await good();
          const viewer = start(url, { timeouts: { firstFrameMs: 3_000 } });
          const session = await accepted();
          session.send(avcConfig(), aacFrame(0));
          await until(() => recorder.has('firstMedia'));
          await halfOf(viewer, session, true);
          viewer.sweep(clock.now);
          pass(viewer, 3_000);
          expect(await failure(viewer)).toMatchObject({ reason: 'too-slow', phase: 'before-first-frame' });
          expect(recorder.has('firstFrame')).toBe(false);
        });

        it.each([
          ['while bytes still come', 2_999, 'too-slow'],
          ['with no byte more', 3_000, 'no-media'],
        ] as const)('a later one, %s', async (_name, silenceMs, reason) => {
          const { url } = await good();
          const viewer = start(url, { timeouts: { silenceMs } });
          const session = await accepted();
          session.send(avcConfig(), ...avcPictures({ count: 5 }));
          await until(() => recorder.has('startup'));
          viewer.sweep(clock.now);
          clock.now += 1;
          await halfOf(viewer, session, false);
          // The last media came 1 ms before the last byte.
          pass(viewer, reason === 'too-slow' ? 2_998 : 3_000);
          expect(await failure(viewer)).toMatchObject({ reason, phase: 'after-first-frame' });
        });
      });

      it('stops sending in mid-stream', async () => {
        const { url } = await good();
        const viewer = start(url, { timeouts: { silenceMs: 3_000 } });
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count: 5 }));
        await until(() => recorder.has('startup'));
        viewer.sweep(clock.now);
        pass(viewer, 2_999);
        expect(viewer.state).toBe('stalled');
        pass(viewer, 1);
        const outcome = await failure(viewer);
        expect(outcome).toMatchObject({ reason: 'no-media', phase: 'after-first-frame' });
        expect(outcome.figures.stallMs).toBe(2_800);
        expect(recorder.all('stallEnded')).toEqual([2_800]);
      });

      it('closes in mid-stream', async () => {
        const { url } = await good();
        const viewer = start(url);
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count: 5 }));
        await until(() => recorder.has('startup'));
        session.close();
        expect(await failure(viewer)).toMatchObject({ reason: 'closed', phase: 'after-first-frame' });
      });

      it('says that the publisher has left', async () => {
        const { url } = await good();
        const viewer = start(url);
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count: 5 }));
        await until(() => recorder.has('startup'));
        session.endStream();
        expect(await failure(viewer)).toMatchObject({ reason: 'publisher-gone' });
      });

      it('sends broken media: this viewer ends, the others do not notice', async () => {
        const { url } = await good();
        const other = start(url);
        await until(() => sessions.length === 1);
        recorder = new Recorder();
        const viewer = start(url, { observer: recorder });
        await until(() => sessions.length === 2);
        for (const session of sessions) {
          session.accept();
          session.send(avcConfig(), ...avcPictures({ count: 5 }));
        }
        await until(() => viewer.state === 'playing' && other.state === 'playing');
        const before = other.bytesReceived;
        sessions[1]!.send({ type: 77 as 8, timestampMs: 0, body: new Uint8Array(10) });
        if (kit.name.startsWith('RTMP')) {
          // Unknown message types are skipped in RTMP; a command that is none is broken.
          sessions[1]!.send({ type: 20 as 8, timestampMs: 0, body: Uint8Array.of(0xff, 0xff) });
        }
        expect(await failure(viewer)).toMatchObject({ reason: 'bad-media', phase: 'after-first-frame' });
        sessions[0]!.send(...avcPictures({ count: 5, timestampMs: 200 }));
        await until(() => other.bytesReceived > before);
        expect(other.state).toBe('playing');
      });
    });

    describe('stop', () => {
      it('before start does nothing but end', () => {
        const viewer = createViewer({
          url: kit.urlAt('127.0.0.1:1'),
          player: plain,
          clock,
          observer: recorder,
          intendedStartMs: clock.now,
        });
        viewer.stop();
        viewer.start();
        viewer.stop();
        expect(recorder.outcome).toMatchObject({
          result: 'ended',
          phase: 'before-first-frame',
          reason: null,
        });
      });

      it.each(['at once', 'while connecting', 'connected', 'accepted', 'playing'])('%s', async (moment) => {
        const { url } = await good();
        const viewer = start(url);
        if (moment === 'while connecting') await turn();
        if (moment === 'connected') {
          await until(() => (kit.connectsByAnswer ? sessions.length === 1 : recorder.has('connected')));
        }
        if (moment === 'accepted' || moment === 'playing') {
          const session = await accepted();
          await until(() => recorder.has('firstByte'));
          if (moment === 'playing') {
            session.send(avcConfig(), ...avcPictures({ count: 50 }));
            await until(() => viewer.state === 'playing');
          }
        }
        viewer.stop();
        expect(viewer.state).toBe('ended');
        expect(recorder.outcome).toMatchObject({ result: 'ended', reason: null });
        pass(viewer, 100_000);
      });

      it('from within a callback', async () => {
        const { url } = await good();
        let viewer: Viewer | undefined;
        class Leaver extends Recorder {
          override firstFrame = (): void => viewer?.stop();
        }
        recorder = new Leaver();
        viewer = start(url);
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count: 50, captureMs: clock.wallMs() }));
        await until(() => recorder.outcome);
        expect(recorder.outcome).toMatchObject({ result: 'ended', phase: 'after-first-frame' });
        expect(recorder.has('startup')).toBe(false);
      });
    });

    describe('reconnect', () => {
      const policy = {
        maxAttempts: 3,
        maxElapsedMs: 60_000,
        firstDelayMs: 600_000,
        maxDelayMs: 600_000,
        jitter: 1,
        beforeFirstFrame: false,
      };
      // Delays are longer than any test; only `sweep` at the computed moment ends them. random = 0.99 gives 6,000 ms.
      const options = { reconnect: policy, random: () => 0.99 };
      async function playing(viewer: Viewer): Promise<ScriptedSession> {
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count: 50 }));
        await until(() => viewer.state === 'playing');
        return session;
      }

      it('goes on after a lost connection, and says how long it took to play again', async () => {
        const { url } = await good();
        const viewer = start(url, options);
        const session = await playing(viewer);
        clock.now = 2_000;
        session.reset();
        await until(() => viewer.state === 'reconnecting');
        passUntil(viewer, 7_999);
        expect(sessions).toHaveLength(1);
        expect(recorder.all('stalled')).toEqual([3_000]);
        passUntil(viewer, 8_001);
        await until(() => sessions.length === 2);
        const again = sessions[1]!;
        again.accept();
        clock.now = 8_500;
        again.send(
          avcPicture({ timestampMs: 77_000 }),
          avcConfig(),
          ...avcPictures({ count: 50, timestampMs: 77_040 }),
        );
        await until(() => recorder.has('reconnected'));
        // The last media came at 1,000.
        expect(recorder.all('reconnected')).toEqual([7_500]);
        expect(recorder.all('stallEnded')).toEqual([5_500]);
        expect(recorder.all('connected')).toHaveLength(1);
        expect(recorder.all('firstFrame')).toHaveLength(1);
        expect(viewer.state).toBe('playing');
        viewer.stop();
        expect(recorder.outcome?.figures.reconnects).toBe(1);
      });

      it('gives up after so many attempts, for the reason of the first loss', async () => {
        const { url, stop } = await good();
        const viewer = start(url, options);
        const session = await playing(viewer);
        session.close();
        await until(() => viewer.state === 'reconnecting');
        await stop();
        running.splice(0, 1);
        await until(() => {
          pass(viewer, 50);
          return recorder.outcome;
        });
        const outcome = await failure(viewer);
        expect(outcome.reason).toBe('closed');
        expect(outcome.detail).toMatch(/3 attempts to reconnect .* refused the connection/);
      });

      it('gives up when the time is over', async () => {
        const { url } = await good();
        const viewer = start(url, { ...options, reconnect: { ...policy, maxElapsedMs: 5_000 } });
        const session = await playing(viewer);
        session.reset();
        expect(await failure(viewer)).toMatchObject({ reason: 'reset', phase: 'after-first-frame' });
      });

      it('does not hide a failed start, unless told to', async () => {
        const port = await freePort();
        expect(await failure(start(kit.urlAt(`127.0.0.1:${port}`), options))).toMatchObject({
          reason: 'refused',
        });
        recorder = new Recorder();
        const patient = start(kit.urlAt(`127.0.0.1:${port}`), {
          ...options,
          observer: recorder,
          reconnect: { ...policy, beforeFirstFrame: true },
        });
        await until(() => patient.state === 'reconnecting');
      });

      it('can be stopped while it waits', async () => {
        const { url } = await good();
        const viewer = start(url, options);
        const session = await playing(viewer);
        session.reset();
        await until(() => viewer.state === 'reconnecting');
        const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
        const before = timers();
        viewer.stop();
        expect(timers()).toBe(before - 1);
        pass(viewer, 100_000);
        expect(recorder.outcome).toMatchObject({ result: 'ended', reason: null });
      });

      it('leaves no timer behind that would start again', async () => {
        const { url } = await good();
        const viewer = start(url, { reconnect: { ...policy, firstDelayMs: 1, maxDelayMs: 1 } });
        const session = await playing(viewer);
        session.reset();
        await until(() => sessions.length === 2);
        viewer.stop();
        for (let i = 0; i < 50; i++) await turn();
        expect(sessions).toHaveLength(2);
      });
    });

    describe('pause', () => {
      async function playing(viewer: Viewer, count = 50): Promise<ScriptedSession> {
        const session = await accepted();
        session.send(avcConfig(), ...avcPictures({ count, captureMs: clock.wallMs() }));
        await until(() => recorder.all('delivery').length === count);
        expect(viewer.state).toBe('playing');
        return session;
      }
      async function turns(count: number): Promise<void> {
        for (let i = 0; i < count; i++) await turn();
      }

      it('reads nothing, and its time is neither watched nor stalled', async () => {
        const { url } = await good();
        const viewer = start(url, { timeouts: { silenceMs: 3_000 } });
        const session = await playing(viewer);
        // Intended at 900, playing from 1,000; two seconds of media.
        clock.now = 1_500;
        viewer.pause();
        expect(viewer.state).toBe('paused');
        const before = viewer.bytesReceived;
        session.send(
          ...avcPictures({ count: 25, timestampMs: 2_000, firstFrame: 50, captureMs: clock.wallMs() }),
        );
        await turns(20);
        for (let i = 0; i < 60; i++) pass(viewer, 1_000);
        expect(viewer.state).toBe('paused');
        expect(viewer.bytesReceived).toBe(before);
        expect(recorder.has('stalled')).toBe(false);
        expect(recorder.has('latency')).toBe(false);
        viewer.resume();
        await until(() => recorder.all('delivery').length === 75);
        expect(viewer.state).toBe('playing');
        // 500 ms of media were played before the pause, 2,500 are left; a silence counts from the return.
        pass(viewer, 2_400);
        expect(viewer.state).toBe('playing');
        viewer.stop();
        const { figures } = recorder.outcome!;
        expect(figures).toMatchObject({ watchedMs: 3_000, playingMs: 2_900, stallMs: 0, startupMs: 100 });
        for (const [name, value] of Object.entries(recorder.total))
          expect([name, value]).toEqual([name, figures[name as keyof SessionProgress]]);
      });

      it('goes on with the newest media, if that is wanted', async () => {
        const { url } = await good();
        const viewer = start(url);
        const session = await playing(viewer);
        clock.now = 1_500;
        viewer.pause();
        clock.now = 21_500;
        viewer.resume('live');
        const captureMs = clock.wallMs() - 10_000;
        session.send(...avcPictures({ count: 250, timestampMs: 2_000, firstFrame: 50, captureMs }));
        await until(() => recorder.all('delivery').length === 300);
        viewer.sweep(clock.now);
        // The newest picture's capture, less the buffer that a start needs.
        expect(recorder.all('latency').at(-1)).toBeLessThan(200);
      });

      it('closes the connection and makes another, if that is wanted', async () => {
        const { url } = await good();
        const viewer = start(url);
        await playing(viewer);
        clock.now = 1_500;
        viewer.pause('close');
        await turns(10);
        pass(viewer, 20_000);
        expect([viewer.state, sessions.length]).toEqual(['paused', 1]);
        viewer.resume();
        expect(viewer.state).toBe('reconnecting');
        await until(() => sessions.length === 2);
        sessions[1]!.accept();
        clock.now += 400;
        sessions[1]!.send(avcConfig(), ...avcPictures({ count: 50, timestampMs: 70_000 }));
        await until(() => recorder.has('reconnected'));
        expect(recorder.all('reconnected')).toEqual([400]);
        // What was there has been thrown away: the picture stood still from the return on.
        expect(recorder.all('stallEnded')).toEqual([400]);
        expect(recorder.all('firstFrame')).toHaveLength(1);
        viewer.stop();
        expect(recorder.outcome?.figures).toMatchObject({ reconnects: 1, watchedMs: 1_000, stallMs: 400 });
      });

      it('cannot come back where nobody listens any more', async () => {
        const { url, stop } = await good();
        const viewer = start(url);
        await playing(viewer);
        viewer.pause('close');
        await stop();
        running.splice(0, 1);
        viewer.resume();
        expect(await failure(viewer)).toMatchObject({ reason: 'refused', phase: 'after-first-frame' });
      });

      it.skipIf(kit.connectsByRequest)(
        'makes another connection where the server has dropped the one that was not read',
        async () => {
          const { url } = await good();
          const viewer = start(url, {
            reconnect: {
              maxAttempts: 3,
              maxElapsedMs: 60_000,
              firstDelayMs: 1,
              maxDelayMs: 1,
              jitter: 0,
              beforeFirstFrame: false,
            },
          });
          const session = await playing(viewer);
          clock.now = 1_500;
          viewer.pause();
          session.close();
          await turns(20);
          clock.now = 61_500;
          expect(viewer.state).toBe('paused');
          viewer.resume();
          await until(() => sessions.length === 2);
          sessions[1]!.accept();
          clock.now = 62_000;
          sessions[1]!.send(avcConfig(), ...avcPictures({ count: 50, timestampMs: 9_000 }));
          await until(() => recorder.has('reconnected'));
          // From the return, not from the last picture before the pause.
          expect(recorder.all('reconnected')).toEqual([500]);
        },
      );

      it('does nothing without a picture, twice, or after the end', async () => {
        const { url } = await good();
        const viewer = start(url);
        viewer.pause();
        viewer.resume();
        expect(viewer.state).toBe('connecting');
        await playing(viewer);
        clock.now = 1_500;
        viewer.pause();
        clock.now = 2_500;
        viewer.pause('close');
        await turns(10);
        viewer.stop();
        expect(recorder.outcome).toMatchObject({ result: 'ended', figures: { watchedMs: 600 } });
        viewer.resume();
        viewer.pause();
        expect(viewer.state).toBe('ended');
        expect(sessions).toHaveLength(1);
      });
    });

    it('connects from the address that it is given', async () => {
      const from: (string | undefined)[] = [];
      const peer = await server(startSocketServer((socket) => from.push(socket.remoteAddress)));
      start(kit.urlAt(peer.url), { localAddress: '127.0.0.9' });
      await until(() => from.length === 1);
      expect(from).toEqual(['127.0.0.9']);
      recorder = new Recorder();
      // RFC 5737: an address of nobody.
      expect(await failure(start(kit.urlAt(peer.url), { localAddress: '192.0.2.1' }))).toMatchObject({
        reason: 'generator-limit',
        detail: expect.stringContaining('sourceAddresses'),
      });
    });

    it('plays over IPv6, and a name with several addresses', async () => {
      const { url } = await good({ host: '::1' });
      const viewer = start(url);
      await accepted();
      await until(() => recorder.has('firstByte'));
      viewer.stop();
      recorder = new Recorder();
      // localhost is ::1 and 127.0.0.1 on most machines; the server listens on one of them only.
      const four = await good();
      const second = start(four.url.replace('127.0.0.1', 'localhost'), { observer: recorder });
      await until(() => sessions.length === 2);
      second.stop();
    });

    it('ends with a reason whatever happens to the bytes on the way', async () => {
      const { port } = await good();
      const whole: Buffer[] = [];
      const relay = await server(
        startSocketServer((client) => {
          const upstream = net.connect(port, '127.0.0.1');
          upstream.on('data', (bytes) => {
            whole.push(bytes);
            client.write(bytes);
          });
          client.on('data', (bytes) => upstream.write(bytes));
          client.on('close', () => upstream.destroy());
        }),
      );
      const viewer = start(kit.urlAt(relay.url));
      const session = await accepted();
      session.send(avcConfig(), ...avcPictures({ count: 20, captureMs: clock.wallMs() }), aacFrame(0));
      await until(() => recorder.all('delivery').length === 20);
      viewer.stop();
      const answer = Buffer.concat(whole);

      const damage = fc.array(
        fc.record({ at: fc.nat(answer.length), take: fc.nat(300), put: fc.uint8Array({ maxLength: 30 }) }),
        { maxLength: 4 },
      );
      await fc.assert(
        fc.asyncProperty(damage, fc.nat(answer.length), async (wounds, cutAt) => {
          let bytes = answer;
          for (const { at, take, put } of wounds) {
            bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + take)]);
          }
          // In two reads, often, and then the end.
          const damaged = await startSocketServer((socket) => {
            socket.write(bytes.subarray(0, cutAt));
            setImmediate(() => socket.end(bytes.subarray(cutAt)));
          });
          recorder = new Recorder();
          const one = start(kit.urlAt(damaged.url), { observer: recorder });
          await failure(one);
          await damaged.stop();
        }),
        { numRuns: 100 },
      );
    });

    it('plays over TLS', async () => {
      const certificate = loopbackCertificate();
      const { url } = await good({ tls: certificate });
      const viewer = start(url, { tls: { ca: certificate.cert } });
      const session = await accepted();
      session.send(avcConfig(), ...avcPictures({ count: 50, sliceBytes: 20_000 }));
      await until(() => viewer.state === 'playing' && viewer.bytesReceived > 1_000_000);
      viewer.stop();
      expect(recorder.outcome?.figures.frames).toBe(50);
      recorder = new Recorder();
      expect(await failure(start(url, { observer: recorder }))).toMatchObject({ reason: 'tls' });
    });

    more({
      clock,
      sessions,
      recorder: () => recorder,
      server,
      start,
      until,
      failure,
      pass,
    });
  });
}
