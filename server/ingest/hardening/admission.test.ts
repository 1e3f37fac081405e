import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowEveryPage } from '../../gate/hotlink.ts';
import { Limits, noLimits } from '../../gate/limits.ts';
import { sign } from '../../gate/sign.ts';
import { type AdmissionRules, admit, type Entrance, type Role, type StreamState } from './admission.ts';
import { readTarget, streamPathOf } from './stream-path.ts';

const path = '/live/room' as const;
const secret = 'the secret of the test';
const internalSecret = 'between the parts of the stack';

function rules(state: StreamState, others: Partial<AdmissionRules> = {}): AdmissionRules {
  return {
    signatures: { publish: { secrets: [] }, play: { secrets: [] } },
    internalSecret,
    hotlink: allowEveryPage,
    limits: new Limits(noLimits),
    stateOf: () => state,
    nowS: () => 1_000,
    ...others,
  };
}

const signedPlay = { signatures: { publish: { secrets: [] }, play: { secrets: ['another', secret] } } };

function entrance(role: Role, signature: string | null = null, others: Partial<Entrance> = {}): Entrance {
  return { role, path, signature, address: '10.0.0.1', page: null, ...others };
}

function refused(asked: Entrance, by: AdmissionRules) {
  return admit(asked, by).refusal;
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
    const refusal = refused(entrance(role), rules(state));
    expect([refusal?.httpStatus ?? null, refusal?.rtmpCode ?? null]).toEqual([status, code]);
  });

  it.each<[Role, string | null, number | null]>([
    ['play', null, 401],
    ['play', '900-00000000000000000000000000000000', 403],
    ['play', sign(path, secret, 999), 403],
    ['play', sign(path, secret, 1_001), null],
    ['play', sign(path, 'another', 1_001), null],
    ['publish', null, 409],
  ])('with secrets for playing only, to %s with %s: %s', (role, signature, status) => {
    expect(refused(entrance(role, signature), rules('publishing', signedPlay))?.httpStatus ?? null).toBe(
      status,
    );
  });

  it('does not tell what exists to who may not know, nor ever the secret', () => {
    const told = (['idle', 'publishing'] as const).map((state) =>
      refused(entrance('play'), rules(state, signedPlay)),
    );
    expect(told[0]).toEqual(told[1]);
    expect(told[0]?.rtmpCode).toBe('NetStream.Play.Unauthorized');
    expect(JSON.stringify(told)).not.toContain(secret);
  });

  it("refuses a stranger's page, before it tells what exists, and never a publisher", () => {
    const strict = rules('idle', { hotlink: { allowedOrigins: ['example.com'], emptyReferer: 'refuse' } });
    const page = { origin: 'https://evil.test', host: 'tv.test:8000' };
    expect(refused(entrance('play', null, { page }), strict)).toMatchObject({
      reason: 'hotlink',
      httpStatus: 403,
    });
    expect(refused(entrance('play', null, { page: {} }), strict)?.reason).toBe('hotlink');
    // RTMP says nothing of pages.
    expect(refused(entrance('play'), strict)?.reason).toBe('not-found');
    expect(refused(entrance('publish', null, { page }), strict)).toBe(null);
  });

  it('counts who is let in until it has gone, and nobody else', () => {
    const limits = new Limits({ ...noLimits, viewersPerStream: 1, publishersPerAddress: 1 });
    const live = rules('publishing', { limits });
    const first = admit(entrance('play'), live);
    expect(refused(entrance('play'), live)).toMatchObject({
      reason: 'stream-full',
      httpStatus: 503,
      rtmpCode: 'NetStream.Play.Failed',
    });
    if (first.refusal === null) first.release();
    expect(refused(entrance('play'), live)).toBe(null);
    // One that is refused for another reason takes no place.
    expect(refused(entrance('publish'), live)?.reason).toBe('already-published');
    expect(refused(entrance('publish'), rules('idle', { limits }))).toBe(null);
    expect(refused(entrance('publish'), rules('idle', { limits }))).toMatchObject({
      reason: 'address-full',
      httpStatus: 429,
      rtmpCode: 'NetStream.Publish.Failed',
    });
  });

  it('lets in what the stack itself asks for, uncounted, but not past what exists', () => {
    const limits = new Limits({ ...noLimits, viewers: 1 });
    const strict = { ...signedPlay, limits };
    const own = sign(path, internalSecret, 1_001);
    for (let i = 0; i < 3; i++)
      expect(refused(entrance('play', own), rules('publishing', strict))).toBe(null);
    expect(limits.counts.viewers).toBe(0);
    expect(refused(entrance('play', own), rules('idle', strict))?.reason).toBe('not-found');
    expect(refused(entrance('publish', own), rules('publishing', strict))?.reason).toBe('already-published');
    const late = sign(path, internalSecret, 999);
    expect(refused(entrance('play', late), rules('publishing', strict))?.reason).toBe('signature-wrong');
    expect(
      refused(entrance('play', own), rules('publishing', { ...strict, internalSecret: null }))?.reason,
    ).toBe('signature-wrong');
  });

  it('speaks ASCII, since the RTMP writer of node-media-server counts characters', () => {
    const full = new Limits({ ...noLimits, viewers: 0, publishers: 0 });
    const refusals = [
      refused(entrance('play', null, { path: null }), rules('idle')),
      refused(entrance('publish'), rules('publishing')),
      refused(entrance('publish'), rules('idle', { limits: full })),
      refused(entrance('play'), rules('publishing', { limits: full })),
      refused(entrance('play'), rules('publishing', signedPlay)),
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
