import { describe, expect, it } from 'vitest';
import type { PageSettings } from '../settings.ts';
import { mediaUrl, readStreamName } from './media-url.ts';

const page = { protocol: 'https:', hostname: 'play.example', origin: 'https://play.example:8080' };
const settings: PageSettings = { flv: { port: 8000 }, hlsUrl: null, streamsUrl: null };
const room = { stream: 'live/room', query: '' };

describe('readStreamName', () => {
  it.each([
    ['live/room', room],
    [' /live/room.flv ', room],
    ['live/room_720p.m3u8', { stream: 'live/room_720p', query: '' }],
    ['live/room?sign=1-a?b', { stream: 'live/room', query: 'sign=1-a?b' }],
    ['room', null],
    ['live/../room', null],
    ['live/ro om', null],
    ['', null],
  ])('%j', (typed, wanted) => expect(readStreamName(typed)).toEqual(wanted));
});

describe('mediaUrl', () => {
  it('is on the host of the page, by its scheme', () => {
    expect(mediaUrl('http-flv', room, settings, page)).toBe('https://play.example:8000/live/room.flv');
    expect(mediaUrl('ws-flv', room, settings, page)).toBe('wss://play.example:8000/live/room.flv');
    expect(mediaUrl('hls', room, settings, page)).toBe('https://play.example:8080/live/room.m3u8');
  });

  it('is where the server says, with the signature', () => {
    const elsewhere = { flv: { url: 'http://edge:81' }, hlsUrl: 'http://hls', streamsUrl: null };
    const signed = { ...room, query: 'sign=1-a' };
    expect(mediaUrl('http-flv', signed, elsewhere, page)).toBe('http://edge:81/live/room.flv?sign=1-a');
    expect(mediaUrl('ws-flv', signed, elsewhere, page)).toBe('ws://edge:81/live/room.flv?sign=1-a');
    expect(mediaUrl('hls', signed, elsewhere, page)).toBe('http://hls/live/room.m3u8?sign=1-a');
  });
});
