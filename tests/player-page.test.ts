/** The player page in a real browser: real players of real streams, whose figures are held against the simulated viewer's. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fastify } from 'fastify';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIngest } from '../server/ingest/supervisor.ts';
import { findPlayerFiles } from '../server/player-page/player-files.ts';
import { type PlayerPageOptions, playerPage } from '../server/player-page/plugin.ts';
import { openPage, startBrowser, type WatchedPage } from './kit/browser.ts';
import { builtEntry } from './kit/built-entry.ts';
import { type RunningCli, runCli, startCli, summaryOf, valuesOf } from './kit/cli.ts';
import { startHlsOrigin } from './kit/hls-origin.ts';
import { encodedMedia } from './kit/live-media.ts';
import { requireTool } from './kit/tools.ts';

const chromium = requireTool('chromium', 'the player page in a browser');
const { resolve } = createRequire(import.meta.url);
const files = findPlayerFiles(builtEntry('server/player-page/browser/main'), resolve);

type Later = (cleanUp: () => Promise<unknown>) => void;
type Figure =
  | 'first-frame'
  | 'latency'
  | 'picture-latency'
  | 'buffer'
  | 'stalls'
  | 'bitrate'
  | 'dropped'
  | 'size';

/** The page at an origin of its own, with a list of streams. */
async function servePage(options: Omit<PlayerPageOptions, 'files'>, streams: readonly string[] = []) {
  const server = fastify();
  await server.register(playerPage, { prefix: '/player', files, ...options });
  server.get('/api/streams', () => ({ streams: streams.map((name) => ({ name })) }));
  const origin = await server.listen({ host: '127.0.0.1', port: 0 });
  return { origin, url: `${origin}/player/`, stop: () => server.close() };
}

const figure = async (page: Page, name: Figure): Promise<string> =>
  (await page.locator(`#figure-${name}`).textContent()) ?? '';

/** A figure as a number: `1,234 ms` and `12.3 s` in milliseconds, `640 kbit/s` and `1.20 Mbit/s` in bit/s. */
async function numberOf(page: Page, name: Figure): Promise<number> {
  const [, digits = '', unit = ''] = /^([-\d.,]+)\s*(\S*)/.exec(await figure(page, name)) ?? [];
  const scale = { s: 1e3, 'kbit/s': 1e3, 'Mbit/s': 1e6 }[unit] ?? 1;
  return Number(digits.replaceAll(',', '') || Number.NaN) * scale;
}

const statusOf = async (page: Page): Promise<string> => (await page.locator('#status').textContent()) ?? '';
const currentTime = (page: Page): Promise<number> =>
  page.locator('video').evaluate((video) => (video as unknown as { currentTime: number }).currentTime);

/** The first frame has been shown, and the picture moves. The page's policy forbids what Playwright's own waiting would do. */
async function plays(page: Page): Promise<void> {
  await expect.poll(() => statusOf(page), { timeout: 20_000 }).toMatch(/^Playing /);
  const before = await currentTime(page);
  await expect.poll(() => currentTime(page), { timeout: 10_000 }).toBeGreaterThan(before + 1);
}

describe.skipIf(chromium === null)('the player page', () => {
  let browser: Browser;
  let ingest: Awaited<ReturnType<typeof startIngest>>;
  let publisher: RunningCli;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-player-page-'));
    browser = await startBrowser(chromium!);
    ingest = await startIngest({ entry: builtEntry('server/ingest/process') });
    publisher = startCli(
      ['publish', `${ingest.rtmpUrl}/live/room`, '--source', 'testcard', '--gop', '1s', '--json'],
      { timeoutMs: 600_000 },
    );
    await publisher.sees(/"event":"up"/);
  });
  afterAll(async () => {
    await browser?.close();
    await publisher?.stop();
    await ingest?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function open(
    later: Later,
    search: string,
    how: { streams?: readonly string[]; context?: Parameters<typeof openPage>[1] } = {},
  ): Promise<WatchedPage & { origin: string }> {
    const flv = { port: Number(new URL(ingest.httpUrl).port) };
    const { origin, url, stop } = await servePage(
      { flv, ...(how.streams ? { streamsUrl: '/api/streams' } : {}) },
      how.streams,
    );
    later(stop);
    const watched = await openPage(browser, how.context);
    later(() => watched.page.context().close());
    await watched.page.goto(`${url}${search}`);
    return { ...watched, origin };
  }

  /** Plays for some seconds beside a simulated viewer of `url`; gives the page's figures and that viewer's median latency. */
  async function compare(page: Page, url: string, name: string, ...flags: string[]) {
    await plays(page);
    const out = path.join(folder, name);
    const simulated = await runCli([
      'watch',
      url,
      '--viewers',
      '1',
      '--duration',
      '7s',
      '--json',
      '--out',
      out,
      ...flags,
    ]);
    const latencyMs = await numberOf(page, 'latency');
    const pictureLatencyMs = await numberOf(page, 'picture-latency');
    return { latencyMs, pictureLatencyMs, simulatedMs: valuesOf(summaryOf(simulated), 'latency_ms').med! };
  }

  it.each(['http-flv', 'ws-flv'] as const)(
    'plays %s, with the latency of the simulated viewer',
    async (protocol) => {
      await withCleanUp(async (later) => {
        const opened = await open(later, `?stream=live/room&protocol=${protocol}`);
        const { page, errors, origins, origin } = opened;
        const url = `${ingest.httpUrl.replace(/^http/, protocol === 'ws-flv' ? 'ws' : 'http')}/live/room.flv`;
        const { latencyMs, pictureLatencyMs, simulatedMs } = await compare(page, url, protocol);
        // Two ways to the same truth: what the container carries, and what the decoder made of the picture.
        expect(Math.abs(latencyMs - pictureLatencyMs)).toBeLessThan(250);
        // The page lets up to 1.5 s of media gather; the simulated viewer keeps what its cached GOP of up to 1 s gave it.
        expect(Math.abs(latencyMs - simulatedMs)).toBeLessThan(1_500);
        expect(await numberOf(page, 'first-frame')).toBeLessThan(5_000);
        expect(await numberOf(page, 'stalls')).toBe(0);
        expect(await figure(page, 'size')).toBe('640 × 360');
        expect(await numberOf(page, 'buffer')).toBeGreaterThan(50);
        expect(await numberOf(page, 'bitrate')).toBeGreaterThan(100_000);
        expect(errors).toEqual([]);
        expect([...origins].sort()).toEqual([origin, new URL(url).origin].sort());
      });
    },
  );

  it.each(['ts', 'fmp4'] as const)(
    'plays HLS in %s, with the latency of the simulated viewer',
    async (container) => {
      await withCleanUp(async (later) => {
        const variants = [{ name: 'v', media: await encodedMedia(), bandwidth: 800_000 }];
        const hls = await startHlsOrigin({ variants, container });
        later(() => hls.stop());
        const hlsUrl = new URL(hls.url).origin;
        const page = await servePage({ flv: { port: 1 }, hlsUrl });
        later(page.stop);
        const watched = await openPage(browser);
        later(() => watched.page.context().close());
        await watched.page.goto(`${page.url}?stream=live/main&protocol=hls`);
        const { latencyMs, simulatedMs } = await compare(
          watched.page,
          hls.url,
          `hls-${container}`,
          '--player',
          'hls.js',
        );
        // Both begin three segments of a second behind the end of the playlist, in the middle of a segment or at its start.
        expect(Math.abs(latencyMs - simulatedMs)).toBeLessThan(1_500);
        expect(await numberOf(watched.page, 'stalls')).toBe(0);
        expect(await numberOf(watched.page, 'bitrate')).toBeGreaterThan(20_000);
        expect(watched.errors).toEqual([]);
        expect([...watched.origins].sort()).toEqual([page.origin, hlsUrl].sort());
      });
    },
  );

  it('is worked with the keyboard alone', async () => {
    await withCleanUp(async (later) => {
      const { page } = await open(later, '?stream=live/room', { streams: ['live/other', 'live/room'] });
      await plays(page);
      const chosen = (): Promise<unknown> =>
        page.evaluate(
          "[document.getElementById('stream-list').value, document.querySelector('input:checked').value]",
        );
      const paused = (): Promise<unknown> => page.evaluate("document.getElementById('video').paused");
      expect(await chosen()).toEqual(['live/room', 'http-flv']);

      const reached: unknown[] = [];
      for (let stop = 0; stop < 6; stop++) {
        await page.keyboard.press('Tab');
        reached.push(await page.evaluate('document.activeElement.id'));
        expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      }
      expect(reached).toEqual(['stream-list', 'protocol-http-flv', 'watch', 'video', 'play', 'sound']);

      await page.locator('video').focus();
      await page.keyboard.press('Space');
      await expect.poll(paused).toBe(true);
      expect(await page.locator('#play').textContent()).toBe('Play');
      await page.keyboard.press('Space');
      await expect.poll(paused).toBe(false);
      await page.keyboard.press('m');
      await expect.poll(() => page.locator('#sound').getAttribute('aria-pressed')).toBe('true');

      await page.keyboard.press('ArrowRight');
      expect(await chosen()).toEqual(['live/room', 'ws-flv']);
      await plays(page);
      // Past HLS: WHEP is not there, so it is round the end.
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowDown');
      expect(await chosen()).toEqual(['live/other', 'http-flv']);
      await expect
        .poll(() => statusOf(page))
        .toMatch(/^Nobody publishes this stream \(404\)\. Trying again in \d s\.$/);
    });
  });

  it('goes on when a publisher that has gone is back', async () => {
    await withCleanUp(async (later) => {
      const start = async (): Promise<RunningCli> => {
        const running = startCli([
          'publish',
          `${ingest.rtmpUrl}/live/back`,
          '--source',
          'recording',
          '--gop',
          '1s',
          '--json',
        ]);
        later(() => running.stop());
        await running.sees(/"event":"up"/);
        return running;
      };
      const first = await start();
      const { page } = await open(later, '?stream=live/back');
      await plays(page);
      await first.stop();
      await expect.poll(() => statusOf(page), { timeout: 10_000 }).toMatch(/Trying again in \d s\.$/);
      await start();
      await plays(page);
    });
  });

  it.each(['light', 'dark'] as const)(
    'fits a phone of 360 px and can be read, in %s',
    async (colorScheme) => {
      await withCleanUp(async (later) => {
        const context = { viewport: { width: 360, height: 740 }, colorScheme };
        const { page, errors } = await open(later, '', { streams: ['live/room'], context });
        await plays(page);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
        const unnamed = `[...document.querySelectorAll('input, select, button, video')].filter(
        (control) => control.checkVisibility() && !control.labels?.length && !control.ariaLabel && !control.textContent.trim()
      ).map((control) => control.id)`;
        expect(await page.evaluate(unnamed)).toEqual([]);
        const small = `[...document.querySelectorAll('select, button, .protocol')].filter(
        (control) => control.getBoundingClientRect().height < 44).map((control) => control.id)`;
        expect(await page.evaluate(small)).toEqual([]);
        const inks = await page.evaluate(`[...document.querySelectorAll('main *')].flatMap((element) => {
        if (![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) || !element.checkVisibility()) return [];
        let behind = element;
        while (getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
        return [[element.textContent, getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]];
      })`);
        const faint = (inks as [string, string, string][]).filter(
          ([, ink, paper]) => contrast(ink, paper) < 4.5,
        );
        expect(faint).toEqual([]);
        expect((inks as unknown[]).length).toBeGreaterThan(20);
        expect(errors).toEqual([]);
      });
    },
  );

  it('sends each file once, compressed, under a policy without loopholes', async () => {
    await withCleanUp(async (later) => {
      const { origin, url, stop } = await servePage({ flv: { port: 8000 } });
      later(stop);
      const page = await fetch(url);
      const policy = page.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(policy).toContain("connect-src 'self' http://127.0.0.1:8000 ws://127.0.0.1:8000;");
      expect(policy).not.toMatch(/unsafe|\*/);
      expect((await fetch(`${origin}/player`, { redirect: 'manual' })).headers.get('location')).toBe(
        '/player/',
      );
      for (const name of ['', 'player.js', 'mpegts.js', 'hls.js', 'style.css', 'icon.svg']) {
        const first = await fetch(url + name);
        expect([first.status, first.headers.get('content-encoding')]).toEqual([200, 'gzip']);
        expect(await first.text()).not.toMatch(/^\/\/# sourceMappingURL=/m);
        const again = await fetch(url + name, {
          headers: { 'if-none-match': first.headers.get('etag') ?? '' },
        });
        expect(again.status).toBe(304);
      }
    });
  });
});

/** Runs a test, then what it put off to its end, last first. */
async function withCleanUp(test: (later: Later) => Promise<void>): Promise<void> {
  const cleanUps: (() => Promise<unknown>)[] = [];
  try {
    await test((cleanUp) => cleanUps.push(cleanUp));
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

/** WCAG 2.2, contrast ratio of two opaque colours as `rgb(1, 2, 3)`. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((digits) => {
    const level = Number(digits) / 255;
    return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
