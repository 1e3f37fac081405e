import { HttpResponseReader } from '../../clients/http-response.ts';
import { readAmf0 } from '../../core/amf0/amf0.ts';
import { audioHead, readAudioHead } from '../../core/flv/audio-head.ts';
import { readMetadata } from '../../core/flv/metadata.ts';
import { FlvReader } from '../../core/flv/reader.ts';
import { readVideoHead, videoHead } from '../../core/flv/video-head.ts';
import { readAvcC } from '../../core/h264/avcc.ts';
import { readSei, userData } from '../../core/h264/sei.ts';
import { readSps } from '../../core/h264/sps.ts';
import { readHvcC } from '../../core/h265/hvcc.ts';
import { readSps as readH265Sps } from '../../core/h265/sps.ts';
import { playlistChanges } from '../../core/hls/changes.ts';
import type { PlaylistLimits } from '../../core/hls/limits.ts';
import type { MediaPlaylist } from '../../core/hls/media-playlist.ts';
import { parsePlaylist } from '../../core/hls/parse-playlist.ts';
import { nextReload } from '../../core/hls/reload.ts';
import { parseTrace } from '../../core/link/trace-file.ts';
import type { TagSink } from '../../core/media.ts';
import { Mp4Demuxer } from '../../core/mp4/demuxer.ts';
import { TsDemuxer } from '../../core/mpegts/demuxer.ts';
import { playerProfiles } from '../../core/player/profile.ts';
import { SessionMeter } from '../../core/player/session-meter.ts';
import { RtmpClientSession } from '../../core/rtmp/client-session.ts';
import { RtmpServerSession } from '../../core/rtmp/server-session.ts';
import { parseRtmpUrl } from '../../core/rtmp/url.ts';
import { findStamp, stampNal } from '../../core/stamp/stamp.ts';
import { FrameReader } from '../../core/websocket/frame-reader.ts';
import { answerTargets } from './answer-targets.ts';
import { segmentTargets } from './segment-targets.ts';
import {
  evenIfCut,
  type FuzzTarget,
  fixtures,
  HEAD_BYTES,
  pushAll,
  refusing,
  text,
  unitLog,
} from './target.ts';

/** Writes down tags, and complains about a sink's contract that is broken. */
function tagLog(lines: string[]): TagSink {
  let open = false;
  return {
    head(type, timestampMs, bodyBytes, bytes, start, end) {
      if (open || start < 0 || end < start || end > bytes.length || end - start > bodyBytes)
        throw new Error('bad head');
      open = true;
      lines.push(`${type} ${timestampMs} ${bodyBytes} ${end - start}`);
      refusing(() => readVideoHead(bytes, start, end, videoHead()));
      refusing(() => readAudioHead(bytes, start, end, audioHead()));
    },
    end() {
      if (!open) throw new Error('end without head');
      open = false;
      lines.push('end');
    },
  };
}

const rtmpUrl = parseRtmpUrl('rtmp://host/live/stream');

function rtmpClient(bytes: Uint8Array, cuts: readonly number[]): string {
  const lines: string[] = [];
  const session = new RtmpClientSession({
    url: rtmpUrl,
    mode: 'play',
    headBytes: HEAD_BYTES,
    sink: tagLog(lines),
    random: (count) => new Uint8Array(count),
    write() {},
    event: ({ kind }) => lines.push(kind),
  });
  session.start();
  lines.push(pushAll(bytes, cuts, (start, end) => session.receive(bytes, start, end)));
  return lines.join('\n');
}

function rtmpServer(bytes: Uint8Array, cuts: readonly number[]): string {
  const lines: string[] = [];
  const session: RtmpServerSession = new RtmpServerSession({
    headBytes: HEAD_BYTES,
    sink: tagLog(lines),
    random: (count) => new Uint8Array(count),
    write() {},
    event({ kind }) {
      lines.push(kind);
      if (kind !== 'ended') session.accept();
    },
  });
  lines.push(pushAll(bytes, cuts, (start, end) => session.receive(bytes, start, end)));
  return lines.join('\n');
}

/** FLV into a whole viewer session: the figures must be numbers whatever comes. */
function flvSession(bytes: Uint8Array): void {
  const figures: number[] = [];
  const note = (ms: number): void => {
    figures.push(ms);
  };
  const meter = new SessionMeter(playerProfiles['mpegts.js'], 0, {
    firstMedia: note,
    firstFrame: note,
    startup: note,
    joinLag: note,
    latency: note,
    delivery: note,
    stalled: note,
    stallEnded: note,
  });
  const reader = new FlvReader(meter, { headBytes: 1_024 });
  refusing(() => {
    for (let at = 0, nowMs = 0; at < bytes.length; at += 300, nowMs += 130) {
      meter.arrive(nowMs, nowMs + 1e12);
      reader.push(bytes, at, Math.min(bytes.length, at + 300));
      meter.sweep(nowMs + 50, nowMs + 50 + 1e12);
    }
  });
  meter.finish(100_000);
  const totals = meter.figures();
  for (const figure of [...figures, totals.stallMs, totals.playingMs, totals.mediaMs, totals.frames])
    if (Number.isNaN(figure)) throw new Error(`a figure is no number: ${JSON.stringify(totals)}`);
  if (totals.stallMs < 0 || totals.playingMs < 0) throw new Error(`negative time: ${JSON.stringify(totals)}`);
}

const smallPlaylists: Partial<PlaylistLimits> = { maxSegments: 500, maxLineLength: 1_000 };
const playlistUrl = 'http://host/live/index.m3u8';

/** Two playlists, the second a reload of the first, divided by a line of dashes. */
function playlists(bytes: Uint8Array): void {
  const [first = '', second = ''] = new TextDecoder().decode(bytes).split('\n----\n');
  let previous: MediaPlaylist | null = null;
  for (const each of [first, second])
    refusing(() => {
      const playlist = parsePlaylist(each, {
        url: playlistUrl,
        limits: smallPlaylists as PlaylistLimits,
        previous,
      });
      if (playlist.kind !== 'media') return;
      playlistChanges(previous, playlist);
      const reload = nextReload(playlist, {
        loadStartedMs: 1_000,
        loadEndedMs: 1_050,
        changed: true,
        url: playlistUrl,
        lowLatency: true,
      });
      if (reload && !(reload.atMs >= 1_050 && reload.atMs < Number.POSITIVE_INFINITY))
        throw new Error(`reload at ${reload.atMs}`);
      previous = playlist;
    });
}

const multivariant = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,URI="a.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=600000,CODECS="avc1.4d401e,mp4a.40.2",RESOLUTION=640x360,AUDIO="a"
v.m3u8
`;
const lowLatency = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=24
#EXT-X-PART-INF:PART-TARGET=0.5
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T18:00:00.000Z
#EXTINF:4.0,
s100.m4s
#EXT-X-DISCONTINUITY
#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x00000000000000000000000000000001
#EXT-X-BYTERANGE:1000@0
#EXTINF:4.0,
s101.m4s
#EXT-X-PART:DURATION=0.5,URI="p.m4s",INDEPENDENT=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="q.m4s"
#EXT-X-RENDITION-REPORT:URI="../b.m3u8",LAST-MSN=101,LAST-PART=1
`;
const delta = `#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-SKIP:SKIPPED-SEGMENTS=2
#EXTINF:4.0,
s102.m4s
`;

export const fuzzTargets: Readonly<Record<string, FuzzTarget>> = {
  amf0: {
    seeds: () => [
      Uint8Array.from([
        2,
        0,
        7,
        ...Buffer.from('connect'),
        0,
        0x3f,
        0xf0,
        0,
        0,
        0,
        0,
        0,
        0,
        3,
        0,
        1,
        97,
        5,
        0,
        0,
        9,
      ]),
      Uint8Array.from([
        8, 0, 0, 0, 1, 0, 1, 98, 10, 0, 0, 0, 1, 1, 1, 0, 0, 9, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6,
      ]),
    ],
    run: (bytes) => {
      refusing(() => readAmf0(bytes, 0, bytes.length));
      refusing(() => readMetadata(bytes));
    },
  },
  'rtmp-client': {
    words: ['_result', '_error', 'onStatus', 'NetStream.Play.Start', 'code', 'level'],
    seeds: fixtures('core/rtmp/fixtures', /server\.bin$/),
    run: (bytes) => evenIfCut(bytes, rtmpClient),
  },
  'rtmp-server': {
    words: ['connect', 'createStream', 'publish', 'play', 'releaseStream', 'app', 'tcUrl'],
    seeds: fixtures('core/rtmp/fixtures', /client\.bin$/),
    run: (bytes) => evenIfCut(bytes, rtmpServer),
  },
  flv: {
    words: ['FLV', 'onMetaData', 'hvc1', 'av01', 'Opus'],
    seeds: fixtures('core/flv/fixtures', /\.flv$/),
    run: (bytes) => {
      evenIfCut(bytes, (all, cuts) => {
        const lines: string[] = [];
        const reader = new FlvReader(tagLog(lines), { headBytes: HEAD_BYTES });
        lines.push(pushAll(all, cuts, (start, end) => reader.push(all, start, end)));
        return lines.join('\n');
      });
      flvSession(bytes);
    },
  },
  h26x: {
    seeds: () => [
      ...fixtures('core/h264/fixtures', /\.h264$/)().map((bytes) => bytes.subarray(4, 200)),
      ...fixtures('core/h265/fixtures', /\.h265$/)().map((bytes) => bytes.subarray(4, 200)),
      stampNal('h264', { publisher: 1, frame: 2, captureUs: 1.7e15 }),
      stampNal('h265', { publisher: 1, frame: 2, captureUs: 1.7e15 }),
    ],
    run: (bytes) => {
      refusing(() => readSps(bytes));
      refusing(() => readH265Sps(bytes));
      refusing(() => readAvcC(bytes));
      refusing(() => readHvcC(bytes));
      for (const headerBytes of [1, 2] as const)
        refusing(() => {
          for (const message of readSei(bytes, 0, bytes.length, headerBytes)) userData(message);
        });
      for (const codec of ['h264', 'h265'] as const)
        for (const lengthBytes of [1, 2, 4])
          refusing(() =>
            findStamp(bytes, 0, bytes.length, lengthBytes, codec, { publisher: 0, frame: 0, captureUs: 0 }),
          );
    },
  },
  mpegts: {
    seeds: fixtures('core/mpegts/fixtures', /\.mpegts$/),
    run: (bytes) =>
      evenIfCut(bytes, (all, cuts) => {
        const lines: string[] = [];
        const demuxer = new TsDemuxer(unitLog(lines), { headBytes: HEAD_BYTES, maxUnitBytes: 100_000 });
        lines.push(pushAll(all, cuts, (start, end) => demuxer.push(all, start, end)));
        return lines.join('\n');
      }),
  },
  mp4: {
    words: [
      'moov',
      'moof',
      'traf',
      'trun',
      'tfhd',
      'tfdt',
      'mdat',
      'stsd',
      'avc1',
      'hvc1',
      'mp4a',
      'trex',
      'elst',
      'sidx',
    ],
    seeds: fixtures('core/mp4/fixtures', /\.(mp4|m4s)$/),
    run: (bytes) =>
      evenIfCut(bytes, (all, cuts) => {
        const lines: string[] = [];
        const demuxer = new Mp4Demuxer(unitLog(lines), { headBytes: HEAD_BYTES, maxUnitBytes: 100_000 });
        lines.push(pushAll(all, cuts, (start, end) => demuxer.push(all, start, end)));
        return lines.join('\n');
      }),
  },
  hls: {
    words: [
      ...[
        '#EXT-X-SKIP:SKIPPED-SEGMENTS=',
        '#EXT-X-MEDIA-SEQUENCE:',
        '#EXT-X-DEFINE:NAME="a",VALUE="b"',
        '{$a}',
        '\n----\n',
      ],
      ...[
        '#EXT-X-DEFINE:QUERYPARAM="a"',
        '#EXT-X-GAP',
        '#EXT-X-ENDLIST',
        '#EXTINF:',
        '#EXT-X-KEY:METHOD=NONE',
        '999999999999',
      ],
      ...[
        '#EXT-X-DATERANGE:ID="a"',
        '#EXT-X-PLAYLIST-TYPE:EVENT',
        '@',
        '"',
        ',',
        '=',
        '\r\n',
        '-1',
        '1e308',
        '0x',
      ],
    ],
    seeds: () => text(multivariant, `${lowLatency}\n----\n${delta}`, lowLatency, delta),
    run: playlists,
  },
  http: {
    words: [
      'HTTP/1.1 200 OK\r\n',
      'Content-Length: ',
      'Transfer-Encoding: chunked\r\n',
      '\r\n\r\n',
      '0\r\n\r\n',
      'ffffffffffffffff\r\n',
    ],
    seeds: () =>
      text(
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello',
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n',
        'HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\nnothing here',
        'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n',
      ),
    run: (bytes) =>
      evenIfCut(bytes, (all, cuts) => {
        const lines: string[] = [];
        let content = '';
        const reader = new HttpResponseReader({
          head: ({ status, headers }) => lines.push(`${status} ${[...headers].join(';')}`),
          body: (piece, start, end) => {
            content += Buffer.from(piece.subarray(start, end)).toString('hex');
          },
        });
        lines.push(pushAll(all, cuts, (start, end) => reader.push(all, start, end)));
        return `${lines.join('\n')}\n${content}`;
      }),
  },
  websocket: {
    seeds: () => [
      Uint8Array.from([0x82, 5, 1, 2, 3, 4, 5, 0x89, 2, 9, 9, 0x88, 2, 3, 0xe8]),
      Uint8Array.from([0x02, 126, 0, 3, 1, 2, 3, 0x80, 127, 0, 0, 0, 0, 0, 0, 0, 1, 7, 0x8a, 0]),
    ],
    run: (bytes) =>
      evenIfCut(bytes, (all, cuts) => {
        const lines: string[] = [];
        let content = '';
        const reader = new FrameReader({
          message: (kind) => lines.push(kind),
          payload: (piece, start, end) => {
            content += Buffer.from(piece.subarray(start, end)).toString('hex');
          },
          ping: (piece, start, end) => lines.push(`ping ${end - start} ${piece.length >= end}`),
          close: (code, reason) => lines.push(`close ${code} ${reason}`),
        });
        lines.push(pushAll(all, cuts, (start, end) => reader.push(all, start, end)));
        return `${lines.join('\n')}\n${content}`;
      }),
  },
  'link-trace': {
    words: ['seconds,kbit/s\n', '0,1000\n', '{"', '[[0,1]]', '1e9', '-1', '\n'],
    seeds: () => text('0,1000\n5,300\n10,2000\n', '0\n1\n1\n2\n5\n', '[[0,1000],[5,300]]'),
    run: (bytes) => refusing(() => parseTrace(new TextDecoder().decode(bytes))),
  },
  ...answerTargets,
  ...segmentTargets,
};
