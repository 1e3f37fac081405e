import { fork } from 'node:child_process';
import { once } from 'node:events';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { builtEntry } from '../../tests/kit/built-entry.ts';
import { backOffMs } from '../supervision/back-off.ts';
import { FlvViewer } from './fixtures/flv-viewer.ts';
import { connectRtmp, publish, request, statusOf, until } from './fixtures/test-peers.ts';
import { fixture } from './fixtures/test-servers.ts';
import { defaultOriginOptions } from './origin-options.ts';
import { type IngestHandle, type IngestOptions, startIngest } from './supervisor.ts';

const entry = builtEntry('server/ingest/process');
const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

async function start(options: Partial<IngestOptions> = {}): Promise<IngestHandle> {
  const ingest = await startIngest({ entry, ...options });
  cleanUp.push(() => ingest.stop());
  return ingest;
}

const lives = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it('starts the process anew on the same ports when it dies, and says that its streams ended', async () => {
  const events: string[] = [];
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const ingest = await start({ streamEvent: ({ kind, stream }) => events.push(`${kind} ${stream}`), log });
  const { rtmpPort, httpPort, pid, rtmpUrl, httpUrl } = ingest;
  expect([rtmpUrl, httpUrl]).toEqual([`rtmp://127.0.0.1:${rtmpPort}`, `http://127.0.0.1:${httpPort}`]);
  const publisher = publish(fixture('live.flv'), `${rtmpUrl}/live/x`);
  cleanUp.push(() => publisher.end());
  await until('the stream was published', () => events.length > 0);
  const viewer = new FlvViewer(`${httpUrl}/live/x.flv`);
  await until('media came', () => viewer.media.length > 5);

  process.kill(pid!, 'SIGKILL');
  await until('the viewer was cut', () => viewer.ended === 'cut');
  await until('the stream was said to have ended', () => events.length === 2);
  expect(events).toEqual(['published live/x', 'unpublished live/x']);
  await until('it is back', () => ingest.pid !== null && lines.some((line) => line.includes('is back')));
  expect([ingest.rtmpPort, ingest.httpPort, ingest.restarts]).toEqual([rtmpPort, httpPort, 1]);
  expect(ingest.pid).not.toBe(pid);
  expect(await statusOf(request(httpPort, '/healthz'))).toBe(200);
  const again = publish(fixture('live.flv'), `${rtmpUrl}/live/x`);
  cleanUp.push(() => again.end());
  await until('the stream was published again', () => events.length === 3);
  expect(lines.some((line) => line.includes('stream published') && line.includes('/live/x'))).toBe(true);
});

it('statistics fail with a sentence while it is down, and stop ends the restarting', async () => {
  const ingest = await start({ random: () => 1 });
  const { pid } = ingest;
  process.kill(pid!, 'SIGKILL');
  await until('its death was seen', () => ingest.pid === null);
  await expect(ingest.stats()).rejects.toMatchObject({ code: 'INGEST_DOWN' });
  await ingest.stop();
  expect(ingest.pid).toBe(null);
});

it('kills a process that does not stop within the time limit', async () => {
  const ingest = await start({ stopTimeoutMs: 300 });
  const { pid } = ingest;
  process.kill(pid!, 'SIGSTOP');
  const startedMs = performance.now();
  await ingest.stop();
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  expect(lives(pid!)).toBe(false);
});

it('the process ends when its parent is killed', async () => {
  const options = JSON.stringify(defaultOriginOptions);
  const parent = fork(fixture('lone-parent.mjs'), [entry, options], { execArgv: [], silent: true });
  cleanUp.push(() => void parent.kill('SIGKILL'));
  const [{ pid }] = await once(parent, 'message');
  expect(lives(pid)).toBe(true);
  parent.kill('SIGKILL');
  await until('the child has ended too', () => !lives(pid), 2_000);
});

it('Ctrl-C, which reaches the child too, leaves the stop to its parent', async () => {
  const ingest = await start();
  const connection = await connectRtmp(ingest.rtmpPort);
  process.kill(ingest.pid!, 'SIGINT');
  expect((await ingest.stats()).connections).toBe(1);
  expect([connection.closed, ingest.restarts]).toEqual([false, 0]);
  connection.end();
});

it.each([
  [{ entry: '/nowhere/process.js' }, 'INGEST_DIED', /ended at its start/],
  [{ host: '192.0.2.1' }, 'HOST_UNKNOWN', '192.0.2.1 is not an address of this machine'],
])('a start that cannot be: %j', async (options, code, message) => {
  const failure = await startIngest({ entry, ...options }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code });
  expect((failure as Error).message).toMatch(message);
});

it('waits longer after each death, up to a limit', () => {
  expect([0, 1, 2, 3].map((attempt) => backOffMs(attempt, 0))).toEqual([50, 100, 200, 400]);
  expect([0, 1, 2, 3].map((attempt) => backOffMs(attempt, 1))).toEqual([100, 200, 400, 800]);
  expect(backOffMs(1_000, 1)).toBe(10_000);
});
