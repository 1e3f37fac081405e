import { expect, it } from 'vitest';
import { readAddress } from './stream-address.ts';

it.each([
  ['/live/room.m3u8', { kind: 'multivariant', stream: 'live/room' }],
  ['/live/room_720p/index.m3u8', { kind: 'playlist', stream: 'live/room_720p', file: 'index' }],
  ['/live/room/ts.m3u8', { kind: 'playlist', stream: 'live/room', file: 'ts' }],
  ['/live/room/1k2-seg-7.m4s', { kind: 'media', stream: 'live/room', file: '1k2-seg-7.m4s' }],
  ['/live/room/1k2-seg-7.3.m4s', { kind: 'media', stream: 'live/room', file: '1k2-seg-7.3.m4s' }],
  ['/live/room/1k2-key-4.key', { kind: 'media', stream: 'live/room', file: '1k2-key-4.key' }],
  ['/live/room/other.m3u8', null],
  ['/live/ro.om.m3u8', null],
  ['/live/../room.m3u8', null],
  ['/live/%2e%2e/room.m3u8', null],
  ['/live/room%00.m3u8', null],
  ['/live/room/../../etc/passwd', null],
  [`/live/${'a'.repeat(129)}.m3u8`, null],
  ['//live/room.m3u8', null],
])('%s', (pathname, address) => {
  expect(readAddress(pathname)).toEqual(address);
});
