/** `streamgauge probe`: what it says of streams whose every property is known, and of those that cannot be had. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeResult } from '../probes/timing-probe.ts';
import { startSilentServer, startStatusServer } from './kit/bad-servers.ts';
import { runCli, startCli } from './kit/cli.ts';
import { freePort } from './kit/free-port.ts';
import { startLink } from './kit/link.ts';
import { type KnownStream, startTruthServer } from './kit/truth-server.ts';

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of cleanUp.splice(0).reverse()) await stop();
});

/** 600 kbit/s as FLV, a key frame each second, and no cache. */
const steady: KnownStream = { fps: 25, gopFrames: 25, frameBytes: 2_985 };

async function serve(stream: KnownStream) {
  const server = await startTruthServer(stream);
  cleanUp.push(server.stop);
  return server;
}

async function probe(...args: string[]) {
  const result = await runCli(['probe', ...args, '--json']);
  return { ...result, found: JSON.parse(result.stdout) as ProbeResult[] };
}

const sentences = ({ findings }: ProbeResult) =>
  Object.fromEntries(findings.map(({ subject, level, sentence }) => [subject, `${level}: ${sentence}`]));

describe('a probe of a known stream', () => {
  it('measures over both protocols what the stream is', async () => {
    const server = await serve(steady);
    const { code, found } = await probe(
      `http://127.0.0.1:${server.httpPort}/live/known.flv`,
      `rtmp://127.0.0.1:${server.rtmpPort}/live/known`,
      '--for',
      '5s',
    );
    expect(code).toBe(0);
    expect(found.map(({ protocol, stream, level }) => [protocol, stream, level])).toEqual([
      ['http-flv', 'live/known', 'ok'],
      ['rtmp', 'live/known', 'ok'],
    ]);
    for (const result of found) {
      expect(sentences(result)).toMatchObject({
        picture: 'ok: h264 Constrained Baseline@1.3 (avc1.42c00d) 320×240, no audio.',
        'key frames': 'ok: A key frame every 1,000 ms, at most 1,000 ms apart.',
        timestamps: 'ok: Timestamps rise without a gap.',
        frames: expect.stringMatching(/^ok: 0 of \d+ frames missing/),
        stalls: 'ok: No stall.',
      });
      const value = (name: string) => result.metrics.find((metric) => metric.name === name)?.values;
      expect(value('fps')?.avg).toBeGreaterThan(24);
      expect(value('fps')?.avg).toBeLessThan(26);
      expect(value('gop_ms')).toMatchObject({ min: 1_000, max: 1_000 });
      // Without the container's 15 bytes a frame: 597 kbit/s.
      expect(result.counts.mediaBytes / result.counts.videoFrames).toBeCloseTo(2_985, -1.5);
      expect(value('delivery_ms')?.med).toBeLessThan(100);
      expect(result.outcome.figures.firstFrameMs).toBeLessThan(1_500);
    }
  });

  it('finds missing frames and a stall, and ends with the code of a threshold that was crossed', async () => {
    const server = await serve({ ...steady, dropEvery: 20 });
    const link = await startLink({ port: server.httpPort });
    cleanUp.push(link.stop);
    const probing = probe(`http://127.0.0.1:${link.port}/live/known.flv`, '--for', '8s');
    await expect.poll(() => link.bytesDown, { timeout: 20_000 }).toBeGreaterThan(150_000);
    link.cut(2_000);
    const { code, found } = await probing;
    expect(code).toBe(99);
    expect(found[0]?.level).toBe('bad');
    const { frames, stalls } = sentences(found[0] as ProbeResult);
    expect(stalls).toMatch(/^bad: Once the picture stood still, [\d,]+ ms in all\.$/);
    const share = Number(/\((\d+\.\d+) %\)/.exec(frames ?? '')?.[1]);
    expect(frames).toMatch(/^bad: /);
    expect(share).toBeGreaterThan(4);
    expect(share).toBeLessThan(6);
  });

  it('prints a diagnosis for people, and none of the secrets in the address', async () => {
    const server = await serve(steady);
    const url = `http://user:hush@127.0.0.1:${server.httpPort}/live/known.flv?sign=9-hush`;
    const { code, stdout, stderr } = await runCli(['probe', url, '--for', '2s']);
    expect(code).toBe(0);
    expect(stdout).toContain(`http://…@127.0.0.1:${server.httpPort}/live/known.flv?…\n`);
    expect(stdout).toMatch(/^ {2}✓ reach +First frame after [\d,]+ ms\.$/m);
    expect(stdout + stderr).not.toContain('hush');
  });

  it('is ended by Ctrl-C with what was seen until then', async () => {
    const server = await serve(steady);
    const running = startCli(['probe', `rtmp://127.0.0.1:${server.rtmpPort}/live/known`, '--for', '1m']);
    cleanUp.push(running.stop);
    await running.sees(/Looking at the stream/);
    await new Promise((wake) => setTimeout(wake, 3_000));
    running.child.kill('SIGINT');
    const { code, stdout } = await running.done;
    expect(code).toBe(105);
    expect(stdout).toMatch(/✓ reach +First frame after/);
  });
});

describe('a probe of what cannot be had', () => {
  it('ends with 95 where nobody answers, and says so', async () => {
    const silent = await startSilentServer();
    cleanUp.push(silent.stop);
    const closed = await freePort();
    const { code, found } = await probe(
      `rtmp://127.0.0.1:${closed}/live/a`,
      `http://${silent.url}/live/a.flv`,
    );
    expect(code).toBe(95);
    expect(found.map(({ outcome }) => outcome.reason)).toEqual(['refused', 'first-byte-timeout']);
    for (const { outcome, findings } of found) expect(findings[0]?.sentence).toBe(outcome.detail);
  });

  it('ends with 99 where somebody answers and says no', async () => {
    const server = await startStatusServer(404, 'Not Found');
    cleanUp.push(server.stop);
    const { code, found } = await probe(`http://${server.url}/live/a.flv`);
    expect(code).toBe(99);
    expect(found[0]?.outcome.reason).toBe('not-found');
  });

  it.each([
    ['rtmp://127.0.0.1/', /names no app/],
    ['gopher://127.0.0.1/live/a', /cannot be played/],
    ['http://127.0.0.1/live/a.mp4', /ends in neither \.flv nor \.m3u8/],
  ])('refuses %s as wrong usage', async (url, sentence) => {
    const { code, stderr, stdout } = await runCli(['probe', url], { timeoutMs: 10_000 });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
