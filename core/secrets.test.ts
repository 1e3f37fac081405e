import { describe, expect, it } from 'vitest';
import { withoutSecrets } from './secrets.ts';

describe('withoutSecrets', () => {
  it.each([
    ['rtmp://user:pass@h:1935/live/a?sign=9-abc', 'rtmp://…@h:1935/live/a?…'],
    ['http://u@h/a.flv', 'http://…@h/a.flv'],
    ['rtmp://u:hu@sh@h/live/a@b', 'rtmp://…@h/live/a@b'],
    ['rtmp://u:hu/sh@h/live/a', 'rtmp://…@h/live/a'],
    ['rtmp://[::1]:1935/live/@a', 'rtmp://[::1]:1935/live/@a'],
    ['rtmp://h:1935/live/@a', 'rtmp://h:1935/live/@a'],
    ['HTTPS://U:P@H/a.flv?t=1#x', 'HTTPS://…@H/a.flv?…'],
    ['http://h/a.flv', 'http://h/a.flv'],
    ['what? nothing@all', 'what? nothing@all'],
    [
      'cannot read http://u:p@h:9/f.mp4?t=1: http://u:p@h:9/f.mp4?t=1: refused. Type "ffmpeg -i \'http://u:p@h:9/f.mp4?t=1\' -f flv".',
      'cannot read http://…@h:9/f.mp4?…: http://…@h:9/f.mp4?…: refused. Type "ffmpeg -i \'http://…@h:9/f.mp4?…\' -f flv".',
    ],
  ])('%s', (text, shown) => {
    expect(withoutSecrets(text)).toBe(shown);
  });

  it('is found behind what is no scheme, too', () => {
    expect(withoutSecrets('1http://u:p@h/a refused.http://u:p@h/a')).toBe(
      '1http://…@h/a refused.http://…@h/a',
    );
  });

  it('takes a very long name in no time', () => {
    const address = `http://h/${'x'.repeat(200_000)}`;
    const startedMs = performance.now();
    expect(withoutSecrets(address)).toBe(address);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
