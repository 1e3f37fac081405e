import { expect, it } from 'vitest';
import { describeRefusal } from './rtmp-refusal.ts';

it.each([
  ['NetStream.Play.StreamNotFound', 'Failed to play a; stream not found.', 'not-found'],
  ['NetConnection.Connect.Rejected', '[ authmod=adobe ] : ?reason=authfailed&opaque=x', 'auth'],
  ['NetStream.Play.Unauthorized', '', 'auth'],
  ['NetStream.Publish.Denied', '', 'auth'],
  ['NetStream.Play.Failed', 'invalid sign', 'auth'],
  ['NetStream.Play.Failed', 'signature expired', 'auth'],
  ['NetConnection.Connect.Rejected', 'NotAuthorized', 'auth'],
  ['NetStream.Publish.BadName', 'Already publishing', 'rtmp-refused'],
  ['NetStream.Play.Failed', 'live/design of the author is busy', 'rtmp-refused'],
  ['', '', 'rtmp-refused'],
])('%s %s: %s', (code, description, reason) => {
  expect(describeRefusal(code, description, 'live/a at h:1935').reason).toBe(reason);
});

it('repeats what the server says, without the signature that the server repeats', () => {
  const { detail } = describeRefusal(
    'NetStream.Play.Failed',
    'live/a?sign=17-hush&t=hush is busy',
    'live/a at h:1935',
  );
  expect(detail).toBe(
    'live/a at h:1935 was refused by the server (NetStream.Play.Failed: live/a?sign=…&t=… is busy)',
  );
});
