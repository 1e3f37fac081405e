import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { playerProfiles } from '../core/player/profile.ts';
import { startGarbageServer, startMuteServer, startSilentServer } from '../tests/kit/bad-servers.ts';
import { loopbackCertificate } from '../tests/kit/certificate.ts';
import { freePort } from '../tests/kit/free-port.ts';
import {
  type ScriptedServer,
  startHttpFlvServer,
  startRtmpServer,
  startSocketServer,
  startWsFlvServer,
} from '../tests/kit/scripted-server.ts';
import { HandClock, Recorder } from '../tests/kit/viewer-contract.ts';
import { createViewer } from './create-viewer.ts';
import type { ConnectOnly, Viewer, ViewerOptions } from './viewer.ts';

const clock = new HandClock();
const running: { stop(): unknown }[] = [];
let recorder: Recorder & { idle: number[] };

beforeEach(() => {
  clock.now = 1_000;
  recorder = Object.assign(new Recorder(), { idle: [] as number[] });
});
afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.stop();
  for (let i = 0; i < 5; i++) await turn();
  expect(recorder.late).toBe(0);
});

async function server<T extends ScriptedServer>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  running.push(started);
  return started;
}

function start(url: string, only: ConnectOnly, options: Partial<ViewerOptions> = {}): Viewer {
  const observer = recorder as Recorder & { idleClosed?: (ms: number) => void };
  observer.idleClosed = (ms) => recorder.idle.push(ms);
  const viewer = createViewer({
    url,
    player: playerProfiles.plain,
    clock,
    observer,
    intendedStartMs: clock.now - 100,
    only,
    ...options,
  });
  running.push(viewer);
  viewer.start();
  return viewer;
}

async function until(what: () => unknown): Promise<void> {
  for (const giveUpMs = Date.now() + 10_000; Date.now() < giveUpMs; await turn()) if (what()) return;
  throw new Error(`it did not happen: ${what}; ended ${JSON.stringify(recorder.outcome)}`);
}

const flood = (handshake: boolean, holdMs = 0): ConnectOnly => ({ kind: 'connect-only', handshake, holdMs });
const idle: ConnectOnly = { kind: 'idle' };
const urls = [
  (at: string) => `http://${at}/live/a.flv`,
  (at: string) => `ws://${at}/live/a.flv`,
  (at: string) => `rtmp://${at}/live/a`,
];

describe('connect-only', () => {
  it.each(urls)('connects and leaves, and says not a word (%#)', async (urlAt) => {
    const peer = await server(startSilentServer());
    start(urlAt(peer.url), flood(false));
    await until(() => recorder.outcome);
    expect(recorder.heard).toEqual([['connected', 100]]);
    expect(recorder.outcome).toMatchObject({
      result: 'ended',
      reason: null,
      phase: 'before-first-frame',
      lastedMs: 100,
      figures: { connectMs: 100, watchedMs: 0, bytesReceived: 0 },
    });
    expect(peer.received).toBe(0);
  });

  it.each([
    ['WebSocket', startWsFlvServer],
    ['RTMP', startRtmpServer],
  ] as const)('with the handshake of %s, and nothing after it', async (_name, serve) => {
    const asked: unknown[] = [];
    const { url } = await server(serve((session) => asked.push(session.accept())));
    const viewer = start(url, flood(true, 600_000));
    await until(() => recorder.has('connected'));
    expect(viewer.state).toBe('starting');
    for (let i = 0; i < 50; i++) await turn();
    // The upgrade is all that a WebSocket asks for; RTMP would ask with `play`.
    expect(asked).toHaveLength(_name === 'RTMP' ? 0 : 1);
    expect(recorder.outcome).toBeNull();
    viewer.stop();
    expect(recorder.outcome).toMatchObject({ result: 'ended', detail: 'the viewer left' });
    expect(recorder.total.bytesReceived).toBe(viewer.bytesReceived);
    expect(viewer.bytesReceived).toBeGreaterThan(0);
  });

  it('HTTP has no handshake of its own', async () => {
    const { url } = await server(startHttpFlvServer(() => {}));
    start(url, flood(true));
    await until(() => recorder.outcome);
    expect(recorder.outcome).toMatchObject({ result: 'ended', figures: { connectMs: 100 } });
  });

  it('over TLS it is connected when TLS is', async () => {
    const certificate = loopbackCertificate();
    const { url } = await server(startSocketServer(() => {}, { tls: certificate }));
    start(`https://${url}/live/a.flv`, flood(false), { tls: { ca: certificate.cert } });
    await until(() => recorder.outcome);
    expect(recorder.outcome).toMatchObject({ result: 'ended', figures: { connectMs: 100 } });
    recorder = Object.assign(new Recorder(), { idle: [] as number[] });
    start(`https://${url}/live/a.flv`, flood(false));
    await until(() => recorder.outcome);
    expect(recorder.outcome).toMatchObject({ result: 'failed', reason: 'tls' });
  });

  it('leaves after the time that it wanted to stay', async () => {
    const { url } = await server(startSilentServer());
    const viewer = start(`rtmp://${url}/live/a`, flood(false, 20));
    await until(() => recorder.outcome);
    expect(recorder.outcome).toMatchObject({ result: 'ended', detail: 'connected, and left as planned' });
    expect(viewer.state).toBe('ended');
  });

  it('is refused, cut short, or not understood: each by its reason', async () => {
    const cases: [string, ConnectOnly, string][] = [
      [`127.0.0.1:${await freePort()}`, flood(false), 'refused'],
      [(await server(startSocketServer((socket) => socket.end()))).url, flood(false, 600_000), 'closed'],
      [(await server(startMuteServer())).url, flood(true, 600_000), 'closed'],
      [(await server(startGarbageServer())).url, flood(true), 'bad-response'],
    ];
    for (const [at, only, reason] of cases) {
      recorder = Object.assign(new Recorder(), { idle: [] as number[] });
      start(`rtmp://${at}/live/a`, only);
      await until(() => recorder.outcome);
      expect(recorder.outcome).toMatchObject({ result: 'failed', reason });
      expect(recorder.outcome?.detail).toMatch(/^[^\n]{20,400}$/);
    }
  });

  it('a refusal of the upgrade is the answer, by its status', async () => {
    const { url } = await server(
      startSocketServer((socket) => socket.once('data', () => socket.end('HTTP/1.1 403 No\r\n\r\n'))),
    );
    start(`ws://${url}/live/a.flv?secret=1`, flood(true));
    await until(() => recorder.outcome);
    expect(recorder.outcome).toMatchObject({ result: 'failed', reason: 'auth' });
    expect(recorder.outcome?.detail).not.toContain('secret');
  });

  it('does not wait for ever for the handshake', async () => {
    const peer = await server(startSilentServer());
    const viewer = start(`rtmp://${peer.url}/live/a`, flood(true), { timeouts: { handshakeMs: 3_000 } });
    await until(() => peer.received > 0);
    viewer.sweep(clock.now + 2_999);
    expect(recorder.outcome).toBeNull();
    viewer.sweep(clock.now + 3_000);
    expect(recorder.outcome).toMatchObject({ result: 'failed', reason: 'first-byte-timeout' });
  });
});

describe('idle', () => {
  it.each(urls)('says nothing, and tells how long the server bore it (%#)', async (urlAt) => {
    let close = (): void => {};
    const peer = await server(startSocketServer((socket) => (close = () => void socket.end())));
    const viewer = start(urlAt(peer.url), idle);
    await until(() => recorder.has('connected') && peer.accepted === 1);
    clock.now = 61_000;
    viewer.sweep(clock.now);
    expect(viewer.state).toBe('starting');
    close();
    await until(() => recorder.outcome);
    expect(recorder.idle).toEqual([60_000]);
    expect(peer.received).toBe(0);
    expect(recorder.outcome).toMatchObject({ result: 'ended', reason: null, lastedMs: 60_100 });
    expect(recorder.outcome?.detail).toMatch(/closed the idle connection after 60\.0 s/);
  });

  it('stays to the end where the server does', async () => {
    const peer = await server(startSilentServer());
    const viewer = start(`rtmp://${peer.url}/live/a`, idle);
    await until(() => recorder.has('connected'));
    viewer.stop();
    viewer.stop();
    expect(recorder.idle).toEqual([]);
    expect(recorder.outcome).toMatchObject({ result: 'ended', detail: 'the viewer left' });
  });

  it('that is refused has failed', async () => {
    start(`rtmp://127.0.0.1:${await freePort()}/live/a`, idle);
    await until(() => recorder.outcome);
    expect(recorder.outcome).toMatchObject({ result: 'failed', reason: 'refused' });
    expect(recorder.idle).toEqual([]);
  });
});
