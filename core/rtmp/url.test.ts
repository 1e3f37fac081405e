import { describe, expect, it } from 'vitest';
import { parseRtmpUrl } from './url.ts';

const good: [string, object][] = [
  [
    'rtmp://h/live/s',
    { secure: false, host: 'h', port: 1935, app: 'live', stream: 's', tcUrl: 'rtmp://h/live' },
  ],
  [
    'RTMPS://h/live/s',
    { secure: true, host: 'h', port: 443, app: 'live', stream: 's', tcUrl: 'rtmps://h/live' },
  ],
  [
    'rtmp://h:19350/live/s',
    { secure: false, host: 'h', port: 19350, app: 'live', stream: 's', tcUrl: 'rtmp://h:19350/live' },
  ],
  [
    'rtmp://[::1]:1936/live/s',
    { secure: false, host: '::1', port: 1936, app: 'live', stream: 's', tcUrl: 'rtmp://[::1]:1936/live' },
  ],
  [
    'rtmp://h/app/inst/s',
    { secure: false, host: 'h', port: 1935, app: 'app/inst', stream: 's', tcUrl: 'rtmp://h/app/inst' },
  ],
  [
    'rtmp://h/app/inst/a/b',
    { secure: false, host: 'h', port: 1935, app: 'app/inst', stream: 'a/b', tcUrl: 'rtmp://h/app/inst' },
  ],
  // node-media-server's signed URLs: nothing decoded, and a slash in the query divides nothing.
  [
    'rtmp://h/live/s?sign=17-ab/cd%2F',
    {
      secure: false,
      host: 'h',
      port: 1935,
      app: 'live',
      stream: 's?sign=17-ab/cd%2F',
      tcUrl: 'rtmp://h/live',
    },
  ],
  [
    'rtmp://u%40x:p%3Aw:d@h/live/s',
    {
      secure: false,
      host: 'h',
      port: 1935,
      app: 'live',
      stream: 's',
      tcUrl: 'rtmp://h/live',
      user: 'u@x',
      password: 'p:w:d',
    },
  ],
  [
    'rtmp://u@h/live/s',
    { secure: false, host: 'h', port: 1935, app: 'live', stream: 's', tcUrl: 'rtmp://h/live', user: 'u' },
  ],
];

const bad: [string, RegExp][] = [
  ['http://h/live/s', /not an RTMP URL: "http:\/\/h\/live\/s"; expected rtmp:/],
  ['rtmp:/h/live/s', /not an RTMP URL/],
  ['rtmp://h h/live/s', /not an RTMP URL/],
  ['rtmp://h/live/s\n', /not an RTMP URL/],
  ['rtmp://::1/live/s', /not an RTMP URL/],
  ['rtmp://h:0/live/s', /port 0 .* not between 1 and 65535/],
  ['rtmp://h:65536/live/s', /port 65536 .* not between 1 and 65535/],
  ['rtmp://h', /names no app and stream/],
  ['rtmp://h/live', /names no app and stream/],
  ['rtmp://h/live/', /names no app and stream/],
  ['rtmp://h/live?a=b/s', /names no app and stream/],
  ['rtmp://h//s', /names no app and stream/],
  ['rtmp://h/live//s', /names no app and stream/],
  ['rtmp://%zz@h/live/s', /not properly percent-encoded/],
  ['rtmp://u:secret@h', /^"rtmp:\/\/…@h" names no app/],
];

describe('parseRtmpUrl', () => {
  it.each(good)('reads %s', (url, expected) => {
    expect(parseRtmpUrl(url)).toStrictEqual(expected);
  });

  it.each(bad)('refuses %s', (url, message) => {
    expect(() => parseRtmpUrl(url)).toThrow(message);
  });
});
