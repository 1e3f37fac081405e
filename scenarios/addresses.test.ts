import { describe, expect, test } from 'vitest';
import { protocolOf as clientsProtocolOf } from '../clients/create-viewer.ts';
import { protocolOf, streamAddresses, urlAddresses } from './addresses.ts';

describe('addresses of streams', () => {
  const target = { rtmp: 'rtmp://h:1935/', http: 'http://h:8000' };

  test('on a target, by protocol; a signature goes into the address and not into the tag', () => {
    expect(streamAddresses(['live/{1..2}'], 'rtmp', target)).toEqual([
      { protocol: 'rtmp', name: 'live/1', url: 'rtmp://h:1935/live/1' },
      { protocol: 'rtmp', name: 'live/2', url: 'rtmp://h:1935/live/2' },
    ]);
    expect(streamAddresses(['live/a?sign=1-x'], 'http-flv', target)).toEqual([
      { protocol: 'http-flv', name: 'live/a', url: 'http://h:8000/live/a.flv?sign=1-x' },
    ]);
    expect(streamAddresses(['live/a?sign=1-x'], 'ws-flv', target)).toEqual([
      { protocol: 'ws-flv', name: 'live/a', url: 'ws://h:8000/live/a.flv?sign=1-x' },
    ]);
    expect(streamAddresses(['live/a'], 'ws-flv', { http: 'https://h/' })[0]?.url).toBe('wss://h/live/a.flv');
  });

  test('of full addresses', () => {
    expect(
      urlAddresses(['https://u:p@h/x/live/{1..2}.flv?s=1', 'rtmps://h:443/live/a', 'wss://h/live/a.flv']),
    ).toEqual([
      { protocol: 'http-flv', name: 'x/live/1', url: 'https://u:p@h/x/live/1.flv?s=1' },
      { protocol: 'http-flv', name: 'x/live/2', url: 'https://u:p@h/x/live/2.flv?s=1' },
      { protocol: 'rtmp', name: 'live/a', url: 'rtmps://h:443/live/a' },
      { protocol: 'ws-flv', name: 'live/a', url: 'wss://h/live/a.flv' },
    ]);
  });

  test.each([
    [
      'ws://h/a',
      '"ws://h/a" ends in neither .flv nor .m3u8, so it is not known what kind of stream it is; say its protocol',
    ],
    [
      'http://h/a',
      '"http://h/a" ends in neither .flv nor .m3u8, so it is not known what kind of stream it is; say its protocol',
    ],
    [
      'whep://h/a',
      '"whep://h/a": viewers of whep:// are not carried out by this version; rtmp, http-flv, ws-flv and hls are',
    ],
    [
      'h/live/a',
      '"h/live/a" cannot be played: expected rtmp(s)://host/app/stream, http(s):// or ws(s)://host/app/stream.flv, or http(s)://host/app/stream.m3u8',
    ],
  ])('%s is refused in one sentence', (url, sentence) => {
    expect(() => protocolOf(url)).toThrow(sentence);
  });

  test('what an address does not tell can be said; what it tells cannot be changed', () => {
    expect(protocolOf('http://h/live/a', 'hls')).toBe('hls');
    expect(protocolOf('https://h/play?id=7', 'http-flv')).toBe('http-flv');
    expect(protocolOf('http://h/a.m3u8', 'hls')).toBe('hls');
    expect(() => protocolOf('http://h/a.flv', 'hls')).toThrow(
      '"http://h/a.flv" is an address of the protocol "http-flv", not of "hls"',
    );
  });

  test('HLS is under http, or where the target says', () => {
    const url = (target: object) => streamAddresses(['live/a?k=1'], 'hls', target)[0]?.url;
    expect(url({ http: 'http://h:8000' })).toBe('http://h:8000/live/a.m3u8?k=1');
    expect(url({ http: 'http://h:8000', hls: 'http://cdn/x/' })).toBe('http://cdn/x/live/a.m3u8?k=1');
    expect(url({ hls: 'http://cdn/{stream}/master.m3u8' })).toBe('http://cdn/live/a/master.m3u8?k=1');
  });

  test('the clients say the same of each address', () => {
    for (const url of [
      'rtmp://h/live/a',
      'RTMPS://h/a/b',
      'http://h/a.flv?x=.m3u8',
      'https://h/live/a.flv',
      'ws://h/a.flv?x=.m3u8',
      'WSS://h/live/a.flv',
      'http://h/a.m3u8',
      'https://h/live/a/master.m3u8?token=.flv',
    ])
      expect(clientsProtocolOf(url)).toBe(protocolOf(url));
    for (const url of ['ws://h/a.m3u8', 'http://h/a?b=.flv', 'ws://h/a?b=.flv', 'whep://h/a', 'live/a'])
      expect(() => clientsProtocolOf(url)).toThrow();
  });
});
