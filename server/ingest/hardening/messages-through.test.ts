/** What becomes of the messages of a publisher on their way to the viewers, without sockets. */
import type NodeMediaServer from 'node-media-server';
import { describe, expect, it } from 'vitest';
import { JoinCache } from './join-cache.ts';
import { MessageKinds } from './message-kind.ts';
import { isMetaData, tidyScript } from './script-tags.ts';
import { Timeline } from './timeline.ts';

type Packet = NodeMediaServer.Packet;

/** As node-media-server hands messages on: the buffer is longer than the message. */
function packet(type: number, body: string, fields: Partial<Packet> = {}): Packet {
  const data = Buffer.from(`${body}left over from before`, 'latin1');
  return { codec_type: type, codec_id: 0, flags: 0, dts: 0, pts: 0, size: body.length, data, ...fields };
}

const bodyOf = ({ data, size }: Packet) => data.toString('latin1', 0, size);

describe('scripts', () => {
  const metaData = '\x02\x00\x0aonMetaData\x03\0\0\x09';

  it('lose the instruction @setDataFrame', () => {
    const script = packet(18, `\x02\x00\x0d@setDataFrame${metaData}`);
    tidyScript(script);
    expect(bodyOf(script)).toBe(metaData);
    expect(isMetaData(script)).toBe(true);
  });

  it('in AMF3 clothes become AMF0', () => {
    const script = packet(15, `\0\x02\x00\x0d@setDataFrame${metaData}`);
    tidyScript(script);
    expect([script.codec_type, script.flags, bodyOf(script)]).toEqual([18, 5, metaData]);
  });

  it.each(['', '\x02\x00\x0d@setData', '\x02\x00\x07onCuePo', metaData])('%j stays as it is', (body) => {
    const script = packet(18, body);
    tidyScript(script);
    expect(bodyOf(script)).toBe(body);
  });

  it('an AMF3 message of no bytes ends up with none', () => {
    const script = packet(15, '');
    tidyScript(script);
    expect(script.size).toBeLessThanOrEqual(0);
  });
});

describe('kinds of messages', () => {
  it.each<[string, number, string, number, string | null]>([
    ['H.264 set-up', 9, '\x17\0\0\0\0avcC', 2, 'h264'],
    ['an H.264 key frame', 9, '\x17\x01\0\0\0nal', 3, 'h264'],
    ['an H.264 frame', 9, '\x27\x01\0\0\0nal', 4, 'h264'],
    ['the end of H.264, which is no key frame', 9, '\x17\x02\0\0\0', 6, 'h264'],
    ['H.265 set-up, the old way', 9, '\x1c\0\0\0\0hvcC', 2, 'h265'],
    ['an H.265 key frame, the old way', 9, '\x1c\x01\0\0\0nal', 3, 'h265'],
    ['enhanced H.265 set-up', 9, '\x90hvc1hvcC', 2, 'h265'],
    ['an enhanced AV1 key frame', 9, '\x91av01obu', 3, 'av1'],
    ['an enhanced H.264 frame without composition time', 9, '\xa3avc1nal', 4, 'h264'],
    ['the end of enhanced VP9, which is no set-up of sound', 9, '\x92vp09', 6, 'vp9'],
    ['a codec that is not known', 9, '\x12whatever', 6, null],
    ['a picture of one byte', 9, '\x17', 6, null],
    ['AAC set-up', 8, '\xaf\0asc', 0, 'aac'],
    ['AAC', 8, '\xaf\x01raw', 1, 'aac'],
    ['MP3', 8, '\x2fraw', 1, 'mp3'],
    ['Opus set-up', 8, '\x90OpusOpusHead', 0, 'opus'],
    ['Opus', 8, '\x91Opusraw', 1, 'opus'],
    ['Speex, which is not known', 8, '\xb6raw', 6, null],
  ])('%s', (_, type, body, flags, codec) => {
    const kinds = new MessageKinds();
    const message = packet(type, body, { flags: 99 });
    kinds.name(message);
    expect(message.flags).toBe(flags);
    expect(type === 9 ? kinds.videoCodec : kinds.audioCodec).toBe(codec);
  });
});

describe('the timeline', () => {
  const place = (timeline: Timeline, dts: number, flags = 4) => {
    const message = packet(9, 'x', { dts, pts: dts + 40, flags });
    timeline.place(message);
    expect(message.pts - message.dts).toBe(40);
    return message.dts;
  };

  it('leaves one connection alone, whatever its times', () => {
    const timeline = new Timeline();
    expect([5_000, 5_040, 4_000, 90_000].map((dts) => place(timeline, dts))).toEqual([
      5_000, 5_040, 4_000, 90_000,
    ]);
  });

  it('goes on where it was when a publisher starts at zero again, twice', () => {
    const timeline = new Timeline();
    place(timeline, 1_000);
    timeline.resume();
    expect([0, 40, 20].map((dts) => place(timeline, dts))).toEqual([1_001, 1_041, 1_021]);
    timeline.resume();
    expect([0, 40].map((dts) => place(timeline, dts))).toEqual([1_042, 1_082]);
  });

  it('believes a publisher that kept its clock running', () => {
    const timeline = new Timeline();
    place(timeline, 600_000);
    timeline.resume();
    expect(place(timeline, 600_700)).toBe(600_700);
  });

  it('leaves codec set-up where it is', () => {
    const timeline = new Timeline();
    place(timeline, 1_000);
    timeline.resume();
    expect([place(timeline, 0, 2), place(timeline, 0)]).toEqual([0, 1_001]);
  });
});

describe('what later viewers get first', () => {
  function cache(options: { gopCache?: boolean; maxGopBytes?: number } = {}) {
    const kept = { flvMetaData: null, rtmpMetaData: null, flvGopCache: null, rtmpGopCache: null };
    const broadcast = Object.assign(kept as unknown as NodeMediaServer.Broadcast, {
      flvHeader: Buffer.from('FLV\x01\x05', 'latin1'),
    });
    const join = new JoinCache(broadcast, { gopCache: true, maxGopBytes: 1_000, ...options });
    // node-media-server's own part: scripts are metadata, key frames begin a GOP.
    const relay = (message: Packet) => {
      if (message.flags === 5) broadcast.flvMetaData = broadcast.rtmpMetaData = message.data;
      if (message.flags === 3) broadcast.flvGopCache = broadcast.rtmpGopCache = new Set();
      if (message.flags === 3 || message.flags === 4) broadcast.flvGopCache?.add(message.data);
    };
    const send = (type: number, flags: number, bytes = 10) => {
      join.keep(packet(type, 'x'.repeat(bytes), { flags }), relay);
      return broadcast;
    };
    return { send, broadcast, join, relay };
  }
  const promise = ({ flvHeader }: NodeMediaServer.Broadcast) => flvHeader[4];

  it('the file header promises what is there', () => {
    const { send, broadcast } = cache();
    expect(promise(broadcast)).toBe(5);
    expect([promise(send(18, 5)), promise(send(9, 2)), promise(send(8, 0))]).toEqual([5, 1, 5]);
    expect(promise(cache().send(8, 1))).toBe(4);
  });

  it('a GOP that is too long is not kept, and the next one is', () => {
    const { send } = cache({ maxGopBytes: 100 });
    expect(send(9, 3, 60).flvGopCache?.size).toBe(1);
    expect(send(9, 4, 40).flvGopCache?.size).toBe(2);
    expect(send(9, 4, 1).flvGopCache).toBe(null);
    expect(send(9, 4, 1).rtmpGopCache).toBe(null);
    expect(send(9, 3, 60).flvGopCache?.size).toBe(1);
  });

  it('nothing is kept when it is told so', () => {
    const { send } = cache({ gopCache: false });
    expect([send(9, 3).flvGopCache, send(9, 4).rtmpGopCache]).toEqual([null, null]);
  });

  it('a script that is not metadata does not take its place', () => {
    const { broadcast, join, relay } = cache();
    const metaData = packet(18, '\x02\x00\x0aonMetaData', { flags: 5 });
    join.keep(metaData, relay);
    join.keep(packet(18, '\x02\x00\x0aonTextData', { flags: 5 }), relay);
    expect([broadcast.flvMetaData, broadcast.rtmpMetaData]).toEqual([metaData.data, metaData.data]);
  });
});
