import { describe, expect, it } from 'vitest';
import { addressKey, type LimitRules, Limits, limitStatus, noLimits } from './limits.ts';
import { SessionLimits } from './session-limits.ts';

const limits = (rules: Partial<LimitRules>) => new Limits({ ...noLimits, ...rules });

describe('limits', () => {
  it('per stream, per address and as a whole, the narrowest told first', () => {
    const some = limits({ viewers: 4, viewersPerStream: 2, viewersPerAddress: 3 });
    const taken = [
      some.take('play', '/live/a', '10.0.0.1'),
      some.take('play', '/live/a', '10.0.0.1'),
      some.take('play', '/live/b', '10.0.0.1'),
    ];
    expect(some.fault('play', '/live/c', '10.0.0.1')).toBe('address-full');
    expect(some.fault('play', '/live/a', '10.0.0.1')).toBe('address-full');
    expect(some.fault('play', '/live/a', '10.0.0.2')).toBe('stream-full');
    expect(some.fault('play', '/live/c', '10.0.0.2')).toBe(null);
    some.take('play', '/live/c', '10.0.0.2');
    expect(some.fault('play', '/live/c', '10.0.0.2')).toBe('server-full');
    taken[0]?.();
    expect(some.fault('play', '/live/a', '10.0.0.2')).toBe(null);
    expect(some.fault('publish', '/live/a', '10.0.0.1')).toBe(null);
  });

  it('of publishers', () => {
    const some = limits({ publishers: 2, publishersPerAddress: 1 });
    const gone = some.take('publish', '/live/a', '10.0.0.1');
    expect(some.fault('publish', '/live/b', '10.0.0.1')).toBe('address-full');
    expect(some.fault('publish', '/live/b', '10.0.0.2')).toBe(null);
    some.take('publish', '/live/b', '10.0.0.2');
    expect(some.fault('publish', '/live/c', '10.0.0.3')).toBe('server-full');
    gone();
    expect(some.fault('publish', '/live/c', '10.0.0.1')).toBe(null);
  });

  it('who has gone is forgotten, and goes once only', () => {
    const some = limits({ viewers: 9, viewersPerStream: 9, viewersPerAddress: 9 });
    const stays = some.take('play', '/live/a', '10.0.0.1');
    const goes = some.take('play', '/live/a', '10.0.0.1');
    goes();
    goes();
    expect(some.counts).toEqual({ viewers: 1, streams: { '/live/a': 1 }, addresses: { '10.0.0.1': 1 } });
    stays();
    expect(some.counts).toEqual({ viewers: 0, streams: {}, addresses: {} });
  });

  it('keeps nothing that no limit needs', () => {
    const some = limits({ viewers: 9 });
    some.take('play', '/live/a', '10.0.0.1');
    expect(some.counts).toEqual({ viewers: 1, streams: {}, addresses: {} });
  });

  it('what others count is added, and replaced by what they count next', () => {
    const some = limits({ viewers: 5, viewersPerStream: 3, viewersPerAddress: 2 });
    some.take('play', '/live/a', '10.0.0.1');
    some.elsewhere = { viewers: 3, streams: { '/live/a': 2 }, addresses: { '10.0.0.1': 1 } };
    expect(some.fault('play', '/live/b', '10.0.0.1')).toBe('address-full');
    expect(some.fault('play', '/live/a', '10.0.0.2')).toBe('stream-full');
    expect(some.fault('play', '/live/b', '10.0.0.2')).toBe(null);
    some.elsewhere = { viewers: 4, streams: {}, addresses: {} };
    expect(some.fault('play', '/live/b', '10.0.0.2')).toBe('server-full');
    expect(some.fault('play', '/live/a', '10.0.0.1')).toBe('server-full');
  });

  it('one client: 429; many: 503', () => {
    expect((['address-full', 'stream-full', 'server-full'] as const).map(limitStatus)).toEqual([
      429, 503, 503,
    ]);
  });
});

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8::1', '2001:db8:0:0::/64'],
  ['2001:0db8:0:0:ffff::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  [undefined, ''],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key);
});

describe('sessions without connections', () => {
  const make = (rules: Partial<LimitRules>, maxSessions = 100) =>
    new SessionLimits(limits(rules), { windowMs: 10_000, maxSessions });

  it('one is there until it was silent for the window', () => {
    const sessions = make({ viewersPerStream: 1 });
    expect(sessions.seen('anna', '/live/a', '10.0.0.1', 0)).toBe(null);
    expect(sessions.seen('anna', '/live/a', '10.0.0.1', 9_000)).toBe(null);
    expect(sessions.seen('bert', '/live/a', '10.0.0.2', 18_999)).toBe('stream-full');
    expect(sessions.seen('bert', '/live/b', '10.0.0.2', 18_999)).toBe(null);
    expect(sessions.seen('bert', '/live/a', '10.0.0.2', 19_000)).toBe(null);
    expect(sessions.seen('anna', '/live/a', '10.0.0.1', 19_001)).toBe('stream-full');
    expect(sessions.size).toBe(2);
  });

  it('are bounded in number', () => {
    const sessions = make({}, 2);
    for (const name of ['a', 'b']) expect(sessions.seen(name, '/live/a', '10.0.0.1', 0)).toBe(null);
    expect(sessions.seen('c', '/live/a', '10.0.0.1', 1)).toBe('server-full');
    expect(sessions.seen('c', '/live/a', '10.0.0.1', 10_000)).toBe(null);
    expect(sessions.size).toBe(1);
  });

  it('count with those on connections', () => {
    const shared = limits({ viewersPerAddress: 2 });
    const sessions = new SessionLimits(shared, { windowMs: 10, maxSessions: 9 });
    shared.take('play', '/live/a', '10.0.0.1');
    expect(sessions.seen('x', '/live/a', '10.0.0.1', 0)).toBe(null);
    expect(sessions.seen('y', '/live/a', '10.0.0.1', 0)).toBe('address-full');
    sessions.sweep(10);
    expect(shared.counts.addresses).toEqual({ '10.0.0.1': 1 });
  });
});
