import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { UnitCollector } from '../../tests/kit/access-units.ts';
import { runFfmpeg, runFfprobe, runToEnd, traceHeaders } from '../../tests/kit/run-tool.ts';
import { FlvReader } from '../flv/reader.ts';
import { readVideoHead, videoHead } from '../flv/video-head.ts';
import { flvHeader, flvTag } from '../flv/writer.ts';
import { readAvcC } from '../h264/avcc.ts';
import { splitLengthPrefixed } from '../h264/nal.ts';
import { readHvcC } from '../h265/hvcc.ts';
import { type MediaTag, TAG_VIDEO } from '../media.ts';
import { Mp4Demuxer } from '../mp4/demuxer.ts';
import { findStamp, insertStamp, type Stamp, type StampCodec } from './stamp.ts';

// Does the stamp survive what real tools do to it, and do they mind it?

const UUID = 'c5f1a86e-9d3b-4c72-8e5d-b1746fa92ed8';
/** The capture time of the frame shown at 0 ms: then capture time tells which picture a stamp belongs to. */
const BASE_US = 1_794_000_000_000_000;
const FRAMES = 50;

const words = (text: string): string[] => text.split(' ');

function readTags(flv: Uint8Array): MediaTag[] {
  const tags: MediaTag[] = [];
  const reader = new FlvReader({
    head(type, timestampMs, _bodyBytes, bytes, start, end) {
      tags.push({ type, timestampMs, body: bytes.slice(start, end) });
    },
    end() {},
  });
  reader.push(flv);
  return tags;
}

interface Frame {
  readonly ptsMs: number;
  readonly stamp: Stamp | null;
}

/** Runs over the pictures of an FLV stream: `each` gets the tag and what is needed to stamp or read it. */
function mapFrames<T>(
  tags: readonly MediaTag[],
  each: (tag: MediaTag, ptsMs: number, dataOffset: number, nalLengthBytes: number, codec: StampCodec) => T,
): (T | null)[] {
  const head = videoHead();
  let nalLengthBytes = 4;
  return tags.map((tag) => {
    const { type, timestampMs, body } = tag;
    if (type !== TAG_VIDEO || !readVideoHead(body, 0, body.length, head)) return null;
    if (head.packet === 'config') {
      nalLengthBytes = (head.codec === 'h264' ? readAvcC : readHvcC)(body, head.dataOffset).nalLengthBytes;
    }
    if (head.packet !== 'frames') return null;
    return each(
      tag,
      timestampMs + head.compositionMs,
      head.dataOffset,
      nalLengthBytes,
      head.codec as StampCodec,
    );
  });
}

function stampTags(tags: readonly MediaTag[]): MediaTag[] {
  let frame = 0;
  const stamped = mapFrames(tags, (tag, ptsMs, dataOffset, nalLengthBytes, codec) => {
    const stamp: Stamp = { publisher: 7, frame: frame++, captureUs: BASE_US + ptsMs * 1000 };
    return { ...tag, body: insertStamp(tag.body, dataOffset, nalLengthBytes, codec, stamp).body };
  });
  return stamped.map((tag, index) => tag ?? tags[index]!);
}

function framesOf(tags: readonly MediaTag[]): Frame[] {
  const frames = mapFrames(tags, ({ body }, ptsMs, dataOffset, nalLengthBytes, codec): Frame => {
    const stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
    const isStamped = findStamp(body, dataOffset, body.length, nalLengthBytes, codec, stamp);
    return { ptsMs, stamp: isStamped ? stamp : null };
  });
  return frames.filter((frame) => frame !== null);
}

/** Every frame once, and each at the time for which it was captured (`shiftMs` is what the muxer added to all). */
function expectEveryStampOnItsFrame(frames: readonly Frame[], shiftMs: number): void {
  expect(frames).toHaveLength(FRAMES);
  expect(frames.map(({ stamp }) => stamp?.publisher)).toEqual(new Array(FRAMES).fill(7));
  const numbers = frames.map(({ stamp }) => stamp!.frame).sort((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: FRAMES }, (_, index) => index));
  const lateMs = frames.map(({ ptsMs, stamp }) => ptsMs - shiftMs - (stamp!.captureUs - BASE_US) / 1000);
  // MPEG-TS has ticks of 1/90 ms and FLV of 1 ms: rounding there and back.
  for (const late of lateMs) expect(Math.abs(late)).toBeLessThanOrEqual(1);
}

const flvOf = (tags: readonly MediaTag[]): Uint8Array =>
  Buffer.concat([flvHeader(true, true), ...tags.map(flvTag)]);

let stamped: Uint8Array;
/** Presentation time of the first picture in `stamped`: with B-frames it is not 0. */
let firstPtsMs: number;

const shiftOf = (frames: readonly Frame[]): number =>
  Math.min(...frames.map(({ ptsMs }) => ptsMs)) - firstPtsMs;

beforeAll(async () => {
  const picture = words('-f lavfi -i testsrc2=size=320x180:rate=25:duration=2');
  const sound = words('-f lavfi -i sine=sample_rate=44100:duration=2 -c:a aac');
  const encoder = words('-c:v libx264 -bf 2 -b_strategy 0 -g 25 -b:v 300k');
  const flv = await runFfmpeg([
    ...picture,
    ...sound,
    ...encoder,
    '-f',
    'flv',
    '-flvflags',
    'no_duration_filesize',
    '-',
  ]);
  const tags = stampTags(readTags(flv));
  stamped = flvOf(tags);
  firstPtsMs = Math.min(...framesOf(tags).map(({ ptsMs }) => ptsMs));
});

describe('a stamped FLV stream with B-frames', () => {
  it('is read by ffmpeg without a complaint, every picture decoded', async () => {
    // runFfmpeg rejects if anything is said under -v error.
    const raw = await runFfmpeg(words('-i pipe:0 -map 0:v -f framemd5 -'), stamped);
    const pictures = raw.toString().match(/^0,/gm);
    expect(pictures).toHaveLength(FRAMES);
  });

  it('has every stamp within the 256 bytes that a viewer looks at, the first picture with x264’s options too', () => {
    const HEAD_BYTES = 256;
    const uuid = Buffer.from(UUID.replaceAll('-', ''), 'hex');
    const ends = mapFrames(readTags(stamped), ({ body }) => Buffer.from(body).indexOf(uuid) + 16 + 22);
    expect(ends.filter((end) => end !== null && end <= HEAD_BYTES)).toHaveLength(FRAMES);
  });

  it('decodes to the very pictures of the unstamped one', async () => {
    const plain = flvOf(readTags(stamped).map((tag) => ({ ...tag, body: withoutStamp(tag) })));
    expect(plain.length).toBe(stamped.length - FRAMES * (4 + 42));
    const md5 = (flv: Uint8Array) => runFfmpeg(words('-i pipe:0 -map 0:v -f md5 -'), flv);
    expect((await md5(stamped)).toString()).toBe((await md5(plain)).toString());
  });

  it('shows its stamps to ffprobe, on every picture', async () => {
    const probed = await runFfprobe(['-select_streams', 'v', '-show_frames'], stamped);
    const { frames } = probed as { frames: { side_data_list?: { side_data_type: string }[] }[] };
    const counts = frames.map(({ side_data_list }) => {
      return (side_data_list ?? []).filter(({ side_data_type }) => side_data_type.includes('User Data'))
        .length;
    });
    // x264 writes its own name into the first picture.
    expect(counts).toEqual([2, ...new Array(FRAMES - 1).fill(1)]);
  });

  it('shows ffmpeg the payload that we wrote, byte for byte, on the right picture', async () => {
    const args = words('-v info -nostdin -copyts -i pipe:0 -map 0:v -vf showinfo -f null -');
    const { stderr } = await runToEnd('ffmpeg', args, stamped);
    const seen = new Map<number, string>();
    let ptsMs = Number.NaN;
    let uuid = '';
    for (const line of stderr.split('\n')) {
      const found = /Parsed_showinfo.*(pts_time:|UUID=|User Data=)([\da-f.-]+)/.exec(line);
      if (found?.[1] === 'pts_time:') ptsMs = Math.round(Number(found[2]) * 1000);
      if (found?.[1] === 'UUID=') uuid = found[2]!;
      if (found?.[1] === 'User Data=' && uuid === UUID) seen.set(ptsMs, found[2]!);
    }
    const written = new Map<number, string>();
    mapFrames(readTags(stamped), ({ body }, ms) => {
      const at = Buffer.from(body).indexOf(Buffer.from(UUID.replaceAll('-', ''), 'hex')) + 16;
      written.set(ms, Buffer.from(body.subarray(at, at + 22)).toString('hex'));
    });
    expect(seen.size).toBe(FRAMES);
    expect(seen).toEqual(written);
  });

  it('is a well-formed SEI message to trace_headers', async () => {
    const annexB = await runFfmpeg(words('-i pipe:0 -c:v copy -frames:v 2 -f h264 -'), stamped);
    expect(await traceHeaders('h264', annexB)).toMatchObject({
      last_payload_type_byte: 5,
      last_payload_size_byte: 38,
      'uuid_iso_iec_11578[0]': 0xc5,
      'uuid_iso_iec_11578[15]': 0xd8,
    });
  });
});

/** The body without its stamp's NAL unit, found by looking for the UUID: not by the code under test. */
function withoutStamp({ type, body }: MediaTag): Uint8Array {
  const at = Buffer.from(body).indexOf(Buffer.from(UUID.replaceAll('-', ''), 'hex'));
  if (type !== TAG_VIDEO || at < 0) return body;
  const start = at - 3 - 4;
  return Uint8Array.from([...body.subarray(0, start), ...body.subarray(start + 4 + 42)]);
}

describe('remuxing keeps every stamp on its picture', () => {
  const toFlv = words('-c copy -f flv -flvflags no_duration_filesize -');

  it('to FLV', async () => {
    const frames = framesOf(readTags(await runFfmpeg(['-i', 'pipe:0', ...toFlv], stamped)));
    expectEveryStampOnItsFrame(frames, shiftOf(frames));
  });

  it.each([
    { name: 'MPEG-TS', args: ['-f', 'mpegts'] },
    { name: 'fragmented MP4', args: words('-f mp4 -movflags frag_keyframe+empty_moov') },
  ])('to $name, and back', async ({ args }) => {
    const there = await runFfmpeg(['-i', 'pipe:0', '-c', 'copy', ...args, '-'], stamped);
    const frames = framesOf(readTags(await runFfmpeg(['-i', 'pipe:0', ...toFlv], there)));
    expectEveryStampOnItsFrame(frames, shiftOf(frames));
  });
});

describe('transcoding with -udu_sei 1 keeps every stamp on its picture', () => {
  const toFlv = words('-an -f flv -flvflags no_duration_filesize -');

  it.each([
    { name: 'x264 without B-frames', args: words('-preset ultrafast -tune zerolatency') },
    { name: 'x264 with B-frames', args: words('-preset medium -bf 3') },
    {
      name: 'x264 at half size, with HRD and its SEI',
      args: words('-vf scale=160:90 -x264-params nal-hrd=vbr'),
    },
  ])('$name', async ({ args }) => {
    const encoder = words('-c:v libx264 -udu_sei 1 -b:v 200k -maxrate 200k -bufsize 200k');
    const flv = await runFfmpeg(['-i', 'pipe:0', ...encoder, ...args, ...toFlv], stamped);
    const frames = framesOf(readTags(flv));
    expectEveryStampOnItsFrame(frames, shiftOf(frames));
  });

  it('x264 loses them without it, which is why it must be told', async () => {
    const flv = await runFfmpeg(
      ['-i', 'pipe:0', '-c:v', 'libx264', '-preset', 'ultrafast', ...toFlv],
      stamped,
    );
    expect(framesOf(readTags(flv)).filter(({ stamp }) => stamp)).toHaveLength(0);
  });

  it('x265 with B-frames, the stamps read from enhanced FLV', async () => {
    const encoder = words(
      '-c:v libx265 -udu_sei 1 -preset ultrafast -x265-params log-level=none:bframes=3 -fps_mode passthrough',
    );
    const mp4 = words('-an -tag:v hvc1 -f mp4 -movflags frag_keyframe+empty_moov -');
    const tags = enhancedTagsOf(await runFfmpeg(['-i', 'pipe:0', ...encoder, ...mp4], stamped));
    const frames = framesOf(readTags(flvOf(tags)));
    expectEveryStampOnItsFrame(frames, shiftOf(frames));
  });
});

describe('H.265', () => {
  it('is stamped in enhanced FLV, and ffmpeg decodes it without a complaint', async () => {
    const mp4 = readFileSync(new URL('../h265/fixtures/h265.mp4', import.meta.url));
    const fragmented = await runFfmpeg(
      words('-i pipe:0 -c copy -f mp4 -movflags frag_keyframe+empty_moov -'),
      mp4,
    );
    const tags = stampTags(enhancedTagsOf(fragmented));
    const frames = framesOf(tags);
    expect(frames.map(({ stamp }) => stamp?.frame)).toEqual(Array.from({ length: 10 }, (_, index) => index));

    const annexB = annexBOf(tags);
    const raw = await runFfmpeg(words('-f hevc -i pipe:0 -f framemd5 -'), annexB);
    expect(raw.toString().match(/^0,/gm)).toHaveLength(10);
    const probed = await runFfprobe(['-f', 'hevc', '-show_frames'], annexB);
    const kinds = (probed as { frames: { side_data_list?: { side_data_type: string }[] }[] }).frames.map(
      ({ side_data_list }) =>
        (side_data_list ?? []).some(({ side_data_type }) => side_data_type.includes('User Data')),
    );
    expect(kinds).toEqual(new Array(10).fill(true));
  });
});

/** A fragmented MP4 with one H.265 track as enhanced FLV tags: ffmpeg 5.1 cannot write them. */
function enhancedTagsOf(mp4: Buffer): MediaTag[] {
  const HVC1 = [0x68, 0x76, 0x63, 0x31];
  const sink = new UnitCollector();
  new Mp4Demuxer(sink).push(mp4);
  const [first] = sink.units;
  const config = Uint8Array.of(0x90, ...HVC1, ...first!.track.config!);
  const frames = sink.units.map(({ ptsMs, dtsMs, head: bytes }, index): MediaTag => {
    const compositionMs = Math.round(ptsMs - dtsMs);
    const composition = [compositionMs >> 16, compositionMs >> 8, compositionMs];
    const frameType = index === 0 ? 0x91 : 0xa1;
    return {
      type: TAG_VIDEO,
      timestampMs: Math.round(dtsMs - first!.dtsMs),
      body: Uint8Array.of(frameType, ...HVC1, ...composition, ...bytes),
    };
  });
  return [{ type: TAG_VIDEO, timestampMs: 0, body: config }, ...frames];
}

/** Parameter sets and samples of enhanced FLV tags as a byte stream. */
function annexBOf(tags: readonly MediaTag[]): Uint8Array {
  const startCode = [0, 0, 0, 1];
  const { vps, sps, pps } = readHvcC(tags[0]!.body, 5);
  const sets = [...vps, ...sps, ...pps];
  const slices = tags.slice(1).flatMap(({ body }) => {
    return splitLengthPrefixed(body, 8, body.length, 4).map(({ start, end }) => body.subarray(start, end));
  });
  return Uint8Array.from([...sets, ...slices].flatMap((nal) => [...startCode, ...nal]));
}
