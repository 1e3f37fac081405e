import { describe, expect, it } from 'vitest';
import { getRequest, parseHttpUrl, parseWebSocketUrl, redirectTarget } from './http-request.ts';

const lines = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1').split('\r\n');

describe('parseHttpUrl', () => {
  it.each([
    ['http://host/live/a.flv', 'host', 80, false, '/live/a.flv', 'host'],
    ['https://host/live/a.flv', 'host', 443, true, '/live/a.flv', 'host'],
    ['http://host:8000/live/a.flv?sign=1-x', 'host', 8000, false, '/live/a.flv?sign=1-x', 'host:8000'],
    ['http://[::1]:8000/a.flv', '::1', 8000, false, '/a.flv', '[::1]:8000'],
    ['http://192.168.0.1/a.flv', '192.168.0.1', 80, false, '/a.flv', '192.168.0.1'],
  ])('%s', (url, host, port, secure, path, hostHeader) => {
    expect(parseHttpUrl(url)).toMatchObject({ endpoint: { host, port, secure }, path, host: hostHeader });
  });

  it('takes user and password, percent-decoded, as Basic', () => {
    const { authorization } = parseHttpUrl('http://us%40er:p%3Ass@host/a.flv');
    expect(Buffer.from(authorization!.replace('Basic ', ''), 'base64').toString()).toBe('us@er:p:ss');
  });

  it.each(['', 'host/a.flv', 'http://', 'http://host:99999/a.flv', 'rtmp://host/a', 'http://%zz@host/a.flv'])(
    'refuses "%s" in one sentence',
    (url) => {
      expect(() => parseHttpUrl(url)).toThrow(/not a URL|not an HTTP URL|percent-encoded/);
    },
  );
});

describe('parseWebSocketUrl', () => {
  it.each([
    ['ws://host/live/a.flv?b', 80, false],
    ['wss://host/live/a.flv?b', 443, true],
    ['WSS://u:p@host:8443/live/a.flv?b', 8443, true],
  ])('%s', (url, port, secure) => {
    expect(parseWebSocketUrl(url)).toMatchObject({
      endpoint: { host: 'host', port, secure },
      path: '/live/a.flv?b',
    });
  });

  it.each(['http://host/a.flv', 'ws://', 'host/a.flv'])('refuses "%s" in one sentence', (url) => {
    expect(() => parseWebSocketUrl(url)).toThrow(/^not a .*; expected ws:\/\/host/);
  });
});

describe('getRequest', () => {
  it('asks for the path, uncompressed', () => {
    const request = lines(getRequest(parseHttpUrl('http://u:p@host:81/live/a.flv?b=c')));
    expect(request[0]).toBe('GET /live/a.flv?b=c HTTP/1.1');
    expect(request).toContain('host: host:81');
    expect(request).toContain('accept-encoding: identity');
    expect(request).toContain('authorization: Basic dTpw');
    expect(request.slice(-2)).toEqual(['', '']);
  });

  it('lets headers be set and replaced', () => {
    const request = lines(
      getRequest(parseHttpUrl('http://host/a.flv'), { Referer: 'http://site/', 'User-Agent': 'x' }),
    );
    expect(request).toContain('referer: http://site/');
    expect(request.filter((line) => line.startsWith('user-agent'))).toEqual(['user-agent: x']);
  });

  it('sends what the protocol needs, whatever the caller wants there', () => {
    const target = parseWebSocketUrl('ws://host/a.flv');
    const request = lines(
      getRequest(target, { Upgrade: 'other', Referer: 'r' }, target, { upgrade: 'websocket' }),
    );
    expect(request.filter((line) => /^upgrade/i.test(line))).toEqual(['upgrade: websocket']);
    expect(request).toContain('referer: r');
  });

  it('does not repeat the value of a header that cannot be sent', () => {
    const send = () => getRequest(parseHttpUrl('http://host/a.flv'), { authorization: 'Bearer hush\n' });
    expect(send).toThrow('the request header "authorization" cannot be sent');
    expect(send).not.toThrow('hush');
  });

  it.each([[{ 'bad name': 'x' }], [{ good: 'a\r\nevil: b' }], [{ '': 'x' }], [{ good: '\u{1f600}' }]])(
    'refuses %j',
    (headers) => {
      expect(() => getRequest(parseHttpUrl('http://host/a.flv'), headers as Record<string, string>)).toThrow(
        'cannot be sent',
      );
    },
  );
});

describe('redirectTarget', () => {
  const from = parseHttpUrl('http://u:p@host:8000/live/a.flv?x=1');

  it('follows absolute, rooted and relative locations', () => {
    expect(redirectTarget(from, 'https://edge/live/b.flv?y=2')).toMatchObject({
      endpoint: { host: 'edge', port: 443, secure: true },
      path: '/live/b.flv?y=2',
    });
    expect(redirectTarget(from, '/b.flv')).toMatchObject({ endpoint: { port: 8000 }, path: '/b.flv' });
    expect(redirectTarget(from, 'b.flv')).toMatchObject({ path: '/live/b.flv' });
  });

  it('takes credentials along to the same origin only', () => {
    expect(redirectTarget(from, '/b.flv')?.authorization).toBe(from.authorization);
    expect(redirectTarget(from, 'http://host:8001/b.flv')?.authorization).toBeNull();
    const other = redirectTarget(from, 'http://other/b.flv')!;
    const request = lines(getRequest(other, { cookie: 'secret', referer: 'r' }, from));
    expect(request.join('\n')).not.toContain('secret');
    expect(request).toContain('referer: r');
  });

  it('sends a WebSocket to a WebSocket, also by an HTTP URL, and HTTP never to one', () => {
    const webSocket = parseWebSocketUrl('ws://u:p@host:8000/live/a.flv');
    const edge = {
      endpoint: { host: 'edge', port: 443, secure: true },
      path: '/b.flv',
      origin: 'wss://edge',
    };
    expect(redirectTarget(webSocket, 'wss://edge/b.flv')).toMatchObject(edge);
    expect(redirectTarget(webSocket, 'https://edge/b.flv')).toMatchObject(edge);
    expect(redirectTarget(webSocket, 'http://host:8000/b.flv')?.authorization).toBe(webSocket.authorization);
    expect(redirectTarget(webSocket, '/b.flv')).toMatchObject({ origin: 'ws://host:8000', path: '/b.flv' });
    expect(redirectTarget(from, 'ws://host/b.flv')).toBeNull();
  });

  it.each(['rtmp://host/live/a', 'http://', '//'])('does not follow "%s"', (location) => {
    expect(redirectTarget(from, location)).toBeNull();
  });
});
