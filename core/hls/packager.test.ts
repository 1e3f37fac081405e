import { describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { realAvcConfig as avcConfig } from '../../tests/kit/live-media.ts';
import { aacConfig, aacFrame, avcPicture, avcPictures } from '../../tests/kit/scripted-media.ts';
import { type MediaTag, ProtocolError, TAG_AUDIO, TAG_VIDEO } from '../media.ts';
import { Mp4Demuxer } from '../mp4/demuxer.ts';
import { TsDemuxer } from '../mpegts/demuxer.ts';
import { findStampAnnexB } from '../mpegts/find-stamp.ts';
import { findStamp, type Stamp } from '../stamp/stamp.ts';
import { type PlaylistChanges, playlistChanges } from './changes.ts';
import type { MediaPlaylist } from './media-playlist.ts';
import { HlsPackager, type PackagerOptions } from './packager.ts';
import { parseMediaPlaylist } from './parse-media.ts';
import { skippable, writeMediaPlaylist } from './write-media-playlist.ts';

const URL_BASE = 'http://origin/live/';
const WALL_MS = Date.UTC(2026, 10, 23, 12);
const EVERY_CONTAINER = ['ts', 'fmp4'] as const;

/** A viewer that looks at the playlist after every tag, and complains about everything. */
class Watcher {
  readonly packager: HlsPackager;
  readonly seen: PlaylistChanges[] = [];
  playlist: MediaPlaylist | null = null;
  text = '';
  #revision = 0;

  constructor(options: Partial<PackagerOptions> = {}) {
    this.packager = new HlsPackager({ container: 'ts', segmentMs: 1_000, ...options });
  }

  push(tags: readonly MediaTag[], wallMs = WALL_MS): void {
    for (const tag of tags) {
      this.packager.push(tag, wallMs + tag.timestampMs);
      this.look();
    }
  }

  look(): void {
    if (this.packager.revision === this.#revision) return;
    this.#revision = this.packager.revision;
    const written = this.packager.playlist();
    if (written === null) return;
    const previous = this.playlist;
    this.text = writeMediaPlaylist(written);
    this.playlist = parseMediaPlaylist(this.text, { url: `${URL_BASE}index.m3u8` });
    expect(this.playlist.violations).toEqual([]);
    const changes = playlistChanges(previous, this.playlist);
    expect(changes.violations.filter(({ detail }) => !/ENDLIST/.test(detail))).toEqual([]);
    expect(changes.missedSegments).toBe(0);
    this.seen.push(changes);
    if (previous === null) return;
    // The same as a delta update says.
    const skip = skippable(written);
    if (skip === 0) return;
    const delta = writeMediaPlaylist(written, skip);
    const whole = parseMediaPlaylist(delta, { url: `${URL_BASE}index.m3u8`, previous });
    expect(whole.violations).toEqual([]);
    expect(whole.skippedSegments).toBe(skip);
    expect(whole.segments.map(({ url }) => url)).toEqual(this.playlist.segments.map(({ url }) => url));
    expect(whole.version).toBe(9);
  }

  resource(url: string): Uint8Array {
    const bytes = this.packager.resource(url.slice(URL_BASE.length));
    if (bytes === null) throw new Error(`nothing behind ${url}`);
    return bytes;
  }

  get durations(): number[] {
    return this.playlist!.segments.map(({ durationMs }) => durationMs);
  }
}

/** Access units of segments or parts, read one after the other as a player does. */
function unitsOf(watcher: Watcher, resources: readonly { url: string; map: { url: string } | null }[]) {
  const sink = new UnitCollector();
  const ts = new TsDemuxer(sink, { violation: (reason) => expect(reason).toBe('none') });
  const mp4 = new Mp4Demuxer(sink);
  let init = '';
  for (const { url, map } of resources) {
    const bytes = watcher.resource(url);
    if (map && map.url !== init) {
      init = map.url;
      mp4.push(watcher.resource(map.url));
    }
    if (map) {
      mp4.begin();
      mp4.push(bytes);
      expect(mp4.atBoundary).toBe(true);
    } else {
      ts.push(bytes);
      ts.flush();
    }
  }
  return sink;
}

function stampFrames(sink: UnitCollector): number[] {
  return sink.ofKind('video').map(({ head, track }) => {
    const stamp: Stamp = { publisher: 0, frame: -1, captureUs: 0 };
    if (track.nalLengthBytes === 0) findStampAnnexB(head, 0, head.length, 'h264', stamp);
    else findStamp(head, 0, head.length, 4, 'h264', stamp);
    return stamp.frame;
  });
}

const counted = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const live = (count: number, more: object = {}) => [
  avcConfig(),
  ...avcPictures({ count, captureMs: WALL_MS, ...more }),
];

describe('HlsPackager', () => {
  it.each(EVERY_CONTAINER)(
    'cuts %s at key pictures, slides, and has no violation at any time',
    (container) => {
      const watcher = new Watcher({ container });
      watcher.push(live(25 * 12 + 1));
      const { playlist, packager } = watcher;
      expect(playlist).toMatchObject({
        version: container === 'ts' ? 3 : 6,
        targetDurationMs: 1_000,
        mediaSequence: 6,
        discontinuitySequence: 0,
        ended: false,
        independentSegments: true,
        partTargetMs: null,
      });
      expect(watcher.durations).toEqual([1000, 1000, 1000, 1000, 1000, 1000]);
      expect(playlist!.segments[0]!.programDateTimeMs).toBe(WALL_MS + 6_000);
      const sink = unitsOf(watcher, playlist!.segments);
      expect(stampFrames(sink)).toEqual(counted(150, 300));
      expect(sink.units.filter(({ key }) => key)).toHaveLength(6);
      // What has left the playlist stays for a while.
      expect(packager.segment(0)).not.toBeNull();
      watcher.push(avcPictures({ count: 26, timestampMs: 12_040, gop: 25 }).slice(0, 26));
      expect(packager.segment(5)).not.toBeNull();
    },
  );

  it('begins with the numbers that it is given, and with no discontinuity', () => {
    const watcher = new Watcher({ firstSequence: 1_000, firstDiscontinuity: 50, partMs: 200 });
    watcher.push(live(25 * 3 + 1));
    expect(watcher.playlist).toMatchObject({
      mediaSequence: 1_000,
      discontinuitySequence: 50,
      targetDurationMs: 1_000,
    });
    expect(watcher.playlist!.partTargetMs).not.toBeNull();
    expect(watcher.playlist!.segments[0]!.startsDiscontinuity).toBe(false);
  });

  it('lets go at once of what a new bound leaves no room for', () => {
    const watcher = new Watcher();
    watcher.push(live(25 * 8 + 1));
    const { packager } = watcher;
    const { revision, bytes } = packager;
    packager.limitBytes(Math.floor(bytes / 2));
    expect(packager.bytes).toBeLessThanOrEqual(Math.floor(bytes / 2) + 100);
    expect(packager.bytes).toBeGreaterThan(0);
    expect(packager.revision).toBe(revision + 1);
  });

  it('forgets what it was told to forget', () => {
    const watcher = new Watcher({ windowSegments: 3, keptSegments: 2 });
    watcher.push(live(25 * 10 + 1));
    expect(watcher.playlist!.mediaSequence).toBe(7);
    expect(counted(0, 10).map((sequence) => watcher.packager.segment(sequence) !== null)).toEqual(
      counted(0, 10).map((sequence) => sequence >= 5),
    );
    const bounded = new Watcher({ maxBytes: 25_000 });
    bounded.push(live(25 * 10 + 1, { sliceBytes: 200 }));
    const kept = counted(0, 10).map((sequence) => bounded.packager.segment(sequence)?.bytes.length ?? 0);
    expect(kept.reduce((sum, bytes) => sum + bytes)).toBeLessThanOrEqual(25_000);
    expect(kept.at(-1)).toBeGreaterThan(0);
  });

  it.each(EVERY_CONTAINER)(
    'makes parts of %s of at least 85 % of the target, and tells what comes next',
    (container) => {
      const watcher = new Watcher({ container, partMs: 200, deltaUpdates: true, windowSegments: 12 });
      watcher.push(live(25 * 12 + 13));
      const { playlist } = watcher;
      expect(playlist).toMatchObject({
        partTargetMs: 200,
        serverControl: { canBlockReload: true, partHoldBackMs: 600, canSkipUntilMs: 6_000, holdBackMs: null },
        preloadHints: [{ type: 'part', url: `${URL_BASE}seg-12.2.${container === 'ts' ? 'ts' : 'm4s'}` }],
      });
      expect(playlist!.parts.map(({ durationMs, independent }) => [durationMs, independent])).toEqual([
        [200, true],
        [200, false],
      ]);
      // Parts of the last three target durations, and no older ones.
      const counts = playlist!.segments.map(({ parts }) => parts.length);
      expect(counts).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5]);
      const whole = playlist!.segments.slice(9);
      const byParts = stampFrames(
        unitsOf(watcher, [...whole.flatMap(({ parts }) => parts), ...playlist!.parts]),
      );
      expect(byParts).toEqual(counted(225, 310));
      for (const { url, parts } of whole) {
        expect(Buffer.concat(parts.map((part) => watcher.resource(part.url)))).toEqual(
          Buffer.from(watcher.resource(url)),
        );
      }
      // Each part was told of once, in order.
      const parts = watcher.seen.slice(1).flatMap((changes) => changes.parts);
      expect(parts.map(({ sequence, index }) => 5 * sequence + index)).toEqual(counted(5, 62));
    },
  );

  it('keeps parts to 85 % and more at 30 pictures a second, whose times FLV rounds', () => {
    const watcher = new Watcher({ partMs: 180 });
    const tags = Array.from({ length: 30 * 6 }, (_, i) =>
      avcPicture({ timestampMs: Math.round((i * 1000) / 30), key: i % 30 === 0 }),
    );
    watcher.push([avcConfig(), ...tags]);
    const { partTargetMs, segments } = watcher.playlist!;
    for (const { parts } of segments) {
      for (const { durationMs } of parts.slice(0, -1)) {
        expect(durationMs).toBeLessThanOrEqual(partTargetMs!);
        expect(durationMs).toBeGreaterThanOrEqual(0.85 * partTargetMs!);
      }
    }
  });

  it.each(EVERY_CONTAINER)('marks a leap of the clock of %s, and counts it when it has gone', (container) => {
    const watcher = new Watcher({ container, windowSegments: 3 });
    watcher.push(live(63));
    watcher.push(
      avcPictures({ count: 25 * 2 + 1, timestampMs: 900_000, firstFrame: 63, captureMs: WALL_MS }),
    );
    // Three are too little for three target durations, because one is short.
    expect(watcher.playlist!.segments.map(({ startsDiscontinuity }) => startsDiscontinuity)).toEqual([
      false,
      false,
      true,
      false,
    ]);
    // The segment before the leap is what there was: 13 pictures of 40 ms.
    expect(watcher.packager.segment(2)!.durationMs).toBe(520);
    expect(watcher.playlist!.discontinuitySequence).toBe(0);
    watcher.push(avcPictures({ count: 101, timestampMs: 902_040, gop: 25 }).slice(0));
    expect(watcher.playlist!.discontinuitySequence).toBe(1);
    expect(watcher.packager.droppedSamples).toBe(0);
  });

  it('takes a step back as another stream, and waits for a key picture', () => {
    const watcher = new Watcher();
    watcher.push(live(26));
    watcher.push(avcPictures({ count: 60, timestampMs: 0, gop: 25, firstFrame: 100 }).slice(5));
    expect(watcher.packager.droppedSamples).toBe(20);
    expect(watcher.playlist!.segments.at(-1)!.startsDiscontinuity).toBe(true);
  });

  it('makes another init segment where the configuration changes, and none where it is repeated', () => {
    const watcher = new Watcher({ container: 'fmp4' });
    watcher.push(live(51));
    watcher.push([avcConfig(2_020)]);
    const changed = avcConfig();
    changed.body[7] = 0xe0; // a constraint flag of the record
    watcher.push(avcPictures({ count: 24, timestampMs: 2_040, gop: 100 }).slice(1));
    watcher.push([{ ...changed, timestampMs: 3_000 }]);
    watcher.push(avcPictures({ count: 26, timestampMs: 3_000 }));
    const { segments } = watcher.playlist!;
    expect(segments.map(({ map, startsDiscontinuity }) => [map!.url, startsDiscontinuity])).toEqual([
      [`${URL_BASE}init-0.mp4`, false],
      [`${URL_BASE}init-0.mp4`, false],
      [`${URL_BASE}init-0.mp4`, false],
      [`${URL_BASE}init-1.mp4`, true],
    ]);
    expect(watcher.resource(segments[3]!.map!.url)).not.toEqual(watcher.resource(segments[0]!.map!.url));
  });

  it('cuts where no key picture comes rather than break the target duration, and says so', () => {
    const watcher = new Watcher();
    watcher.push([
      ...live(50, { gop: 25 }),
      ...avcPictures({ count: 150, timestampMs: 2_000, gop: 1_000 }),
      ...avcPictures({ count: 26, timestampMs: 8_000 }),
    ]);
    expect(watcher.packager.forcedCuts).toBeGreaterThan(0);
    for (const duration of watcher.durations) expect(Math.round(duration / 1000)).toBeLessThanOrEqual(1);
    expect(watcher.playlist!.independentSegments).toBe(false);
    expect(watcher.playlist!.targetDurationMs).toBe(1_000);
  });

  it('announces the target duration that it is given', () => {
    const watcher = new Watcher({ targetDurationMs: 4_000 });
    watcher.push(live(180, { gop: 90 }));
    expect(watcher.durations).toEqual([3_600]);
    expect(watcher.playlist!.targetDurationMs).toBe(4_000);
    expect(watcher.packager.forcedCuts).toBe(0);
  });

  it('cuts a segment that grows too large', () => {
    const watcher = new Watcher({ maxSegmentBytes: 10_000 });
    watcher.push(live(60, { sliceBytes: 1_000 }));
    expect(watcher.packager.forcedCuts).toBeGreaterThan(3);
    for (const { url } of watcher.playlist!.segments) {
      expect(watcher.resource(url).length).toBeLessThan(15_000);
    }
  });

  it.each(EVERY_CONTAINER)('interleaves sound in %s, and makes a stream of sound alone', (container) => {
    const frames = (count: number) =>
      Array.from({ length: count }, (_, i) => aacFrame(Math.round((i * 1_024_000) / 44_100)));
    const both = [...live(76).slice(1), ...frames(130)].sort((a, b) => a.timestampMs - b.timestampMs);
    const watcher = new Watcher({ container });
    watcher.push([avcConfig(), aacConfig(), ...both]);
    const sink = unitsOf(watcher, watcher.playlist!.segments);
    expect(sink.ofKind('video')).toHaveLength(75);
    const sounds = sink.ofKind('audio');
    expect(sounds.length).toBeGreaterThan(127);
    const steps = sounds.slice(1).map(({ dtsMs }, i) => dtsMs - sounds[i]!.dtsMs);
    for (const step of steps) expect(Math.abs(step - 1_024_000 / 44_100)).toBeLessThan(1.6);

    const radio = new Watcher({ container });
    radio.push([aacConfig(), ...frames(260)]);
    expect(radio.playlist!.segments.length).toBeGreaterThanOrEqual(4);
    expect(radio.playlist!.independentSegments).toBe(true);
    expect(unitsOf(radio, radio.playlist!.segments).ofKind('audio').length).toBeGreaterThan(170);
  });

  it('leaves out what the container cannot carry, and says what', () => {
    const watcher = new Watcher({ container: 'ts' });
    // Enhanced RTMP: Opus, sequence start and a frame.
    const opus = (packet: number, timestampMs: number): MediaTag => ({
      type: TAG_AUDIO,
      timestampMs,
      body: Uint8Array.of(0x90 | packet, ...Buffer.from('Opus'), 1, 2, 3),
    });
    watcher.push([opus(0, 0), ...live(26), opus(1, 1_020)]);
    expect(watcher.packager.leftOut).toEqual(['opus']);
    expect(watcher.durations).toEqual([1_000]);
  });

  it('ends: the rest becomes a segment, and nothing is taken any more', () => {
    const watcher = new Watcher({ type: 'event', partMs: 200 });
    watcher.push(live(35));
    watcher.packager.end();
    watcher.look();
    expect(watcher.playlist).toMatchObject({ ended: true, type: 'event', preloadHints: [], parts: [] });
    expect(watcher.durations).toEqual([1_000, 400]);
    const { revision } = watcher.packager;
    watcher.push(avcPictures({ count: 5, timestampMs: 2_000 }));
    expect(watcher.packager.revision).toBe(revision);
  });

  it('keeps all of an event, until it is full', () => {
    const watcher = new Watcher({ type: 'event', maxBytes: 60_000, deltaUpdates: true });
    watcher.push(live(25 * 60));
    expect(watcher.playlist!.mediaSequence).toBe(0);
    expect(watcher.playlist!.segments.length).toBeGreaterThan(6);
    expect(watcher.playlist!.ended).toBe(true);
  });

  it('carries the date on with the media, and sets it anew after a pause of the source', () => {
    const watcher = new Watcher({ windowSegments: 10 });
    watcher.push(live(51));
    watcher.push(avcPictures({ count: 80, timestampMs: 2_040 }), WALL_MS + 5_000);
    const dates = watcher.playlist!.segments.map(({ programDateTimeMs }) => programDateTimeMs! - WALL_MS);
    expect(dates.slice(0, 2)).toEqual([0, 1_000]);
    expect(dates.at(-1)).toBeGreaterThan(7_000);
  });

  it('passes over pictures that are broken, and goes on', () => {
    const watcher = new Watcher();
    const broken: MediaTag = {
      type: TAG_VIDEO,
      timestampMs: 500,
      body: Uint8Array.of(0x27, 1, 0, 0, 0, 9, 9, 9, 9, 1),
    };
    const tags = live(60);
    tags.splice(14, 0, broken);
    watcher.push(tags);
    expect(watcher.packager.droppedSamples).toBe(1);
    expect(watcher.durations).toEqual([1_000, 1_000]);
  });

  it('refuses a configuration that is broken, and goes on with the one before', () => {
    const watcher = new Watcher();
    watcher.push(live(30));
    const broken = avcConfig(1_200);
    expect(errorCode(() => watcher.push([{ ...broken, body: broken.body.subarray(0, 12) }]))).toBe(
      'AVCC_TRUNCATED',
    );
    watcher.push(avcPictures({ count: 51, timestampMs: 1_200 }).slice(1));
    expect(watcher.playlist!.segments.some(({ startsDiscontinuity }) => startsDiscontinuity)).toBe(false);
  });

  it('loses no pictures where sound and pictures leap one after the other', () => {
    const watcher = new Watcher({ windowSegments: 10 });
    const frames = (count: number, fromMs: number) =>
      Array.from({ length: count }, (_, i) => aacFrame(fromMs + Math.round((i * 1_024_000) / 44_100)));
    const before = [...live(50).slice(1), ...frames(86, 0)].sort((a, b) => a.timestampMs - b.timestampMs);
    const pictures = avcPictures({ count: 60, timestampMs: 700_000, firstFrame: 50, captureMs: WALL_MS });
    const sounds = frames(100, 700_000);
    const late = frames(3, 2_000);
    watcher.push([avcConfig(), aacConfig(), ...before]);
    watcher.push([
      sounds[0]!,
      pictures[0]!,
      late[0]!,
      pictures[1]!,
      late[1]!,
      sounds[1]!,
      pictures[2]!,
      late[2]!,
    ]);
    watcher.push([...pictures.slice(3), ...sounds.slice(2)].sort((a, b) => a.timestampMs - b.timestampMs));
    watcher.packager.end();
    watcher.look();
    const { segments } = watcher.playlist!;
    expect(segments.filter(({ startsDiscontinuity }) => startsDiscontinuity)).toHaveLength(1);
    const kept = segments.flatMap((segment) => stampFrames(unitsOf(watcher, [segment])));
    expect(kept).toEqual(counted(0, 110));
    // The sound of the other side of the leap.
    expect(watcher.packager.droppedSamples).toBe(4);
  });

  it('starts anew with the tracks of another publisher', () => {
    const watcher = new Watcher({ container: 'fmp4' });
    watcher.push(live(51));
    watcher.packager.restart();
    watcher.push([aacConfig(), ...Array.from({ length: 150 }, (_, i) => aacFrame(i * 23))]);
    expect(watcher.packager.tracks.map(({ kind }) => kind)).toEqual(['audio']);
    const last = watcher.playlist!.segments.at(-1)!;
    expect([last.map!.url, last.discontinuity]).toEqual([`${URL_BASE}init-1.mp4`, 1]);
  });

  it.each(EVERY_CONTAINER)(
    'has no violation in %s, whatever comes: tags damaged, repeated, out of order',
    (container) => {
      const random = seeded(container === 'ts' ? 7 : 11);
      for (let round = 0; round < 60; round++) {
        const watcher = new Watcher({ container, partMs: round % 2 ? 200 : null, deltaUpdates: true });
        const sounds = Array.from({ length: 200 }, (_, i) => aacFrame(i * 23));
        const tags = [
          ...live(120, { gop: 1 + Math.floor(random() * 60) }),
          ...sounds,
          aacConfig(),
          avcConfig(900),
        ];
        tags.sort((a, b) => a.timestampMs - b.timestampMs);
        for (let change = 0; change < 12; change++) {
          const at = Math.floor(random() * tags.length);
          const tag = tags[at]!;
          const body = tag.body.slice();
          body[Math.floor(random() * Math.min(20, body.length))] = Math.floor(random() * 256);
          const leap = random() < 0.5 ? 0 : Math.floor(random() * 2 ** 32);
          const timestampMs = (tag.timestampMs + leap) >>> 0;
          tags.splice(at, random() < 0.3 ? 2 : random() < 0.5 ? 1 : 0, { ...tag, body, timestampMs });
        }
        for (const tag of tags) {
          try {
            watcher.push([tag]);
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
          }
        }
        watcher.packager.end();
        watcher.look();
      }
    },
  );
});

/** Numbers from 0 to 1 that are the same each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
