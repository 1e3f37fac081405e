import { describe, expect, it } from 'vitest';
import { assertFfmpegHas, ffmpegCapabilities, parseNames, parseVersion } from './capabilities.ts';
import { locate } from './locate.ts';

// Lines as ffmpeg 5.1 and ffmpeg 7.1 print them: the columns differ.
const filters51 = `Filters:
  T.. = Timeline support
  .S. = Slice threading
  ..C = Command support
  A = Audio input/output
 ... abench            A->A       Benchmark part of a filtergraph.
 TSC drawbox           V->V       Draw a colored box on the input video.
 ..C sine              |->A       Generate sine wave audio signal.
 ... hstack            N->V       Stack video inputs horizontally.
`;
const filters71 = `Filters:
  T. = Timeline support
  .S = Slice threading
  A = Audio input/output
 .. abench            A->A       Benchmark part of a filtergraph.
 TS drawbox           V->V       Draw a colored box on the input video.
 .. sine              |->A       Generate sine wave audio signal.
 .. hstack            N->V       Stack video inputs horizontally.
`;
const muxers51 = `File formats:
 D. = Demuxing supported
 .E = Muxing supported
 --
  E flv             FLV (Flash Video)
  E fbdev           Linux framebuffer
  E stream_segment,ssegment streaming segment muxer
`;
const muxers71 = `Formats:
 D.. = Demuxing supported
 .E. = Muxing supported
 ..d = Is a device
 ---
  E  flv             FLV (Flash Video)
  Ed fbdev           Linux framebuffer
  E  stream_segment,ssegment streaming segment muxer
`;
const encoders = `Encoders:
 V..... = Video
 .F.... = Frame-level multithreading
 ------
 V....D libx264              libx264 H.264 / AVC / MPEG-4 AVC / MPEG-4 part 10 (codec h264)
 A....D aac                  AAC (Advanced Audio Coding)
`;

describe('listings', () => {
  it.each([
    ['5.1', filters51],
    ['7.1', filters71],
  ])('filters of %s', (_release, text) => {
    expect([...parseNames('filters', text)]).toEqual(['abench', 'drawbox', 'sine', 'hstack']);
  });

  it.each([
    ['5.1', muxers51],
    ['7.1', muxers71],
  ])('muxers of %s', (_release, text) => {
    expect([...parseNames('muxers', text)]).toEqual(['flv', 'fbdev', 'stream_segment', 'ssegment']);
  });

  it('encoders', () => {
    expect([...parseNames('encoders', encoders)]).toEqual(['libx264', 'aac']);
  });

  it.each([
    ['ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026', '5.1.9-0+deb12u1', [5, 1]],
    ['ffmpeg version n7.1 Copyright', 'n7.1', [7, 1]],
    ['ffmpeg version N-118193-g5f38c82536 Copyright', 'N-118193-g5f38c82536', null],
  ])('version in "%s"', (text, version, release) => {
    expect(parseVersion(text, '/x/ffmpeg')).toEqual({ version, release });
  });

  it('something that is no ffmpeg', () => {
    expect(() => parseVersion('hello\n', '/x/ffmpeg')).toThrow(
      '/x/ffmpeg is not an ffmpeg (it printed no version): set FFMPEG_PATH to one, or unset it.',
    );
  });
});

describe('the ffmpeg of this machine', () => {
  it('tells what it has, and is asked once', async () => {
    const capabilities = await ffmpegCapabilities();
    expect(capabilities.path).toBe(locate('ffmpeg'));
    expect(capabilities.version).toMatch(/\d/);
    expect([...capabilities.encoders]).toEqual(expect.arrayContaining(['libx264', 'aac']));
    expect([...capabilities.filters]).toEqual(expect.arrayContaining(['sine', 'scale', 'hstack']));
    expect([...capabilities.muxers]).toEqual(expect.arrayContaining(['flv', 'rawvideo', 'matroska']));
    expect(capabilities.encoders.has('=')).toBe(false);
    expect(await ffmpegCapabilities()).toBe(capabilities);
  });

  it('refuses what it cannot do, naming all of it', async () => {
    const capabilities = await ffmpegCapabilities();
    expect(() => assertFfmpegHas(capabilities, { encoders: ['libx264'] }, 'the test card')).not.toThrow();
    expect(() =>
      assertFfmpegHas(capabilities, { encoders: ['libx264', 'libx299'], filters: ['qr'] }, 'the test card'),
    ).toThrow(
      `the test card needs encoder libx299, filter qr, which ffmpeg ${capabilities.version} (${capabilities.path}) does not have: ` +
        'install a full build of ffmpeg, or set FFMPEG_PATH to one.',
    );
  });

  it('that is no ffmpeg gives one sentence, each time it is asked', async () => {
    const message =
      '/bin/false did not answer "-version": set FFMPEG_PATH to a working ffmpeg, or reinstall it.';
    await expect(ffmpegCapabilities('/bin/false')).rejects.toMatchObject({ code: 'FFMPEG_FAILED', message });
    await expect(ffmpegCapabilities('/bin/false')).rejects.toThrow(message);
  });
});
