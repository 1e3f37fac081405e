import { describe, expect, test } from 'vitest';
import { validateScenario, wrongViewerUrl } from './validate.ts';

describe('an address that could not be connected to is refused before the run', () => {
  test.each([
    ['rtmp://h:0/live/a', 'has the port 0'],
    ['http://h:0/a.flv', 'has the port 0'],
    ['http://h:65536/a.flv', 'port (1 to 65535)'],
    ['http:///a.flv', 'has no host'],
    ['rtmp:///live/a', 'has no host'],
    ['rtmp://u:hu@sh@h/live/a', 'written %40'],
    ['rtmp://u:hu%sh@h/live/a', 'written %25'],
    ['http://h/a\nb.flv', 'control character'],
    [`http://h/${'x'.repeat(100_000)}.flv`, 'an address of 100013 characters'],
  ])('%.40s', (address, words) => {
    const sentence = wrongViewerUrl(address);
    expect(sentence).toContain(words);
    expect(sentence).not.toMatch(/hu.?sh|\n/);
    expect(sentence?.length).toBeLessThan(200);
  });

  test.each(['rtmp://u:p%40@[::1]:1935/live/a?x=@:', 'http://h/live/@{1..2}@.flv', 'https://u@h/a.flv'])(
    'not %s',
    (address) => expect(wrongViewerUrl(address)).toBeNull(),
  );
});

test('a stream that is refused keeps its password and signature', () => {
  const viewers = [
    { executor: 'constant-viewers', viewers: 1, duration: '1s', protocol: 'rtmp', stream: 'live?sign=hush' },
  ];
  const twice = [{ url: 'rtmp://u:hush@h/live/a' }, { url: 'rtmp://u:hush@h/live/a' }];
  const result = validateScenario({ name: 'a', target: 'reference', publishers: twice, viewers });
  if (result.ok) throw new Error('It was taken.');
  expect(result.problems).toHaveLength(2);
  expect(JSON.stringify(result.problems)).not.toContain('hush');
});
