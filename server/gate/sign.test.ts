import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkSignature, sign, signUrl } from './sign.ts';

const secret = 'nodemedia2017privatekey';

describe('sign', () => {
  it("is node-media-server's scheme", () => {
    const digest = createHash('md5').update(`/live/room-1767225600-${secret}`).digest('hex');
    expect(sign('/live/room', secret, 1_767_225_600)).toBe(`1767225600-${digest}`);
    // md5sum says so too: printf '/live/room-1767225600-nodemedia2017privatekey' | md5sum
    expect(digest).toBe('108ed2a92d311600d6276a5b7e7a7a13');
  });

  it.each([
    ['rtmp://host/live/room', '?'],
    ['rtmps://host:443/live/room?x=1', '&'],
    ['http://[::1]:8000/live/room.flv', '?'],
    ['wss://host/live/room.flv?', ''],
    ['https://host:8080/live/room.m3u8', '?'],
  ])('goes into the URL %s', (url, joint) => {
    expect(signUrl(url, secret, 1_767_225_600.9)).toBe(
      `${url}${joint}sign=${sign('/live/room', secret, 1_767_225_600)}`,
    );
  });

  it('needs a URL with a path', () => {
    expect(() => signUrl('live/room', secret, 1)).toThrow('cannot sign live/room');
  });
});

describe('checkSignature', () => {
  const check = (value: string | null, nowS: number) => checkSignature(value, '/live/room', secret, nowS);
  const good = sign('/live/room', secret, 1_000);

  it('holds until its second is over', () => {
    expect([check(good, 0), check(good, 999.9), check(good, 1_000), check(good, 1_000.1)]).toEqual([
      null,
      null,
      null,
      'expired',
    ]);
  });

  it.each([
    [null, 'missing'],
    ['', 'missing'],
    ['1000', 'wrong'],
    ['1000-', 'wrong'],
    [good.toUpperCase(), 'wrong'],
    [`${good}-`, 'wrong'],
    [`${good}0`, 'wrong'],
    [`9${good}`, 'wrong'],
    [`-${good}`, 'wrong'],
    [`1e3${good.slice(4)}`, 'wrong'],
    [good.replace('1000', '2000'), 'wrong'],
    [sign('/live/other', secret, 1_000), 'wrong'],
    [sign('/live/room', 'another', 1_000), 'wrong'],
    ['é'.repeat(32), 'wrong'],
  ])('%s is %s', (value, fault) => {
    expect(check(value, 0)).toBe(fault);
  });

  it('an expired one that was never right is wrong, not expired', () => {
    expect(
      check(
        good.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        5_000,
      ),
    ).toBe('wrong');
  });

  it('is good with either key while keys change', () => {
    const rules = { secrets: ['the new one', 'the old one'] };
    const by = (key: string) => checkSignature(sign('/live/room', key, 1_000), '/live/room', rules, 900);
    expect(['the new one', 'the old one', 'an older one'].map(by)).toEqual([null, null, 'wrong']);
    expect(checkSignature(good, '/live/room', { secrets: [] }, 900)).toBe('wrong');
  });

  it('is held against the longest life, and both ends against the clocks that differ', () => {
    const at = (expiresAtS: number, clockSkewS: number) =>
      checkSignature(
        sign('/live/room', secret, expiresAtS),
        '/live/room',
        { secrets: [secret], maxLifetimeS: 3_600, clockSkewS },
        10_000,
      );
    expect([9_999, 10_000, 13_600, 13_601].map((expires) => at(expires, 0))).toEqual([
      'expired',
      null,
      null,
      'lifetime',
    ]);
    expect([9_994, 9_995, 13_605, 13_606].map((expires) => at(expires, 5))).toEqual([
      'expired',
      null,
      null,
      'lifetime',
    ]);
  });
});
