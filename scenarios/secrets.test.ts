import { describe, expect, test } from 'vitest';
import { urlAddresses } from './addresses.ts';
import { parseScenario } from './parse.ts';
import { maskSecrets, scenarioWithoutSecrets } from './secrets.ts';
import { validateScenario, wrongPublishUrl, wrongViewerUrl } from './validate.ts';

describe('an address', () => {
  test.each([
    ['rtmp://u:hush@h/live/a', 'rtmp://…@h/live/a'],
    ['http://u:hu@sh@h/live/a@b.flv', 'http://…@h/live/a@b.flv'],
    ['rtmp://u:hu/s?h#@h/live/a', 'rtmp://…@h/live/a'],
    ["rtmp://us er:hu'sh@h/live/a", 'rtmp://…@h/live/a'],
    ['u:hush@h/live/a', '…@h/live/a'],
    ['target.rtmp=u:hush@h', 'target.rtmp=…@h'],
    ['rtmp://h/live/a@b', 'rtmp://h/live/a@b'],
    ['live/a@b', 'live/a@b'],
    ['http://h/live/a.flv?sign=hush', 'http://h/live/a.flv?…'],
    ['live/{1..2}?sign=hush', 'live/{1..2}?…'],
    [
      'target={"rtmp":"rtmp://u:hush@h?hush","http":"http://u:hush@h"}',
      'target={"rtmp":"rtmp://…@h?…","http":"http://…@h"}',
    ],
  ])('in a message about itself: %s', (address, shown) => {
    expect(maskSecrets(address)).toBe(shown);
  });

  test.each([
    () => wrongViewerUrl('http://u:hush@h/live/a.mp4'),
    () => wrongViewerUrl('http://u:hush@h/live/a.mp4?sign=hush'),
    () => wrongViewerUrl('gopher://u:hush@h/live/a.flv'),
    () => wrongViewerUrl('http://u:hush@h:port/live/a.flv'),
    () => wrongViewerUrl('http://u:hush@h/live/{5..1}.flv'),
    () => wrongViewerUrl('http://u:hush@h/live/{a.flv'),
    () => wrongViewerUrl('rtmp://u:hush@h/live'),
    () => wrongPublishUrl('http://u:hush@h/live/a'),
    () => wrongPublishUrl('rtmp://u:hush@h/'),
    () => {
      const cohort = { stream: 'rtmp://u:hush@h/live/a', protocol: 'rtmp', viewers: 1, duration: '1s' };
      const result = validateScenario({ name: 'a', viewers: [{ ...cohort, executor: 'constant-viewers' }] });
      return result.ok ? null : (result.problems[0]?.sentence ?? null);
    },
  ])('refused by %s keeps its password', (refuse) => {
    const sentence = refuse();
    expect(sentence).toContain('…@h');
    expect(sentence).not.toContain('hush');
  });

  test('gives its stream no credentials for a tag', () => {
    expect(urlAddresses(['http://u:hush@h/live/a.flv?sign=hush'])[0]?.name).toBe('live/a');
  });
});

test('an override that is refused keeps its password', () => {
  const text =
    'name: a\nviewers: [{ executor: constant-viewers, viewers: 1, duration: 1s, url: rtmp://h/live/a }]\n';
  for (const override of [
    'viewers.0.url=gopher://u:hush@h/a?sign=hush',
    'viewers.9.url=rtmp://u:hush@h/live/a',
  ]) {
    expect(() => parseScenario(text, 'a.yaml', [override])).toThrow('…@h');
    expect(() => parseScenario(text, 'a.yaml', [override])).not.toThrow('hush');
  }
});

test('a scenario in a report shows that there were secrets, and none of them', () => {
  const cohort = { executor: 'constant-viewers', viewers: 1, duration: '1s' } as const;
  const scenario = {
    name: 'a',
    target: { rtmp: 'rtmp://u:hush@h', http: 'http://h:8000' },
    publishers: [
      { stream: 'live/a?sign=hush', source: 'http://u:hush@h/a.mp4' },
      { url: ['rtmp://h/live/b', 'rtmps://u:hush@h/live/c'] },
    ],
    viewers: [
      { ...cohort, name: 'x', url: 'https://u:hush@h/live/a.flv?sign=hush', headers: { cookie: 'hush' } },
      { ...cohort, name: 'y', stream: ['live/a'], protocol: 'rtmp' as const },
    ],
  };
  expect(scenarioWithoutSecrets(scenario)).toEqual({
    name: 'a',
    target: { rtmp: 'rtmp://…@h', http: 'http://h:8000' },
    publishers: [
      { stream: 'live/a?…', source: 'http://…@h/a.mp4' },
      { url: ['rtmp://h/live/b', 'rtmps://…@h/live/c'] },
    ],
    viewers: [
      { ...cohort, name: 'x', url: 'https://…@h/live/a.flv?…', headers: { cookie: '…' } },
      { ...cohort, name: 'y', stream: ['live/a'], protocol: 'rtmp' },
    ],
  });
  expect(scenarioWithoutSecrets({ ...scenario, target: 'reference' }).target).toBe('reference');
});
