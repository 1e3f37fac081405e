import { afterEach, expect, it } from 'vitest';
import { builtEntry } from '../tests/kit/built-entry.ts';
import { signUrl } from './gate/sign.ts';
import { FlvViewer } from './ingest/fixtures/flv-viewer.ts';
import { publish, request, statusOf, until } from './ingest/fixtures/test-peers.ts';
import { fixture } from './ingest/fixtures/test-servers.ts';
import { startReferenceStack } from './reference-stack.ts';

const entries = { ingest: builtEntry('server/ingest/process') };
const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

it('publishes, serves and stops as one, with a signature where a secret says so', async () => {
  const playSecret = 'only for the test';
  const events: string[] = [];
  const stack = await startReferenceStack({
    entries,
    config: { ingest: { rtmpPort: 0, httpPort: 0 }, gate: { playSecret } },
    streamEvent: ({ kind, stream }) => events.push(`${kind} ${stream}`),
  });
  cleanUp.push(() => stack.stop());
  expect(stack.pids).toHaveLength(1);
  const publisher = publish(fixture('live.flv'), `${stack.rtmpUrl}/live/x`);
  cleanUp.push(() => publisher.end());
  await until('the stream was published', () => events.length > 0);
  const url = `${stack.httpUrl}/live/x.flv`;
  expect(await statusOf(request(Number(new URL(stack.httpUrl).port), '/live/x.flv'))).toBe(401);
  const viewer = new FlvViewer(signUrl(url, playSecret, Date.now() / 1_000 + 10));
  await until('media came', () => viewer.media.length > 10);
  expect(await stack.stats()).toMatchObject({
    viewers: 1,
    streams: [{ name: 'live/x', videoCodec: 'h264', viewers: 1 }],
  });
  await stack.stop();
  expect([viewer.ended, stack.pids]).toEqual(['complete', []]);
});

it('refuses a configuration that cannot be, before it starts anything', async () => {
  const config = { ingest: { rtmpPort: -1 } };
  await expect(startReferenceStack({ entries, config })).rejects.toThrow('rtmpPort');
});
