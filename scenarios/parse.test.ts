import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { playerProfiles } from '../core/player/profile.ts';
import { loadShapeOf, shapeDurationMs } from '../fleet/load-shape.ts';
import { defineScenario } from './define.ts';
import { scenarioJsonSchema } from './json-schema.ts';
import { parseScenario, readScenario } from './parse.ts';
import { ScenarioError } from './problem.ts';
import { scenarioSchema } from './schema.ts';
import { playerNames } from './words.ts';

const good = `name: evening
target: { rtmp: "rtmp://h:1935", http: "http://h:8000" }
publishers:
  - { stream: "live/room-{1..2}", bitrate: 1mbit }
viewers:
  - name: flv
    protocol: http-flv
    stream: "live/room-{1..2}"
    executor: ramping-viewers
    stages:
      - { duration: 30s, target: 2000 }
      - { duration: 2m, target: 2000 }
    watch: { median: 45s, p95: 5m }
thresholds:
  first_frame_ms: ["p(95)<1500"]
`;

/** The lines of the error that parsing the text gives. */
function problemsOf(text: string, overrides: string[] = []): readonly string[] {
  try {
    parseScenario(text, 's.yaml', overrides);
  } catch (error) {
    if (error instanceof ScenarioError) return error.lines;
    throw error;
  }
  return [];
}

const change = (from: string, to: string): string => {
  expect(good).toContain(from);
  return good.replace(from, to);
};

describe('a good scenario', () => {
  test('has every default filled in and every quantity as a number', () => {
    const { scenario, thresholds } = parseScenario(good, 's.yaml');
    expect(scenario.publishers[0]).toEqual({
      stream: 'live/room-{1..2}',
      source: 'testcard',
      size: { width: 640, height: 360 },
      fps: 25,
      bitrate: 1_000_000,
      gop: 2000,
      ramp: 0,
    });
    expect(scenario.viewers[0]).toMatchObject({
      startViewers: 0,
      startTime: 0,
      player: 'mpegts.js',
      reconnect: true,
      stages: [
        { duration: 30_000, target: 2000 },
        { duration: 120_000, target: 2000 },
      ],
      watch: { median: 45_000, p95: 300_000 },
    });
    expect(scenario.options.setupTimeout).toBe(30_000);
    expect(thresholds).toMatchObject([{ metric: 'first_frame_ms', expression: 'p(95)<1500' }]);
  });

  test('is the same written as JSON, as TypeScript, and after being written back resolved', () => {
    const { scenario } = parseScenario(good, 's.yaml');
    const resolved = z.encode(scenarioSchema, scenario);
    expect(resolved).toMatchObject({ viewers: [{ stages: [{ duration: '30s' }, { duration: '2m' }] }] });
    expect(parseScenario(JSON.stringify(resolved), 's.json').scenario).toEqual(scenario);
    expect(readScenario(defineScenario(resolved), 's.ts').scenario).toEqual(scenario);
  });

  test.each([
    ['smoke', 30],
    ['evening-peak', 80],
    ['bulk-publish', 45],
  ])('scenarios/%s.yaml is one, and lasts %i s', (name, seconds) => {
    const text = readFileSync(new URL(`./${name}.yaml`, import.meta.url), 'utf8');
    const { scenario, thresholds } = parseScenario(text, `${name}.yaml`);
    expect(scenario.name).toBe(name);
    expect(thresholds.length).toBeGreaterThan(0);
    const ends = scenario.viewers.map((cohort) => shapeDurationMs(loadShapeOf(cohort)));
    expect(Math.max(...ends)).toBe(seconds * 1000);
  });
});

describe('what is wrong is said with its place and the nearest valid word', () => {
  test.each([
    [
      'an unknown key',
      change('watch:', 'wach:'),
      's.yaml:13:5: unknown key "wach" in viewers[0]; did you mean "watch"?',
    ],
    [
      'an unknown key at the top',
      change('thresholds:', 'threshold:'),
      's.yaml:14:1: unknown key "threshold"; did you mean "thresholds"?',
    ],
    [
      'a threshold that schemas do not see',
      change('first_frame_ms:', '__proto__:'),
      's.yaml:15:3: There is no metric "__proto__"; docs/metrics.md lists them all.',
    ],
    [
      'a key of another executor',
      change('watch:', 'rate: 5\n    watch:'),
      's.yaml:13:5: key "rate" in viewers[0] does not go with ramping-viewers, only with constant-arrival-rate',
    ],
    [
      'a bad unit',
      change('duration: 30s', 'duration: 30sec'),
      's.yaml:11:21: viewers[0].stages[0].duration: "sec" in "30sec" is not a unit of time (did you mean 30s?); a duration is a number and a unit: 500ms, 30s, 5m or 1h30m',
    ],
    [
      'a missing unit',
      change('duration: 30s', 'duration: 30'),
      's.yaml:11:21: viewers[0].stages[0].duration: "30" has no unit (did you mean 30s?); a duration is a number and a unit: 500ms, 30s, 5m or 1h30m',
    ],
    [
      'a bad bit rate',
      change('bitrate: 1mbit', 'bitrate: 1MB'),
      's.yaml:4:44: publishers[0].bitrate: "MB" in "1MB" is not a unit of bit rate; a bit rate is a number and a unit: 600k, 3mbit or 1gbit (bits per second)',
    ],
    [
      'an impossible number',
      change('target: 2000', 'target: -1'),
      's.yaml:11:34: viewers[0].stages[0].target is -1; 0 is the least',
    ],
    [
      'half a viewer',
      change('target: 2000', 'target: 0.5'),
      's.yaml:11:34: viewers[0].stages[0].target must be a whole number, not 0.5',
    ],
    [
      'a request header that ends in a line break, without its value',
      change('watch:', 'headers: { authorization: "Bearer hush\\n" }\n    watch:'),
      's.yaml:13:14: viewers[0].headers: "authorization" cannot be sent: HTTP does not allow all of its characters',
    ],
    [
      'an unknown executor',
      change('ramping-viewers', 'ramping-viewer'),
      's.yaml:9:15: "ramping-viewer" is not a valid executor in viewers[0]; did you mean "ramping-viewers"?',
    ],
    [
      'an unknown player',
      change('watch:', 'player: mpegts\n    watch:'),
      's.yaml:13:13: "mpegts" is not a valid player in viewers[0]; did you mean "mpegts.js"?',
    ],
    [
      'a missing key',
      change('    executor: ramping-viewers\n', ''),
      's.yaml:6:5: missing key "executor" in viewers[0]; it is one of constant-viewers, ramping-viewers, constant-arrival-rate, ramping-arrival-rate',
    ],
    ['a missing name', change('name: evening\n', ''), 's.yaml:1:1: missing key "name"'],
    [
      'a behaviour that there is not',
      change('watch:', 'behaviour: zaper\n    watch:'),
      's.yaml:13:16: viewers[0].behaviour is "zaper", which is no behaviour; did you mean "zapper"?',
    ],
    [
      'a kind of behaviour that there is not',
      change('watch:', 'behaviour: { kind: pause }\n    watch:'),
      's.yaml:13:24: "pause" is not a valid kind in viewers[0].behaviour; did you mean "pause-and-return"?',
    ],
    [
      'a slow reader without a rate',
      change('watch:', 'behaviour: slow-reader\n    watch:'),
      's.yaml:13:16: viewers[0].behaviour must say its rate: { kind: slow-reader, rate: 300k }',
    ],
    [
      'a key of another behaviour',
      change('watch:', 'behaviour: { kind: zapper, hold: 3s }\n    watch:'),
      's.yaml:13:32: unknown key "hold" in viewers[0].behaviour; the keys are: kind, every',
    ],
    [
      'a law that falls',
      change('watch:', 'behaviour: { kind: zapper, every: { median: 9s, p95: 3s } }\n    watch:'),
      's.yaml:13:58: viewers[0].behaviour.every.p95 is shorter than the median',
    ],
    [
      'a popularity that there is not',
      change('watch:', 'popularity: fame\n    watch:'),
      's.yaml:13:17: viewers[0].popularity must be uniform, zipf (exponent 1) or { zipf: 1.2 }',
    ],
    [
      'a negative exponent',
      change('watch:', 'popularity: { zipf: -1 }\n    watch:'),
      's.yaml:13:25: viewers[0].popularity.zipf is -1; 0 is the least',
    ],
    [
      'source addresses that are too many',
      `${good}\noptions: { sourceAddresses: 10.0.0.0/8 }\n`,
      's.yaml:17:29: options.sourceAddresses: "10.0.0.0/8" makes it 16777216 source addresses; 4096 are the most',
    ],
    [
      'a link of a name that there is not',
      change('watch:', 'link: 3g-slo\n    watch:'),
      's.yaml:13:11: viewers[0].link is "3g-slo", which is no link; did you mean "3g-slow"?',
    ],
    [
      'a link of another kind',
      change('watch:', 'link: 3\n    watch:'),
      's.yaml:13:11: viewers[0].link must be a name (edge, 2g, 3g-slow, 3g, 3g-fast, 4g, lte, dsl, cable, fios) or a group of keys, as in { down: 3mbit, delay: 40ms }',
    ],
    [
      'an unknown key of a link',
      change('watch:', 'link: { dwn: 3mbit }\n    watch:'),
      's.yaml:13:13: unknown key "dwn" in viewers[0].link; did you mean "down"?',
    ],
    [
      'a bandwidth without a unit',
      change('watch:', 'link: { down: 3 }\n    watch:'),
      's.yaml:13:19: viewers[0].link.down: "3" has no unit (did you mean 3k?); a bit rate is a number and a unit: 600k, 3mbit or 1gbit (bits per second)',
    ],
    [
      'a link that says nothing',
      change('watch:', 'link: {}\n    watch:'),
      's.yaml:13:11: viewers[0].link says nothing; write down, up, delay, jitter, cuts or trace',
    ],
    [
      'a link with bandwidth and trace',
      change('watch:', 'link: { down: 3mbit, trace: a.csv }\n    watch:'),
      's.yaml:13:26: viewers[0].link has both "down" and "trace"; keep one',
    ],
    [
      'more jitter than delay',
      change('watch:', 'link: { delay: 10ms, jitter: 20ms }\n    watch:'),
      's.yaml:13:34: viewers[0].link.jitter is longer than the delay, which it varies up and down',
    ],
    [
      'a cut without a length',
      change('watch:', 'link: { cuts: [ { at: 10s } ] }\n    watch:'),
      's.yaml:13:21: missing key "for" in viewers[0].link.cuts[0]',
    ],
    [
      'a cut of no length',
      change('watch:', 'link: { cuts: [ { at: 10s, for: 0s } ] }\n    watch:'),
      's.yaml:13:37: viewers[0].link.cuts[0].for must be longer than 0',
    ],
    [
      'a cut that never ends',
      change('watch:', 'link: { cuts: { every: 10s, for: 10s } }\n    watch:'),
      's.yaml:13:38: viewers[0].link.cuts.for is as long as every, or longer: nothing would ever pass',
    ],
    [
      'a cut of an unknown kind',
      change('watch:', 'link: { cuts: [ { at: 1s, kind: rst } ] }\n    watch:'),
      's.yaml:13:37: "rst" is not a valid kind in viewers[0].link.cuts[0]; did you mean "reset"?',
    ],
    [
      'an unknown key of a cut',
      change('watch:', 'link: { cuts: { every: 10s, fr: 1s } }\n    watch:'),
      's.yaml:13:33: unknown key "fr" in viewers[0].link.cuts; did you mean "for"?',
    ],
    [
      'a protocol that is not carried out yet',
      change('protocol: http-flv', 'protocol: whep'),
      's.yaml:7:15: viewers of the protocol "whep" are not carried out by this version; rtmp, http-flv, ws-flv and hls are',
    ],
    [
      'an unknown protocol',
      change('protocol: http-flv', 'protocol: httpflv'),
      's.yaml:7:15: "httpflv" is not a valid protocol in viewers[0]; did you mean "http-flv"?',
    ],
    [
      'a bad pattern',
      change('stream: "live/room-{1..2}"\n', 'stream: "live/room-{2..1}"\n'),
      's.yaml:8:13: viewers[0].stream: "live/room-{2..1}": the range ends (1) before it begins (2)',
    ],
    [
      'an address as a stream',
      change('stream: "live/room-{1..2}"\n', 'stream: "rtmp://h/live/a"\n'),
      's.yaml:8:13: viewers[0].stream: "rtmp://h/live/a" is a full address; write it as "url" instead of "stream"',
    ],
    [
      'a target without what a cohort needs',
      change(', http: "http://h:8000"', ''),
      's.yaml:2:9: missing key "http" in target; viewers[0] needs it',
    ],
    [
      'a wrong key in target',
      change('http: "http', 'htpp: "http'),
      's.yaml:2:34: unknown key "htpp" in target; did you mean "http"?',
    ],
    [
      'a target of another kind',
      change('"http://h:8000"', '"ftp://h:8000"'),
      's.yaml:2:40: target.http: "ftp://h:8000" does not begin with one of http://, https://',
    ],
    [
      'a word as target',
      change('{ rtmp: "rtmp://h:1935", http: "http://h:8000" }', 'referenz'),
      's.yaml:2:9: target must be "reference" (the reference stack, started for the run) or { rtmp: rtmp://host:1935, http: http://host:8000 }',
    ],
    [
      'a stream published twice',
      change('viewers:\n', '  - { stream: live/room-2 }\nviewers:\n'),
      's.yaml:5:15: publishers[1] publishes "live/room-2", which publishers[0] publishes already',
    ],
    [
      'an impossible length of sessions',
      change('p95: 5m', 'p95: 5s'),
      's.yaml:13:32: viewers[0].watch.p95 is shorter than the median',
    ],
    [
      'a broken file',
      'name: [a\nviewers: 3',
      's.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['a key twice', `name: a\n${good}`, 's.yaml:2:1: Map keys must be unique'],
    [
      'an empty file',
      '',
      's.yaml:1:1: is not a scenario: a group of keys with a name and viewers is expected',
    ],
  ])('%s', (_, text, line) => {
    expect(problemsOf(text)[0]).toBe(line);
  });

  test('a metric that does not exist, at its key; an expression that is none, at its value', () => {
    const [metric] = problemsOf(change('first_frame_ms', 'first_frames_ms'));
    expect(metric).toBe('s.yaml:15:3: There is no metric "first_frames_ms"; did you mean first_frame_ms?');
    const [expression] = problemsOf(change('p(95)<1500', 'p95<1500'));
    expect(expression).toMatch(/^s\.yaml:15:20: .*p\(95\)/);
    const [cohort] = problemsOf(change('first_frame_ms', '"first_frame_ms{cohort:fvl}"'));
    expect(cohort).toBe('s.yaml:15:3: no cohort has the name "fvl"; did you mean "flv"?');
  });

  test('several problems are all said', () => {
    const text = change('watch:', 'wach:').replace('target: 2000', 'target: -1');
    expect(problemsOf(text)).toHaveLength(2);
  });

  test('aliases do not blow up', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((key, index) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[index]}`)}]`)
      .join('\n')}`;
    expect(problemsOf(bomb)[0]).toMatch(/^s\.yaml:1:1: Excessive alias count/);
  });
});

describe('--set', () => {
  test('changes values by index, by name of a list entry, and adds keys', () => {
    const { scenario } = parseScenario(good, 's.yaml', [
      'viewers.0.stages[1].target=7',
      'viewers.flv.watch=30s',
      'thresholds.stall_ratio{protocol:http-flv}=value<=0.01',
      'options.seed=9',
    ]);
    expect(scenario.viewers[0]).toMatchObject({ stages: [{ target: 2000 }, { target: 7 }], watch: 30_000 });
    expect(scenario.thresholds).toMatchObject({ 'stall_ratio{protocol:http-flv}': 'value<=0.01' });
    expect(scenario.options.seed).toBe(9);
  });

  test.each([
    [
      'viewers.flv.viewrs=3',
      '--set viewers.flv.viewrs=3: unknown key "viewrs" in viewers[0]; the keys are: name, protocol, stream, url, popularity, behaviour, startTime, watch, player, reconnect, timeouts, link, hls, headers, executor, startViewers, stages',
    ],
    ['viewers.rtmp.watch=3s', '--set viewers.rtmp.watch=3s: viewers has no entry named "rtmp"; it has 1'],
    ['viewers.3.watch=3s', '--set viewers.3.watch=3s: viewers has no entry 3; it has 1'],
    ['name.x=1', '--set name.x=1: name is a single value and has no "x" in it'],
    ['viewers', '--set viewers: write key=value, as in --set viewers.0.viewers=500'],
    [
      'viewers.0.watch=3',
      '--set viewers.0.watch=3: viewers[0].watch must be a duration, as in 45s, or { median: 45s, p95: 5m }',
    ],
  ])('%s is refused by its own name', (override, line) => {
    expect(problemsOf(good, [override])[0]).toBe(line);
  });
});

describe('what the schema repeats, because scenarios may import metrics alone', () => {
  test('the players are those of the player model', () => {
    expect([...playerNames].sort()).toEqual(Object.keys(playerProfiles).sort());
  });
  test('scenario.schema.json is fresh (UPDATE_GENERATED=1 writes it anew)', () => {
    const file = new URL('./scenario.schema.json', import.meta.url);
    if (process.env['UPDATE_GENERATED']) writeFileSync(file, scenarioJsonSchema());
    // Compared as values: the formatter may have its own idea of line breaks.
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(scenarioJsonSchema()));
  });
});

test('a text that is nested without end gives a few lines, none of them about our stack', () => {
  const error = caught(() => parseScenario(`viewers: ${'['.repeat(20_000)}`, 'a.yaml'));
  expect(error.message).toMatch(/^a\.yaml:1:\d+: is nested too deeply$/m);
  expect(error.message).not.toContain('stack');
  expect(error.message.split('\n').length).toBeLessThanOrEqual(21);
});

test('two documents in one file', () => {
  expect(() => parseScenario('name: a\n---\nname: b\n', 'a.yaml')).toThrow(
    'a.yaml:2:1: a second document begins here; a scenario is one',
  );
});

function caught(act: () => unknown): Error {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error('It threw nothing.');
}
