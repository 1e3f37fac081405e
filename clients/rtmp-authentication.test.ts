import { describe, expect, it } from 'vitest';
import { parseRtmpUrl } from '../core/rtmp/url.ts';
import { RtmpAuthentication } from './rtmp-authentication.ts';

const url = parseRtmpUrl('rtmp://bob:s3cret@host/live/x');
const who = '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ';
const proof =
  '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=bob&salt=SalT+/=&challenge=ChAl==';

/** Gives the digits of what ffmpeg took for its challenge when its answer was recorded. */
function digits(text: string): () => number {
  let next = 0;
  return () => Number.parseInt(text[next++ % text.length]!, 16) / 16;
}

describe('user and password of an RTMP URL', () => {
  it('are proven in two steps, as ffmpeg does it', () => {
    const authentication = new RtmpAuthentication(url, digits('610bc1f0'));
    expect(authentication.url).toBe(url);
    expect(authentication.answer(who)).toBe(true);
    expect(authentication.url.app).toBe('live?authmod=adobe&user=bob');
    expect(authentication.answer(proof)).toBe(true);
    expect(authentication.url.app).toMatch(
      /^live\?authmod=adobe&user=bob&challenge=[0-9a-f]{8}&response=[\w+/]{22}==$/,
    );
    expect(authentication.url.app).not.toContain('s3cret');
  });

  it('are not proven for ever to a server that goes on asking', () => {
    const authentication = new RtmpAuthentication(url, Math.random);
    expect([who, proof, proof, who].map((question) => authentication.answer(question))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    authentication.reset();
    expect(authentication.url).toBe(url);
    expect(authentication.answer(who)).toBe(true);
  });

  it('are kept when the refusal is about something else', () => {
    const authentication = new RtmpAuthentication(url, Math.random);
    expect(authentication.answer('no such application')).toBe(false);
    expect(authentication.url).toBe(url);
  });
});
