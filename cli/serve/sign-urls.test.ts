import { describe, expect, it } from 'vitest';
import { serverConfigSchema } from '../../server/config.ts';
import { sign } from '../../server/gate/sign.ts';
import { signedText, signStreamUrls } from './sign-urls.ts';

const nowMs = 1_000_000_500;
const config = serverConfigSchema.parse({
  gate: { playSecrets: ['the new play secret', 'the old play secret'], maxLifetimeS: 3_600 },
});

describe('signed URLs of a stream', () => {
  it('are signed with the newest key, where there is one', () => {
    const query = `?sign=${sign('/live/room', 'the new play secret', 1_003_600)}`;
    expect(signStreamUrls('live/room', 3_600_000, config, nowMs)).toEqual({
      expires: '1970-01-12T14:46:40.000Z',
      publish: { rtmp: 'rtmp://127.0.0.1:1935/live/room' },
      play: {
        rtmp: `rtmp://127.0.0.1:1935/live/room${query}`,
        flv: `http://127.0.0.1:8000/live/room.flv${query}`,
        ws: `ws://127.0.0.1:8000/live/room.flv${query}`,
        hls: `http://127.0.0.1:8080/live/room.m3u8${query}`,
      },
    });
  });

  it('are over TLS too where there is TLS, and are shown without the secret', () => {
    const secure = serverConfigSchema.parse({
      ...config,
      tls: 'development',
      gate: { publishSecret: 'a secret of ours' },
    });
    const urls = signStreamUrls('/live/room', 1_000, secure, nowMs);
    expect(urls.publish['rtmps']).toMatch(/^rtmps:\/\/127\.0\.0\.1:1936\/live\/room\?sign=/);
    expect(urls.play).toMatchObject({
      rtmps: 'rtmps://127.0.0.1:1936/live/room',
      flvTls: 'https://127.0.0.1:8443/live/room.flv',
      hls: 'https://127.0.0.1:8080/live/room.m3u8',
    });
    expect(signedText(urls)).toMatch(/^Publish\n {2}rtmp:.*\n {2}rtmps:.*\n\nPlay\n(.*\n)+\nGood until 1970/);
    expect(signedText(urls)).not.toContain('a secret of ours');
  });

  it.each([
    ['room', 1_000, config, 'expected APPLICATION/NAME'],
    ['live/a/b', 1_000, config, 'expected APPLICATION/NAME'],
    ['live/../x', 1_000, config, 'expected APPLICATION/NAME'],
    ['live/room', 3_601_000, config, 'gate.maxLifetimeS allows 3600 s at most'],
    ['live/room', 1_000, serverConfigSchema.parse({}), 'gate.publishSecret or gate.playSecret'],
  ])('%s for %d ms: refused in a sentence', (stream, forMs, given, sentence) => {
    expect(() => signStreamUrls(stream, forMs, given, nowMs)).toThrow(sentence);
  });
});
