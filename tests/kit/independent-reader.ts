/**
 * ffmpeg and ffprobe as readers of a live stream. Nothing of the product has a part in it but the layout of the
 * stamp, which is written down here once more.
 */
import { readFile } from 'node:fs/promises';
import { runToEnd } from './run-tool.ts';

export interface ReadPacket {
  readonly isKey: boolean;
  readonly dtsMs: number;
  readonly ptsMs: number;
  readonly data: Buffer;
}

/** What ffprobe says of a track, as far as tests ask. */
export interface ReadTrack {
  readonly codec_type: string;
  readonly codec_name: string;
  readonly profile: string;
  readonly width?: number;
  readonly height?: number;
  readonly r_frame_rate: string;
  readonly has_b_frames?: number;
  readonly sample_rate?: string;
  readonly channels?: number;
}

export interface ReadStream {
  readonly tracks: readonly ReadTrack[];
  readonly video: readonly ReadPacket[];
  readonly audio: readonly ReadPacket[];
}

interface ProbedPacket {
  readonly codec_type: string;
  readonly pts: number;
  readonly dts: number;
  readonly flags: string;
  readonly data: string;
}

const limitMs = 45_000;

/** Packets of so many seconds of a live stream, as ffprobe finds them. */
export async function readPackets(url: string, seconds: number): Promise<ReadStream> {
  const stdout = await quietly('ffprobe', [
    ...['-v', 'error', '-show_streams', '-show_packets', '-show_data', '-of', 'json'],
    ...['-read_intervals', `%+${seconds}`, '-i', url],
  ]);
  const { streams, packets } = JSON.parse(stdout.toString()) as {
    streams: ReadTrack[];
    packets: ProbedPacket[];
  };
  const ofType = (type: string): ReadPacket[] =>
    packets
      .filter(({ codec_type }) => codec_type === type)
      .map(({ pts, dts, flags, data }) => ({
        isKey: flags.startsWith('K'),
        dtsMs: dts,
        ptsMs: pts,
        data: fromHexDump(data),
      }));
  return { tracks: streams, video: ofType('video'), audio: ofType('audio') };
}

/** `00000000: 2118 cfff … 6d10 89d7  !.....`: 16 bytes a line, in 39 columns. */
function fromHexDump(dump: string): Buffer {
  const hex = dump
    .trim()
    .split('\n')
    .map((line) => line.slice(10, 49).replaceAll(' ', ''));
  return Buffer.from(hex.join(''), 'hex');
}

export interface DecodedPicture {
  readonly ptsMs: number;
  /** Width × height bytes. */
  readonly luma: Uint8Array;
}

/**
 * The next pictures of a live stream, decoded by ffmpeg. Rejects if it finds anything wrong with them.
 * @param timesFile where ffmpeg may write their timestamps
 */
export async function decodePictures(
  url: string,
  { count, pictureBytes, timesFile }: { count: number; pictureBytes: number; timesFile: string },
): Promise<DecodedPicture[]> {
  // As many pictures as were coded: none doubled, none left out for the sake of a frame rate.
  const output = ['-map', '0:v', '-frames:v', String(count), '-fps_mode', 'passthrough'];
  const pixels = await quietly('ffmpeg', [
    ...['-hide_banner', '-nostdin', '-v', 'warning', '-xerror', '-y', '-i', url],
    ...[...output, '-pix_fmt', 'gray', '-f', 'rawvideo', 'pipe:1'],
    ...[...output, '-enc_time_base', '0.001', '-f', 'framecrc', timesFile],
  ]);
  const times = (await readFile(timesFile, 'utf8'))
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => Number(line.split(',')[2]));
  return times.map((ptsMs, index) => ({
    ptsMs,
    luma: pixels.subarray(index * pictureBytes, (index + 1) * pictureBytes),
  }));
}

/** The payloads of all SEI user_data_unregistered messages in the next pictures, taken apart by ffmpeg's own parser. */
export async function readUserData(url: string, pictures: number): Promise<Buffer[]> {
  const { stderr } = await runToEnd(
    'ffmpeg',
    [
      ...['-hide_banner', '-nostdin', '-v', 'info', '-i', url, '-map', '0:v', '-frames:v', String(pictures)],
      ...['-c', 'copy', '-bsf:v', 'trace_headers', '-f', 'null', '-'],
    ],
    undefined,
    limitMs,
  );
  // The parser looks at the configuration and at each packet; ffmpeg itself may have printed some before the first.
  const sections = stderr.split('User Data Unregistered').slice(1);
  return sections.map((section) => {
    const lines = section.matchAll(
      / (?:uuid_iso_iec_11578|user_data_payload_byte)\[\d+\]\s+[01]+ = (\d+)$/gm,
    );
    return Buffer.from(Array.from(lines, ([, value]) => Number(value)));
  });
}

export interface ReadStamp {
  readonly publisher: number;
  readonly frame: number;
  readonly captureUs: number;
}

const UUID = Buffer.from('c5f1a86e9d3b4c728e5db1746fa92ed8', 'hex');
/** NAL unit type 6 (SEI), payload type 5 (user data unregistered), 38 bytes. */
const MESSAGE = Buffer.concat([Buffer.of(0x06, 0x05, 38), UUID]);

/** The stamps in a packet: each must stand in a SEI NAL unit of its own. */
export function stampsIn(packet: Buffer): ReadStamp[] {
  const stamps: ReadStamp[] = [];
  for (let at = packet.indexOf(MESSAGE); at >= 0; at = packet.indexOf(MESSAGE, at + 1))
    stamps.push(readStamp(packet.subarray(at + 3, at + 3 + 38))!);
  return stamps;
}

/** Reads a user_data_unregistered payload; null if it is somebody else's (x264's own). Seven bits a byte, the top bit set. */
export function readStamp(payload: Buffer): ReadStamp | null {
  if (payload.length !== 38 || !payload.subarray(0, 16).equals(UUID)) return null;
  const number = (start: number, end: number): number => {
    const bits = Array.from(payload.subarray(16 + start, 16 + end), (byte) =>
      (byte & 0x7f).toString(2).padStart(7, '0'),
    );
    return Number.parseInt(bits.join(''), 2);
  };
  return { publisher: number(1, 6), frame: number(6, 11), captureUs: number(11, 19) };
}

/** Standard output of a program that ends well and complains of nothing. */
async function quietly(program: string, args: readonly string[]): Promise<Buffer> {
  const { code, stdout, stderr } = await runToEnd(program, args, undefined, limitMs);
  if (code === 0 && stderr === '') return stdout;
  throw new Error(`${program} ended with ${code} and said: ${stderr.slice(-2_000)}`);
}
