import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { answerAdobeAuth } from './adobe-auth.ts';
import { parseRtmpUrl } from './url.ts';

const url = parseRtmpUrl('rtmp://bob:s3cret@host/live/x');
const tools = (challenge: string) => ({
  md5: (bytes: Uint8Array) => new Uint8Array(createHash('md5').update(bytes).digest()),
  challenge,
});
const question =
  '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=bob&salt=SalT+/=&challenge=ChAl==';

describe('answerAdobeAuth', () => {
  it('names the user when the server wants to know one', () => {
    const refusal = '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ';
    expect(answerAdobeAuth(url, refusal, tools('00000000'))).toEqual({
      ...url,
      app: 'live?authmod=adobe&user=bob',
      tcUrl: 'rtmp://host/live?authmod=adobe&user=bob',
    });
  });

  // What ffmpeg 5.1 answered a server session of ours with these questions, its own challenge being random.
  it.each([
    ['challenge', question, '610bc1f0', 'S9/3z1GwYTOKpqXJkY9Pvw=='],
    ['opaque', `${question}&opaque=OpaQ==`, '7071e4e4', '5TCUXpG+2Kt/2paVJKvxLQ==&opaque=OpaQ=='],
  ])('answers with %s as ffmpeg does', (_, description, challenge, response) => {
    const query = `?authmod=adobe&user=bob&challenge=${challenge}&response=${response}`;
    expect(answerAdobeAuth(url, description, tools(challenge))).toEqual({
      ...url,
      app: `live${query}`,
      tcUrl: `rtmp://host/live${query}`,
    });
  });

  it.each([
    ['the URL names no user', parseRtmpUrl('rtmp://host/live/x'), question],
    ['the refusal is about something else', url, 'application not found'],
    ['it is another method', url, '[ code=403 need auth; authmod=llnw ]'],
    ['user or password are wrong', url, '[ authmod=adobe ] : ?reason=authfailed&opaque=O'],
    ['the question has no salt', url, '[ authmod=adobe ] : ?reason=needauth&user=bob'],
  ])('has no answer when %s', (_, target, description) => {
    expect(answerAdobeAuth(target, description, tools('00000000'))).toBeNull();
  });
});
