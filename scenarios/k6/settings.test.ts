import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.ts';

const URL = 'ws://127.0.0.1:8000/live/room-1.flv';

describe('readSettings of the k6 script', () => {
  it('needs only a URL', () => {
    expect(readSettings({ URL })).toMatchObject({
      url: URL,
      shown: URL,
      stream: 'live/room-1',
      vus: 1,
      durationMs: 30_000,
      player: { name: 'mpegts.js' },
      firstFrameP95Ms: 3_000,
    });
  });

  it('takes the number of viewers, how long they watch, the player and the limits', () => {
    const env = {
      URL,
      VUS: '20',
      DURATION: '1.5m',
      PLAYER: 'plain',
      FIRST_FRAME_P95: '900',
      LATENCY_P95: '1200',
    };
    expect(readSettings(env)).toMatchObject({
      vus: 20,
      durationMs: 90_000,
      player: { name: 'plain' },
      firstFrameP95Ms: 900,
      latencyP95Ms: 1_200,
    });
  });

  it('shows a URL without user, password and signature', () => {
    const secret = { URL: 'wss://me:s3cret@host/app/inst/name.flv?sign=123-abc' };
    expect(readSettings(secret)).toMatchObject({
      shown: 'wss://host/app/inst/name.flv',
      stream: 'app/inst/name',
    });
  });

  it.each([
    [{}, 'URL is missing: which stream? For example: k6 run -e URL=ws://'],
    [{ URL: 'http://host/live/x.flv' }, 'URL must be ws://'],
    [{ URL: 'ws://host/live/x.m3u8' }, 'URL must be ws://'],
    [{ URL, VUS: '0' }, 'VUS must be a whole number above 0, got "0"'],
    [{ URL, VUS: 'ten' }, 'VUS must be a whole number above 0, got "ten"'],
    [{ URL, DURATION: '30' }, 'DURATION must look like 500ms, 30s or 5m, got "30"'],
    [{ URL, PLAYER: 'vlc' }, 'PLAYER must be one of mpegts.js, hls.js'],
  ])('refuses %j in one sentence', (env, words) => {
    expect(() => readSettings(env)).toThrow(words);
  });
});
