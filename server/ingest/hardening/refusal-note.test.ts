/** Each refusal is a line in the log; no line of any level has a secret or a signature in it. */
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { builtEntry } from '../../../tests/kit/built-entry.ts';
import { sign } from '../../gate/sign.ts';
import {
  connectRtmp,
  publish,
  RawSocket,
  request,
  statusOf,
  until,
  upgrade,
} from '../fixtures/test-peers.ts';
import { fixture } from '../fixtures/test-servers.ts';
import { startIngest } from '../supervisor.ts';

const cleanUp: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

it('says what was asked, by whom, for which stream, and why not; and nothing that is secret', async () => {
  const lines: string[] = [];
  const sink = new Writable({
    write: (line, _, done) => {
      lines.push(String(line));
      done();
    },
  });
  const secrets = ['hush-publish-secret', 'hush-play-secret', 'hush-old-secret', 'hush-internal'] as const;
  const [publishSecret, playSecret, oldSecret, internalSecret] = secrets;
  const ingest = await startIngest({
    entry: builtEntry('server/ingest/process'),
    log: pino({ level: 'trace', base: null }, sink),
    publishSecret,
    playSecrets: [playSecret, oldSecret],
    internalSecret,
    maxLifetimeS: 600,
    allowedOrigins: ['tv.test'],
    limits: { viewersPerStream: 1 },
    requestTimeoutMs: 1_000,
  });
  cleanUp.push(() => ingest.stop());
  const { rtmpPort, httpPort } = ingest;
  const nowS = Math.floor(Date.now() / 1_000);
  const signed = (secret: string, expiresAtS = nowS + 60) => `sign=${sign('/live/x', secret, expiresAtS)}`;
  const publisher = publish(
    fixture('live.flv'),
    `rtmp://127.0.0.1:${rtmpPort}/live/x?${signed(publishSecret)}`,
  );
  cleanUp.push(() => publisher.end());
  await until('the stream was published', async () => (await ingest.stats()).streams.length > 0);

  const peers: RawSocket[] = [];
  const get = (query: string, ...headers: string[]) => {
    const peer = request(httpPort, `/live/x.flv?${query}`, 'GET', headers);
    peers.push(peer);
    return statusOf(peer);
  };
  expect(await get(signed(oldSecret))).toBe(200);
  const told = async (status: number, reason: string, ask: Promise<number | null>) => {
    const before = lines.length;
    expect(await ask, reason).toBe(status);
    const found = () =>
      lines
        .slice(before)
        .map((line) => JSON.parse(line))
        .filter(({ msg }) => msg === 'refused');
    await until(`a line said ${reason}`, () => found().length > 0);
    expect(found(), reason).toEqual([expect.objectContaining({ reason, answer: status, level: 30 })]);
    return found()[0];
  };
  expect(await told(401, 'signature-missing', get(''))).toMatchObject({
    role: 'play',
    stream: '/live/x',
    transport: 'http-flv',
    peer: '127.0.0.1',
  });
  await told(403, 'signature-wrong', get(signed('another-secret')));
  await told(403, 'signature-expired', get(signed(playSecret, nowS - 60)));
  await told(403, 'signature-lifetime', get(signed(playSecret, nowS + 6_000)));
  await told(403, 'hotlink', get(signed(playSecret), 'Origin: https://evil.test'));
  await told(503, 'stream-full', get(signed(playSecret)));
  await told(
    409,
    'already-published',
    statusOf(request(httpPort, `/live/x.flv?${signed(publishSecret)}`, 'POST')),
  );
  await told(
    404,
    'not-found',
    statusOf(request(httpPort, `/live/y.flv?sign=${sign('/live/y', playSecret, nowS + 9)}`)),
  );
  await told(400, 'bad-name', statusOf(request(httpPort, `/live/x.y.flv?${signed(playSecret)}`)));
  await told(404, 'no-such-path', statusOf(request(httpPort, `/hush?${signed(playSecret)}`)));
  await told(405, 'bad-method', statusOf(request(httpPort, `/live/x.flv?${signed(playSecret)}`, 'DELETE')));
  await told(431, 'bad-request', get(signed(playSecret), `X-Large: ${'x'.repeat(20_000)}`));
  await told(
    400,
    'bad-request',
    statusOf(new RawSocket(httpPort).send(`GET /live/x.flv?${signed(playSecret)} HUSH\r\n\r\n`)),
  );
  await told(
    408,
    'bad-request',
    statusOf(new RawSocket(httpPort).send(`GET /live/x.flv?${signed(playSecret)} HTTP/1.1\r\n`)),
  );
  await told(401, 'signature-missing', statusOf(upgrade(httpPort, '/live/x.flv', 'publisher')));

  const before = lines.length;
  const viewer = (await connectRtmp(rtmpPort)).play(`x?${signed('another-secret')}`);
  const stranger = await connectRtmp(rtmpPort, `a/b?${signed(playSecret)}`);
  await until('both were turned away', () => viewer.closed && stranger.closed);
  const rtmpLines = () => lines.slice(before).filter((line) => line.includes('"refused"'));
  await until('both are in the log', () => rtmpLines().length === 2);
  expect(
    rtmpLines()
      .map((line) => JSON.parse(line).answer)
      .sort(),
  ).toEqual(['NetConnection.Connect.Rejected', 'NetStream.Play.Unauthorized']);
  for (const peer of peers) peer.end();
  await ingest.stop();

  const all = lines.join('');
  expect(all).toContain('"level":20');
  for (const secret of secrets) expect(all).not.toContain(secret);
  expect(all).not.toMatch(/\d{9,}-[0-9a-f]{32}|sign=/);
});
