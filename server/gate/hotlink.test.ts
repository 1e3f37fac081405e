import { describe, expect, it } from 'vitest';
import { allowEveryPage, allowedOriginPattern, checkHotlink } from './hotlink.ts';

const allowedOrigins = [
  'example.com',
  '*.example.org',
  'https://app.test:8443',
  'https://Plain.Test',
  'port.test:81',
];
const rules = { allowedOrigins, emptyReferer: 'allow' } as const;

describe('checkHotlink', () => {
  it.each([
    ['https://example.com', true],
    ['http://example.com:99', true],
    ['https://EXAMPLE.com', true],
    ['https://www.example.com', false],
    ['https://example.com.evil.test', false],
    ['https://evil-example.com', false],
    ['https://a.example.org', true],
    ['https://a.b.example.org', true],
    ['https://example.org', false],
    ['https://evilexample.org', false],
    ['https://app.test:8443', true],
    ['https://app.test', false],
    ['http://app.test:8443', false],
    ['https://plain.test:443', true],
    ['http://port.test:81', true],
    ['http://port.test', false],
    ['null', false],
    ['https://', false],
    ['file:///etc/example.com', false],
    ['javascript:example.com', false],
    ['https://example.com@evil.test', false],
    ['nonsense', false],
    ['\0', false],
  ])('the page %j may play: %j', (page, may) => {
    expect(checkHotlink({ origin: page }, rules)).toBe(may ? null : 'hotlink');
    expect(checkHotlink({ referer: `${page}/watch?u=https://example.com/` }, rules)).toBe(
      may ? null : 'hotlink',
    );
  });

  it('the Origin counts before the Referer', () => {
    const mine = 'https://example.com';
    const other = 'https://evil.test';
    expect(checkHotlink({ origin: other, referer: `${mine}/` }, rules)).toBe('hotlink');
    expect(checkHotlink({ origin: mine, referer: `${other}/` }, rules)).toBe(null);
  });

  it('who names no page is let in or not, as it is said', () => {
    for (const page of [{}, { referer: '' }, { origin: '' }]) {
      expect(checkHotlink(page, rules)).toBe(null);
      expect(checkHotlink(page, { ...rules, emptyReferer: 'refuse' })).toBe('hotlink');
    }
  });

  it("the server's own pages may always, from any port", () => {
    const host = 'tv.test:8000';
    expect(checkHotlink({ host, origin: 'http://tv.test:8080' }, { ...rules, allowedOrigins: [] })).toBe(
      null,
    );
    expect(checkHotlink({ host, origin: 'http://other.test' }, { ...rules, allowedOrigins: [] })).toBe(
      'hotlink',
    );
    expect(checkHotlink({ host: '[::1]:8000', referer: 'http://[::1]/' }, rules)).toBe(null);
    expect(checkHotlink({ host: 'a b', origin: 'http://other.test' }, rules)).toBe('hotlink');
  });

  it('without a list every page may', () => {
    expect(checkHotlink({ origin: 'null' }, allowEveryPage)).toBe(null);
  });
});

it.each([
  ['example.com', true],
  ['*.example.com', true],
  ['https://example.com:8443', true],
  ['[::1]', true],
  ['localhost:3000', true],
  ['', false],
  ['*', false],
  ['https://example.com/', false],
  ['a.*.com', false],
  ['ftp://example.com', false],
])('%j is an entry of the list: %j', (entry, is) => {
  expect(allowedOriginPattern.test(entry)).toBe(is);
});
