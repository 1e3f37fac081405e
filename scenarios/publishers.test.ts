import { describe, expect, test } from 'vitest';
import { validateScenario, wrongPublishUrl } from './validate.ts';

const viewers = [
  { executor: 'constant-viewers', viewers: 1, duration: '60s', protocol: 'rtmp', stream: 'live/room-1' },
];
const scenario = (publisher: object, faults: object[] = [], target: object | string = 'reference') =>
  validateScenario({ name: 'a', target, publishers: [publisher], viewers, faults });
const sentences = (...given: Parameters<typeof scenario>) => {
  const result = scenario(...given);
  return result.ok ? [] : result.problems.map(({ path, sentence }) => `${path.join('.')}: ${sentence}`);
};
const rooms = { stream: 'live/room-{1..3}' };
const drop = { at: '10s', kind: 'publisher-drop', stream: 'live/room-2', for: '5s' };

describe('publishers', () => {
  test('take a ramp, churn by law or length, and a POST; a thousand streams and more by a pattern', () => {
    const result = scenario({
      stream: 'live/room-{1..5000}',
      protocol: 'http-flv',
      source: 'recording',
      ramp: '30s',
      churn: { up: { median: '30s', p95: '2m' }, down: '5s' },
    });
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.scenario.publishers[0]).toMatchObject({
      protocol: 'http-flv',
      ramp: 30_000,
      churn: { up: { median: 30_000, p95: 120_000 }, down: 5_000 },
    });
  });

  test.each([
    [
      { ...rooms, churn: { up: '5s' } },
      'publishers.0.churn.down: publishers[0].churn.down must be a duration, as in 10s, or { median: 10s, p95: 60s }',
    ],
    [
      { ...rooms, churn: { up: { median: '5s', p95: '4s' }, down: '1s' } },
      'publishers.0.churn.up.p95: publishers[0].churn.up.p95 is shorter than the median',
    ],
    [
      { url: 'http://h/live/a.flv', protocol: 'http-flv' },
      'publishers.0.protocol: publishers[0] has a url, from which the protocol follows; remove "protocol"',
    ],
    [
      { ...rooms, protocol: 'ws-flv' },
      'publishers.0.protocol: "ws-flv" is not a valid protocol in publishers[0]; it is one of: rtmp, http-flv',
    ],
  ])('%j is refused', (publisher, sentence) => expect(sentences(publisher)).toEqual([sentence]));

  test('by POST need the http address of the target', () => {
    expect(sentences({ ...rooms, protocol: 'http-flv' }, [], { rtmp: 'rtmp://h' })).toEqual([
      'target: missing key "http" in target; publishers[0] needs it',
    ]);
  });

  test.each([
    ['http://h/live/a.flv?sign=hush', null],
    ['https://u:hush@h:8443/live/inst/{1..3}.flv', null],
    ['http://h/live/a?sign=hush', 'names no stream to publish: expected http://host/app/stream.flv'],
    ['http://h/a.flv', null],
    ['ws://h/live/a.flv', 'does not begin with one of rtmp://, rtmps://, http://, https://'],
  ])('%s', (url, words) => {
    const wrong = wrongPublishUrl(url);
    if (words === null) expect(wrong).toBeNull();
    else expect(wrong).toContain(words);
    expect(wrong ?? '').not.toContain('hush');
  });
});

describe('faults', () => {
  test('concern streams by name, list or pattern', () => {
    const result = scenario(rooms, [
      drop,
      { at: '0s', kind: 'publisher-stop', stream: ['live/room-{1..2}', 'live/room-3'] },
    ]);
    if (!result.ok) throw new Error(JSON.stringify(result.problems));
    expect(result.scenario.faults).toEqual([
      { at: 10_000, kind: 'publisher-drop', stream: 'live/room-2', for: 5_000 },
      { at: 0, kind: 'publisher-stop', stream: ['live/room-{1..2}', 'live/room-3'] },
    ]);
    const posted = { url: 'http://h/live/room-{1..3}.flv?sign=a' };
    expect(sentences(posted, [drop], { rtmp: 'rtmp://h' })).toEqual([]);
  });

  test.each([
    [
      { at: '10s', kind: 'publisher-drop', stream: 'live/room-2' },
      'faults.0: missing key "for" in faults[0]: how long the publisher is gone; to end it for good write kind: publisher-stop',
    ],
    [{ ...drop, at: '1m' }, 'faults.0.at: faults[0].at is after the end of the run'],
    [
      { ...drop, stream: 'live/rom-2' },
      'faults.0.stream: faults[0].stream: "live/rom-2" is not published by this scenario; did you mean "live/room-2"?',
    ],
    [
      { ...drop, stream: 'live/room-{2..4}' },
      'faults.0.stream: faults[0].stream: "live/room-4" is not published by this scenario; did you mean "live/room-1"?',
    ],
    [
      { ...drop, kind: 'publisher-dorp' },
      'faults.0.kind: "publisher-dorp" is not a valid kind in faults[0]; did you mean "publisher-drop"?',
    ],
    [{ ...drop, for: '0s' }, 'faults.0.for: faults[0].for: must be longer than 0'],
  ])('%j is refused', (fault, sentence) => expect(sentences(rooms, [fault])).toEqual([sentence]));
});
