import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sign } from '../../gate/sign.ts';
import { type AdmissionRules, admit, type Role, type StreamState } from './admission.ts';
import { readTarget, streamPathOf } from './stream-path.ts';

const path = '/live/room' as const;
const secret = 'the secret of the test';

function rules(state: StreamState, secrets: AdmissionRules['secrets'] = {}): AdmissionRules {
  return { secrets, stateOf: () => state, nowS: () => 1_000 };
}

describe('admission', () => {
  it.each<[Role, StreamState, number | null, string | null]>([
    ['play', 'idle', 404, 'NetStream.Play.StreamNotFound'],
    ['play', 'publishing', null, null],
    ['play', 'reconnecting', null, null],
    ['publish', 'idle', null, null],
    ['publish', 'publishing', 409, 'NetStream.Publish.BadName'],
    ['publish', 'reconnecting', null, null],
  ])('to %s a stream that is %s: %s', (role, state, status, code) => {
    const refusal = admit(role, path, null, rules(state));
    expect([refusal?.httpStatus ?? null, refusal?.rtmpCode ?? null]).toEqual([status, code]);
  });

  it.each<[Role, string | null, number | null]>([
    ['play', null, 401],
    ['play', '900-00000000000000000000000000000000', 403],
    ['play', sign(path, secret, 999), 403],
    ['play', sign(path, secret, 1_001), null],
    ['publish', null, 409],
  ])('with a secret for playing only, to %s with %s: %s', (role, signature, status) => {
    expect(admit(role, path, signature, rules('publishing', { play: secret }))?.httpStatus ?? null).toBe(
      status,
    );
  });

  it('does not tell what exists to who may not know, nor ever the secret', () => {
    const told = (['idle', 'publishing'] as const).map((state) =>
      admit('play', path, null, rules(state, { play: secret })),
    );
    expect(told[0]).toEqual(told[1]);
    expect(told[0]?.rtmpCode).toBe('NetStream.Play.Unauthorized');
    expect(JSON.stringify(told)).not.toContain(secret);
  });

  it('speaks ASCII, since the RTMP writer of node-media-server counts characters', () => {
    const refusals = [
      admit('play', null, null, rules('idle')),
      admit('publish', path, null, rules('publishing')),
    ];
    for (const refusal of refusals) expect(refusal?.sentence).toMatch(/^[\x20-\x7e]+$/);
  });
});

describe('stream names', () => {
  it.each([
    ['live', 'room', '/live/room'],
    ['A-z_9', '-', '/A-z_9/-'],
    ['live', '', null],
    ['live', 'a.b', null],
    ['live', '..', null],
    ['live', 'a/b', null],
    ['live', 'a\n', null],
    ['live', 'é', null],
    ['a'.repeat(64), 'b'.repeat(128), `/${'a'.repeat(64)}/${'b'.repeat(128)}`],
    ['a'.repeat(65), 'b', null],
    ['a', 'b'.repeat(129), null],
    [['live'], 'room', null],
    ['live', 7, null],
    [undefined, null, null],
  ])('%j and %j: %j', (app, name, expected) => {
    expect(streamPathOf(app, name)).toBe(expected);
  });

  it('a target is read without decoding, and its signature is the first', () => {
    expect(readTarget('/live/room.flv?a=1&sign=x%2Dy&sign=z')).toEqual({ kind: 'stream', path, sign: 'x-y' });
    expect(readTarget('/live/room.flv')).toEqual({ kind: 'stream', path, sign: null });
    expect(readTarget('/healthz?x')).toEqual({ kind: 'other', pathname: '/healthz' });
    expect(readTarget('/live/%72oom.flv')).toEqual({ kind: 'malformed' });
  });

  it('whatever comes, a stream path is made of two plain names', () => {
    const pieces = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%00',
      '\0',
      '?',
      'live',
      'room',
      '.flv',
      '\\',
      'é',
      ' ',
      '#',
    );
    const target = fc.oneof(
      fc.string(),
      fc.array(pieces).map((parts) => `/${parts.join('')}`),
    );
    fc.assert(
      fc.property(target, (text) => {
        const read = readTarget(text);
        if (read.kind === 'stream') expect(read.path).toMatch(/^\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});
