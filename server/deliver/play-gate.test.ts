import { expect, it } from 'vitest';
import { sign } from '../gate/sign.ts';
import { createPlayGate, signedPullUrl, sourceOf } from './play-gate.ts';

const playSecret = 'only for this test';
const gate = createPlayGate({ playSecret }, ['720p', 'audio'], () => 1_000);
const page = {};

it.each([
  ['live/room', null, 401, 'signature-missing'],
  ['live/room', sign('/live/other', playSecret, 2_000), 403, 'signature-wrong'],
  ['live/room', sign('/live/room', playSecret, 900), 403, 'signature-expired'],
  // A rung's signature is not one for its source.
  ['live/room', sign('/live/room_720p', playSecret, 2_000), 403, 'signature-wrong'],
])('%s with %s', (stream, signature, status, reason) => {
  expect(gate.check(stream, signature, page)).toMatchObject({ status, reason });
});

it("lets in by the stream's own signature, and to a rung by its source's", () => {
  const good = sign('/live/room', playSecret, 2_000);
  expect(gate.check('live/room', good, page)).toBe(null);
  expect(gate.check('live/room_720p', good, page)).toBe(null);
  expect(gate.check('live/room_audio', sign('/live/room_audio', playSecret, 2_000), page)).toBe(null);
  expect(gate.check('live/room_1080p', good, page)).toMatchObject({ status: 403 });
});

it('keeps pages of strangers out, whatever they have', () => {
  const listed = createPlayGate({ allowedOrigins: ['example.com'] }, [], () => 0);
  expect(listed.isOpen).toBe(true);
  expect(listed.check('live/room', null, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
  expect(listed.check('live/room', null, { origin: 'https://example.com' })).toBe(null);
});

it('knows rungs by the names it was told', () => {
  expect([sourceOf('live/room_720p', ['720p']), sourceOf('live/room_360p', ['720p'])]).toEqual([
    'live/room',
    null,
  ]);
});

it('asks the ingest as a part of the stack', () => {
  const url = signedPullUrl(
    'http://ingest',
    'live/room',
    { internalSecret: 'inner secret', gate: {} },
    1_000_000,
  );
  expect(url).toBe(`http://ingest/live/room.flv?sign=${sign('/live/room', 'inner secret', 1_060)}`);
});
