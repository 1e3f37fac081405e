import { describe, expect, it } from 'vitest';
import { type Cmcd, cmcdHeaders, withCmcd, withoutCmcd, writeCmcd } from './cmcd.ts';

const sid = '6e2fb550-c457-11e9-bb97-0800200c9a66';

describe('writeCmcd', () => {
  it.each<[string, Cmcd, string]>([
    [
      'keys in order, text in quotes',
      { sid, br: 3_200, bs: true, d: 4_004, ot: 'v' },
      `br=3200,bs,d=4004,ot=v,sid="${sid}"`,
    ],
    [
      'some to the nearest hundred',
      { mtp: 25_444, bl: 21_350, dl: 49, rtp: 15_050 },
      'bl=21400,dl=0,mtp=25400,rtp=15100',
    ],
    ['what is false, or the default, not at all', { bs: false, su: false, v: 1, pr: 1 }, ''],
    ['quotes and backslashes escaped', { cid: 'a"b\\c' }, 'cid="a\\"b\\\\c"'],
    [
      'other letters as in a URL, also half of one',
      { cid: 'é\r\nX: 日\ud83d' },
      'cid="%C3%A9%0D%0AX: %E6%97%A5%EF%BF%BD"',
    ],
    ['whole numbers', { br: 1_234.6, tb: 2_000.4 }, 'br=1235,tb=2000'],
    ['nothing that is no number', { mtp: Number.NaN, bl: Number.POSITIVE_INFINITY }, ''],
    ['version 2 and its state', { v: 2, sta: 'p', ltc: 3_049 }, 'ltc=3000,sta=p,v=2'],
  ])('%s', (_name, data, text) => {
    expect(writeCmcd(data)).toBe(text);
  });
});

describe('in requests', () => {
  it('is one query parameter, behind those that are there', () => {
    expect(withCmcd('http://h/a.ts', { br: 300, su: true })).toBe('http://h/a.ts?CMCD=br%3D300%2Csu');
    expect(withCmcd('http://h/a.ts?k=1', { sf: 'h' })).toBe('http://h/a.ts?k=1&CMCD=sf%3Dh');
    expect(withCmcd('http://h/a.ts', {})).toBe('http://h/a.ts');
  });

  it.each(['http://h/a', 'http://h/a?k=1', 'http://h/a?k=1&l=2'])('comes out again of %s', (url) => {
    expect(withoutCmcd(withCmcd(url, { br: 1 }))).toBe(url);
    expect(withoutCmcd(url)).toBe(url);
  });

  it('comes out from between others', () => {
    expect(withoutCmcd('http://h/a?CMCD=br%3D1&_HLS_msn=3')).toBe('http://h/a?_HLS_msn=3');
    expect(withoutCmcd('http://h/a?k=1&CMCD=br%3D1&_HLS_msn=3')).toBe('http://h/a?k=1&_HLS_msn=3');
  });

  it('is four headers at most', () => {
    expect(cmcdHeaders({ br: 300, bl: 100, sid, bs: true, v: 2 })).toEqual({
      'CMCD-Object': 'br=300',
      'CMCD-Request': 'bl=100',
      'CMCD-Session': `sid="${sid}",v=2`,
      'CMCD-Status': 'bs',
    });
    expect(cmcdHeaders({ su: true })).toEqual({ 'CMCD-Request': 'su' });
  });
});
