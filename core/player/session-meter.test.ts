import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  aacConfig,
  aacFrame,
  avcConfig,
  avcPicture,
  avcPictures,
  deliver,
} from '../../tests/kit/scripted-media.ts';
import { type Metadata, writeMetadata } from '../flv/metadata.ts';
import { FlvReader } from '../flv/reader.ts';
import { flvHeader, flvTag } from '../flv/writer.ts';
import { type MediaTag, TAG_SCRIPT } from '../media.ts';
import { type PlayerProfile, playerProfiles } from './profile.ts';
import { METER_HEAD_BYTES, type SessionListener, SessionMeter } from './session-meter.ts';

const EPOCH = 1_790_000_000_000;
const bare = playerProfiles['ffplay-nobuffer'];
const plain = playerProfiles.plain;

/** A meter whose intended start is at 1,000 and whose wall clock is `EPOCH + now`. */
function session(profile: PlayerProfile) {
  const heard: [keyof SessionListener, number][] = [];
  const listener = Object.fromEntries(
    (
      [
        'firstMedia',
        'firstFrame',
        'startup',
        'joinLag',
        'latency',
        'delivery',
        'stalled',
        'stallEnded',
      ] as const
    ).map((name) => [name, (value: number) => heard.push([name, value])]),
  ) as unknown as SessionListener;
  const meter = new SessionMeter(profile, 1_000, listener);
  return {
    meter,
    heard,
    all: (name: keyof SessionListener) => heard.filter(([what]) => what === name).map(([, value]) => value),
    come(nowMs: number, ...tags: MediaTag[]) {
      meter.arrive(nowMs, EPOCH + nowMs);
      for (const tag of tags) deliver(tag, meter, METER_HEAD_BYTES);
    },
    sweep: (nowMs: number) => meter.sweep(nowMs, EPOCH + nowMs),
  };
}

/** Pictures come as they are made, `delayMs` after capture; the first at `fromMs`. */
function live(run: ReturnType<typeof session>, tags: MediaTag[], fromMs: number): void {
  const first = tags[0]!.timestampMs;
  for (const tag of tags) run.come(fromMs + ((tag.timestampMs - first) | 0), tag);
}

describe('SessionMeter: the start', () => {
  it('first frame: the last byte of the first key picture after a configuration', () => {
    const run = session(plain);
    run.come(1_100, avcPicture({ timestampMs: 0, key: true }));
    expect(run.all('firstFrame')).toEqual([]);
    run.come(1_200, avcConfig());
    run.come(1_240, avcPicture({ timestampMs: 40 }));
    const key = avcPicture({ timestampMs: 80, key: true, sliceBytes: 5_000 });
    run.meter.arrive(1_280, EPOCH);
    run.meter.head(key.type, key.timestampMs, key.body.length, key.body, 0, METER_HEAD_BYTES);
    expect(run.meter.keyPictureUnderWay).toBe(true);
    run.meter.arrive(1_500, EPOCH);
    run.meter.end();
    expect(run.all('firstFrame')).toEqual([500]);
    expect(run.all('firstMedia')).toEqual([100]);
    expect(run.meter.figures()).toMatchObject({ firstMediaMs: 100, firstFrameMs: 500, startupMs: null });
  });

  it('a configuration is not media', () => {
    const run = session(plain);
    run.come(1_100, avcConfig(), aacConfig());
    expect(run.meter.hasMedia).toBe(false);
    run.come(1_200, aacFrame(0));
    expect(run.meter.hasMedia).toBe(true);
  });

  it('empty tags and command frames are not media, and an unknown codec is never a first frame', () => {
    const run = session(plain);
    run.come(1_100, { type: 9, timestampMs: 0, body: new Uint8Array(0) });
    run.come(1_100, { type: 8, timestampMs: 0, body: new Uint8Array(0) });
    run.come(1_100, { type: 9, timestampMs: 0, body: Uint8Array.of(0x57, 0, 0, 0, 0) });
    expect(run.meter.hasMedia).toBe(false);
    run.come(1_200, { type: 9, timestampMs: 0, body: Uint8Array.of(0x12, 1, 2, 3, 4, 5) });
    expect([run.meter.hasMedia, run.meter.hasFirstFrame, run.meter.hasVideo]).toEqual([true, false, true]);
  });

  it('startup and join lag: a cached GOP starts at once and is old', () => {
    const run = session(plain);
    // The GOP was captured from EPOCH − 400 on; all of it comes at 1,300.
    run.come(1_300, avcConfig(), ...avcPictures({ count: 30, captureMs: EPOCH - 400 }));
    expect(run.all('firstFrame')).toEqual([300]);
    expect(run.all('startup')).toEqual([300]);
    expect(run.all('joinLag')).toEqual([1_700]);
    expect(run.all('delivery')).toHaveLength(30);
    expect(run.all('delivery')[0]).toBe(1_700);
  });

  it('startup waits for the start buffer', () => {
    const run = session(plain);
    run.come(1_300, avcConfig());
    live(run, avcPictures({ count: 60, captureMs: EPOCH + 1_200 }), 1_300);
    // 25 pictures (the 25th comes at 1,300 + 960) hold 1,000 ms.
    expect(run.all('startup')).toEqual([1_260]);
    // The first picture was captured at 1,200 and is shown at 2,260.
    expect(run.all('joinLag')).toEqual([1_060]);
  });
});

describe('SessionMeter: latency', () => {
  it('is the age of the picture at the playhead, once per sweep while playing', () => {
    const run = session(plain);
    run.sweep(1_100);
    run.come(1_300, avcConfig());
    live(run, avcPictures({ count: 100, captureMs: EPOCH + 1_200 }), 1_300);
    run.sweep(5_270);
    expect(run.all('latency')).toEqual([1_060]);
    run.sweep(8_000);
    expect(run.meter.state).toBe('stalled');
    expect(run.all('latency')).toHaveLength(1);
  });

  it('is absent without a stamp, and nothing else is', () => {
    const run = session(bare);
    run.come(1_300, avcConfig());
    live(run, avcPictures({ count: 50 }), 1_300);
    run.sweep(3_270);
    expect(run.all('latency')).toEqual([]);
    expect(run.all('joinLag')).toEqual([]);
    expect(run.meter.figures()).toMatchObject({
      startupMs: 300,
      joinLagMs: null,
      frames: 50,
      framesMissing: 0,
    });
  });

  it('follows a publisher that restarts: other numbers, timestamps from 0, later capture', () => {
    const run = session(plain);
    run.come(1_300, avcConfig());
    live(run, avcPictures({ count: 100, captureMs: EPOCH + 1_200, timestampMs: 50_000 }), 1_300);
    // The last picture ended at 5,300 on the wire and at 6,260 at the playhead; the new ones come from 6,000 on.
    live(run, avcPictures({ count: 100, captureMs: EPOCH + 5_950, publisher: 2, timestampMs: 0 }), 6_000);
    run.sweep(9_970);
    expect(run.meter.figures()).toMatchObject({ stallCount: 0, frames: 200, framesMissing: 0 });
    // The new media begins to play when the old ends (6,260): 310 ms after it was captured.
    expect(run.all('latency')).toEqual([310]);
  });

  it('passes over the wrap of timestamps without a trace', () => {
    const run = session(plain);
    run.come(1_300, avcConfig());
    live(run, avcPictures({ count: 100, captureMs: EPOCH + 1_200, timestampMs: 0xffffffff - 1_000 }), 1_300);
    run.sweep(5_270);
    expect(run.all('latency')).toEqual([1_060]);
    expect(run.meter.mediaMs).toBe(4_000);
  });

  it('with B-frames follows presentation times', () => {
    const run = session(plain);
    run.come(1_300, avcConfig());
    // Decode order I2 P6 B4 … in units of 40 ms: dts n, pts as given, capture = pts − 80.
    const order = [
      2, 6, 4, 3, 5, 10, 8, 7, 9, 14, 12, 11, 13, 18, 16, 15, 17, 22, 20, 19, 21, 26, 24, 23, 25, 30,
    ];
    const tags = order.map((pts, dts) =>
      avcPicture({
        timestampMs: dts * 40,
        compositionMs: (pts - dts) * 40,
        key: dts === 0,
        stamp: { publisher: 1, frame: pts - 2, captureUs: (EPOCH + 1_200 + (pts - 2) * 40) * 1_000 },
      }),
    );
    live(run, tags, 1_300);
    // All up to the newest decode time is there: 26 · 40 = 1,040, less where the first picture lies (80): not yet.
    expect(run.all('startup')).toEqual([]);
    run.come(2_340, avcPicture({ timestampMs: 1_040, compositionMs: 0 }));
    expect(run.all('startup')).toEqual([1_340]);
    expect(run.all('joinLag')).toEqual([1_140]);
    expect(run.meter.figures().framesMissing).toBe(0);
  });
});

describe('SessionMeter: stalls, frames, bytes', () => {
  it('a cut of 3,000 ms is one stall of 3,000 ms less what the buffer held', () => {
    const run = session({ ...plain, resumeBufferMs: 40, resumeBufferMaxMs: 40 });
    run.come(1_000, avcConfig());
    live(run, avcPictures({ count: 100 }), 1_000);
    // The last picture came at 4,960; the next 75 come together at 8,000, when the line is back.
    run.sweep(7_500);
    expect(run.meter.state).toBe('stalled');
    run.come(8_000, ...avcPictures({ count: 76, timestampMs: 4_000 }));
    run.meter.finish(8_500);
    // Started at 1,960 with 1,000 ms in hand; 4,000 ms of media end at 5,960.
    expect(run.all('stalled')).toEqual([5_960]);
    expect(run.all('stallEnded')).toEqual([2_040]);
    expect(run.meter.figures()).toMatchObject({
      startupMs: 960,
      stallCount: 1,
      stallCountPlayer: 1,
      stallMs: 2_040,
      playingMs: 4_000 + 500,
      mediaMs: 7_040,
    });
  });

  it('one frame in fifty removed is 2 % missing', () => {
    const run = session(bare);
    run.come(1_000, avcConfig());
    const tags = avcPictures({ count: 1_000, captureMs: EPOCH }).filter((_, i) => i % 50 !== 25);
    live(run, tags, 1_000);
    const { frames, framesMissing } = run.meter.figures();
    expect(framesMissing / (frames + framesMissing)).toBeCloseTo(0.02, 6);
  });

  it('counts the bytes of what can be played, not what lies before it', () => {
    const run = session(bare);
    run.come(1_000, aacFrame(0, 70), avcConfig(), avcPicture({ timestampMs: 0 }));
    expect(run.meter.mediaBytes).toBe(0);
    const key = avcPicture({ timestampMs: 40, key: true });
    run.come(1_040, key, aacFrame(40, 90));
    expect(run.meter.mediaBytes).toBe(key.body.length + 90);
  });
});

describe('SessionMeter: streams without video', () => {
  const metadata = (facts: Metadata): MediaTag => ({
    type: TAG_SCRIPT,
    timestampMs: 0,
    body: writeMetadata(facts),
  });
  const soundOnly = metadata({ audiocodecid: 10, width: 0, videocodecid: '' });

  it('takes a second of sound for a stream of sound alone if its metadata speaks of nothing else, and dates its start back', () => {
    const run = session({ ...bare, startBufferMs: 200 });
    run.come(1_100, soundOnly, aacConfig());
    for (let i = 0; i < 100; i++) run.come(1_200 + i * 20, aacFrame(i * 20));
    expect(run.all('firstFrame')).toEqual([200]);
    expect(run.all('startup')).toEqual([380]);
    expect(run.meter.figures()).toMatchObject({ frames: 100, mediaMs: 2_000, stallCount: 0 });
    expect(run.meter.decodable).toBe(true);
    run.sweep(4_000);
    expect(run.all('stalled')).toEqual([3_380]);
  });

  it('believes a header that says so', () => {
    const run = session(bare);
    run.meter.announced(true, false);
    run.come(1_200, aacConfig(), aacFrame(0));
    expect(run.all('firstFrame')).toEqual([200]);
    expect(run.all('startup')).toEqual([200]);
  });

  it('believes metadata that promises pictures more than a header that denies them', () => {
    const run = session(bare);
    run.meter.announced(true, false);
    run.come(1_100, metadata({ width: 640, height: 360, videocodecid: 7 }), aacConfig());
    for (let i = 0; i < 80; i++) run.come(1_200 + i * 20, aacFrame(i * 20));
    expect(run.all('firstFrame')).toEqual([]);
    run.come(3_000, avcConfig(), avcPicture({ timestampMs: 1_600, key: true }));
    expect(run.all('firstFrame')).toEqual([2_000]);
  });

  it('forgets sound that came before the first picture', () => {
    const run = session(plain);
    for (let i = 0; i < 40; i++) run.come(1_200 + i * 20, aacFrame(i * 20));
    expect(run.meter.state).toBe('starting');
    run.come(2_000, avcConfig(), ...avcPictures({ count: 25 }));
    expect(run.all('firstFrame')).toEqual([1_000]);
    expect(run.all('startup')).toEqual([1_000]);
    expect(run.meter.figures()).toMatchObject({ frames: 25, mediaMs: 1_000 });
  });

  it('waits for the pictures that metadata promises, however long a server lets sound go before', () => {
    const run = session(bare);
    run.come(1_100, metadata({ width: 640, height: 360, videocodecid: 'avc1' }), aacConfig());
    for (let i = 0; i < 1_000; i++) run.come(1_200 + i * 20, aacFrame(i * 20));
    expect(run.all('firstFrame')).toEqual([]);
    expect([run.meter.hasVideo, run.meter.videoPromised]).toEqual([false, true]);
    run.come(21_200, avcConfig(), avcPicture({ timestampMs: 20_000, key: true }));
    expect(run.all('firstFrame')).toEqual([20_200]);
    expect(run.meter.figures()).toMatchObject({ frames: 1, stallCount: 0 });
  });

  it('waits longer than a GOP where nothing is said of pictures, or nothing that can be read', () => {
    const broken: MediaTag = { type: TAG_SCRIPT, timestampMs: 0, body: Uint8Array.of(2, 0, 99, 1) };
    for (const script of [[], [broken], [metadata({ duration: 0 })]]) {
      const run = session(bare);
      run.come(1_100, ...script, aacConfig());
      for (let i = 0; i < 499; i++) run.come(1_200 + i * 20, aacFrame(i * 20));
      expect(run.all('firstFrame')).toEqual([]);
      run.come(11_180, aacFrame(9_980));
      expect(run.all('firstFrame')).toEqual([200]);
    }
  });

  it('goes over into video when a picture comes after all', () => {
    const run = session(bare);
    run.come(1_100, soundOnly);
    for (let i = 0; i < 100; i++) run.come(1_200 + i * 20, aacFrame(i * 20));
    run.come(3_200, avcConfig(), ...avcPictures({ count: 25, timestampMs: 2_000 }));
    run.sweep(4_100);
    expect(run.meter.state).toBe('playing');
    expect(run.all('firstFrame')).toEqual([200]);
    expect(run.meter.figures()).toMatchObject({ frames: 125, stallCount: 0 });
  });
});

describe('SessionMeter: reconnects', () => {
  it('waits for a configuration and a key picture again, and plays on behind what it had', () => {
    const run = session(bare);
    run.come(1_000, avcConfig());
    live(run, avcPictures({ count: 50, captureMs: EPOCH + 900 }), 1_000);
    run.meter.reconnected();
    expect(run.meter.decodable).toBe(false);
    run.come(3_500, avcPicture({ timestampMs: 9_000 }), avcConfig(), avcPicture({ timestampMs: 9_040 }));
    expect(run.meter.decodable).toBe(false);
    live(
      run,
      avcPictures({ count: 50, captureMs: EPOCH + 3_900, timestampMs: 9_080, firstFrame: 75 }),
      4_000,
    );
    expect(run.meter.decodable).toBe(true);
    run.sweep(5_970);
    expect(run.all('stalled')).toEqual([3_000]);
    expect(run.all('stallEnded')).toEqual([1_000]);
    expect(run.all('firstFrame')).toEqual([0]);
    expect(run.all('latency')).toEqual([100]);
    expect(run.meter.figures()).toMatchObject({ frames: 102, framesMissing: 0, stallMs: 1_000 });
  });

  it('plays what a server sends again behind what it had, though timestamps go on or step back a little', () => {
    for (const timestampMs of [1_950, 2_080]) {
      const run = session(bare);
      run.come(1_000, avcConfig());
      live(run, avcPictures({ count: 50 }), 1_000);
      run.meter.reconnected();
      run.come(2_980, avcConfig(), ...avcPictures({ count: 25, timestampMs }));
      expect(run.meter.mediaMs).toBe(3_000);
    }
  });

  it('drops a tag that the lost connection did not finish', () => {
    const run = session(bare);
    run.come(1_000, avcConfig());
    const key = avcPicture({ timestampMs: 0, key: true });
    run.meter.head(key.type, 0, key.body.length, key.body, 0, 40);
    run.meter.reconnected();
    run.meter.end();
    expect(run.meter.hasFirstFrame).toBe(false);
  });
});

describe('SessionMeter behind a parser', () => {
  it('gives the same figures however the bytes are cut, if they come at the same time', () => {
    const tags = [
      avcConfig(),
      aacConfig(),
      ...avcPictures({ count: 60, captureMs: EPOCH, sliceBytes: 1_500 }).flatMap((tag) => [
        tag,
        aacFrame(tag.timestampMs),
      ]),
    ];
    const stream = Buffer.concat([flvHeader(true, true), ...tags.map(flvTag)]);
    const run = (cuts: number[]) => {
      const { meter, heard } = session(plain);
      const reader = new FlvReader(meter, { headBytes: METER_HEAD_BYTES });
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        meter.arrive(2_000, EPOCH + 2_000);
        reader.push(stream, at, cut);
        at = cut;
      }
      meter.finish(5_000);
      return [heard, meter.figures()];
    };
    const whole = run([]);
    expect(whole[1]).toMatchObject({ frames: 60, mediaMs: 2_400, startupMs: 1_000 });
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        expect(run(cuts.sort((a, b) => a - b))).toEqual(whole);
      }),
    );
    expect(run(Array.from({ length: stream.length }, (_, i) => i))).toEqual(whole);
  });

  it('never throws, whatever the tags hold', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            type: fc.constantFrom(8, 9, 18),
            timestampMs: fc.nat(0xffffffff),
            body: fc.uint8Array({ maxLength: 80 }),
            nowMs: fc.nat(100_000),
          }),
        ),
        (tags) => {
          const run = session(playerProfiles.webrtc);
          for (const { nowMs, ...tag } of tags) {
            run.come(nowMs, avcConfig(), tag as MediaTag);
            run.sweep(nowMs + 1_000);
          }
          run.meter.finish(200_000);
          for (const [, value] of run.heard) expect(value).not.toBeNaN();
        },
      ),
    );
  });
});
