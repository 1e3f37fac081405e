import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, bitsOf, bytesOf, se, ue } from '../../tests/kit/bits.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { runFfmpeg, runFfprobe, traceHeaders } from '../../tests/kit/run-tool.ts';
import { readAvcC, writeAvcC } from './avcc.ts';
import { addEmulation, removeEmulation } from './emulation.ts';
import { NAL_PPS, NAL_SPS, nalType, splitAnnexB } from './nal.ts';
import { readSps, type Sps } from './sps.ts';

function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./fixtures/${name}.h264`, import.meta.url)));
}

function unitsOf(bytes: Uint8Array, type: number): Uint8Array[] {
  return splitAnnexB(bytes, 0, bytes.length)
    .filter(({ start }) => nalType(bytes[start]!) === type)
    .map(({ start, end }) => bytes.slice(start, end));
}

const spsOf = (name: string): Uint8Array => unitsOf(file(name), NAL_SPS)[0]!;
const ppsOf = (name: string): Uint8Array => unitsOf(file(name), NAL_PPS)[0]!;

function annexB(...units: Uint8Array[]): Uint8Array {
  return Uint8Array.from(units.flatMap((unit) => [0, 0, 0, 1, ...unit]));
}

/** A NAL unit of these bits, which end in the trailing bits. */
function nalOf(text: string): Uint8Array {
  return addEmulation(bytesOf(text.replace(/0+$/, '')));
}

const NO_SIGNAL = { sampleAspect: [1, 1], fullRange: false, colour: null } as const;
/** What most fixtures are. */
const usual = {
  chroma: '4:2:0',
  bitDepth: 8,
  interlaced: false,
  fixedFrameRate: false,
  maxReorderFrames: 2,
  signal: NO_SIGNAL,
} as const;

/** The values of fixtures/README.md, which are ffprobe's and trace_headers'. */
const table: Record<string, Sps> = {
  'baseline-320x240-25': {
    ...usual,
    profile: 'Constrained Baseline',
    level: '1.3',
    codecString: 'avc1.42c00d',
    ...{ width: 320, height: 240, codedWidth: 320, codedHeight: 240, fps: 25 },
    maxReorderFrames: 0,
  },
  'main-640x360-30000-1001': {
    ...usual,
    profile: 'Main',
    level: '3.0',
    codecString: 'avc1.4d401e',
    ...{ width: 640, height: 360, codedWidth: 640, codedHeight: 368, fps: 30000 / 1001 },
  },
  'high-854x480-50': {
    ...usual,
    profile: 'High',
    level: '3.1',
    codecString: 'avc1.64001f',
    ...{ width: 854, height: 480, codedWidth: 864, codedHeight: 480, fps: 50 },
  },
  'high-interlaced-1920x1080-25': {
    ...usual,
    profile: 'High',
    level: '4.0',
    codecString: 'avc1.640028',
    ...{ width: 1920, height: 1080, codedWidth: 1920, codedHeight: 1088, fps: 25 },
    interlaced: true,
  },
  'high10-426x242-24': {
    ...usual,
    profile: 'High 10',
    level: '2.1',
    codecString: 'avc1.6e0015',
    ...{ width: 426, height: 242, codedWidth: 432, codedHeight: 256, fps: 24 },
    bitDepth: 10,
  },
  'high422-322x202-25': {
    ...usual,
    profile: 'High 4:2:2',
    level: '1.3',
    codecString: 'avc1.7a000d',
    ...{ width: 322, height: 202, codedWidth: 336, codedHeight: 208, fps: 25 },
    chroma: '4:2:2',
  },
  'high444-321x201-25': {
    ...usual,
    profile: 'High 4:4:4 Predictive',
    level: '1.3',
    codecString: 'avc1.f4000d',
    ...{ width: 321, height: 201, codedWidth: 336, codedHeight: 208, fps: 25 },
    chroma: '4:4:4',
  },
  'gray-320x180-25': {
    ...usual,
    profile: 'High',
    level: '1.2',
    codecString: 'avc1.64000c',
    ...{ width: 320, height: 180, codedWidth: 320, codedHeight: 192, fps: 25 },
    chroma: '4:0:0',
  },
  'sar-hrd-720x576-25': {
    ...usual,
    profile: 'High',
    level: '3.0',
    codecString: 'avc1.64001e',
    ...{ width: 720, height: 576, codedWidth: 720, codedHeight: 576, fps: 25 },
    fixedFrameRate: true,
    signal: { sampleAspect: [16, 11], fullRange: false, colour: { primaries: 5, transfer: 5, matrix: 5 } },
  },
  'scaling-matrix-640x480-30': {
    ...usual,
    profile: 'High',
    level: '3.0',
    codecString: 'avc1.64001e',
    ...{ width: 640, height: 480, codedWidth: 640, codedHeight: 480, fps: 30 },
  },
  'no-reorder-1280x720-60': {
    ...usual,
    profile: 'Constrained Baseline',
    level: '3.2',
    codecString: 'avc1.42c020',
    ...{ width: 1280, height: 720, codedWidth: 1280, codedHeight: 720, fps: 60 },
    fixedFrameRate: true,
    maxReorderFrames: 0,
    signal: { ...NO_SIGNAL, fullRange: true },
  },
  'intra-high10-640x360-25': {
    ...usual,
    profile: 'High 10 Intra',
    level: '3.0',
    codecString: 'avc1.6e101e',
    ...{ width: 640, height: 360, codedWidth: 640, codedHeight: 368, fps: 25 },
    bitDepth: 10,
    maxReorderFrames: null,
  },
};

describe('H.264 SPS', () => {
  it.each(Object.keys(table))('of %s says what ffprobe says', async (name) => {
    const sps = readSps(spsOf(name));
    expect(sps).toEqual(table[name]);

    const entries = 'stream=profile,width,height,level,r_frame_rate,has_b_frames';
    const { streams } = (await runFfprobe(['-show_entries', entries], file(name))) as {
      streams: Record<string, unknown>[];
    };
    const [numerator, denominator] = String(streams[0]!['r_frame_rate']).split('/').map(Number);
    expect(streams[0]).toMatchObject({
      profile: sps.profile,
      width: sps.width,
      height: sps.height,
      level: Math.round(Number(sps.level) * 10),
      has_b_frames: sps.maxReorderFrames ?? 0,
    });
    expect(sps.fps).toBeCloseTo(numerator! / denominator!, 6);
  });

  it('skips picture order count type 1, which x264 never writes, as ffmpeg does', async () => {
    const text = bitsOf(removeEmulation(spsOf('baseline-320x240-25')));
    // NAL header, profile, constraints, level, then ue: id 0, log2_max_frame_num_minus4 0, pic_order_cnt_type 2 (011).
    const at = 32 + 2;
    expect(text.slice(32, at + 3)).toBe('11011');
    const type1 = `${ue(1)}0${se(-3)}${se(70)}${ue(3)}${se(1)}${se(-2)}${se(1000)}`;
    const sps = nalOf(text.slice(0, at) + type1 + text.slice(at + 3));
    expect(readSps(sps)).toEqual(table['baseline-320x240-25']);
    expect(await traceHeaders('h264', annexB(sps, ppsOf('baseline-320x240-25')))).toMatchObject({
      pic_order_cnt_type: 1,
      pic_width_in_mbs_minus1: 320 / 16 - 1,
      time_scale: 50,
    });
  });

  it('says level 1b both ways, and a profile without a name by its number', () => {
    const sps = spsOf('baseline-320x240-25');
    expect(readSps(sps.with(2, 0x10).with(3, 11)).level).toBe('1b');
    expect(readSps(sps.with(3, 9)).level).toBe('1b');
    expect(readSps(sps.with(3, 11)).level).toBe('1.1');
    expect(readSps(sps.with(2, 0)).profile).toBe('Baseline');
    expect(readSps(sps.with(1, 99)).profile).toBe('profile 99');
  });

  it('ends a scaling list where the scale wraps round to 0, as ffmpeg does', async () => {
    const text = bitsOf(removeEmulation(spsOf('high-854x480-50')));
    // After level: id 0, chroma 1, depths 0 and 0, bypass 0, and seq_scaling_matrix_present_flag 0 at bit 39.
    const at = 39;
    expect(text.slice(32, at + 1)).toBe('10101100');
    // 8 + 127 + 121 = 256: the list has two differences; then a default list, a whole one, and five not there.
    const lists = `1${se(127)}${se(121)}1${se(-8)}1${se(1).repeat(16)}00000`;
    const sps = nalOf(`${text.slice(0, at)}1${lists}${text.slice(at + 1)}`);
    expect(readSps(sps)).toEqual(table['high-854x480-50']);
    const trace = await traceHeaders('h264', annexB(sps, ppsOf('high-854x480-50')));
    expect(trace).toMatchObject({ seq_scaling_matrix_present_flag: 1, time_scale: 100 });
  });

  it('knows no frame rate where none is said', async () => {
    const text = bitsOf(removeEmulation(spsOf('baseline-320x240-25')));
    // timing_info_present_flag, before the ticks 1 and 50, becomes 0, and all up to nal_hrd_parameters goes.
    const timing = text.indexOf(bits(1, 32) + bits(50, 32));
    const sps = nalOf(`${text.slice(0, timing - 1)}0${text.slice(timing + 32 + 32 + 1)}`);
    expect(readSps(sps)).toEqual({ ...table['baseline-320x240-25'], fps: null });
    const trace = await traceHeaders('h264', annexB(sps, ppsOf('baseline-320x240-25')));
    expect(trace).toMatchObject({ timing_info_present_flag: 0, max_num_reorder_frames: 0 });
  });

  it.each(Object.keys(table))('of %s is refused when cut short anywhere', (name) => {
    const sps = spsOf(name);
    // The bits after max_num_reorder_frames are not read; before them every cut must show.
    for (let end = 0; end < sps.length - 2; end++) {
      expect(errorCode(() => readSps(sps, 0, end))).toMatch(/^(SPS_TYPE|SPS_TRUNCATED)$/);
    }
  });

  it('refuses absurd sizes before anyone allocates for them', () => {
    const head = `${bitsOf(Uint8Array.of(0x67, 66, 0, 30))}${ue(0)}${ue(0)}${ue(2)}${ue(1)}0`;
    const sized = (width: number, height: number, rest: string) =>
      errorCode(() => readSps(bytesOf(head + ue(width) + ue(height) + rest)));
    expect(sized(39, 22, '11' + '0' + '01')).toBe('no error');
    expect(sized(2000, 22, '11' + '0' + '01')).toBe('SPS_RANGE');
    expect(sized(39, 2 ** 31, '11' + '0' + '01')).toBe('SPS_RANGE');
    expect(sized(39, 22, `111${ue(300)}${ue(300)}${ue(0)}${ue(0)}01`)).toBe('SPS_RANGE');
    expect(errorCode(() => readSps(Uint8Array.of(0x67, 66, 0, 30, 0, 0, 0, 0, 0)))).toBe('NAL_EXP_GOLOMB');
    expect(errorCode(() => readSps(Uint8Array.of(0x68, 66, 0, 30)))).toBe('SPS_TYPE');
  });

  it('throws nothing but ProtocolError on anything', () => {
    const originals = Object.keys(table).map(spsOf);
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
        (original, damage) => {
          const sps = original.slice();
          for (const [at, value] of damage) if (at < sps.length) sps[at] = value;
          errorCode(() => readSps(sps));
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('avcC', () => {
  const names = ['baseline-320x240-25', 'high-854x480-50', 'high422-322x202-25', 'high10-426x242-24'];

  it.each(names)('of %s is read, and written, as ffmpeg wrote it', async (name) => {
    const args = ['-f', 'h264', '-i', 'pipe:0', '-c', 'copy', '-f', 'mp4', '-movflags', 'empty_moov'];
    const mp4 = await runFfmpeg([...args, '-'], file(name));
    const box = mp4.indexOf('avcC');
    const record = new Uint8Array(mp4.subarray(box + 4, box - 4 + mp4.readUInt32BE(box - 4)));
    const avcC = readAvcC(record);
    expect(avcC).toEqual({ nalLengthBytes: 4, sps: [spsOf(name)], pps: [ppsOf(name)] });
    expect(writeAvcC(avcC)).toEqual(record);
  });

  it('says its length size, and what is broken', () => {
    const good = writeAvcC({
      nalLengthBytes: 2,
      sps: [spsOf('main-640x360-30000-1001')],
      pps: [Uint8Array.of(8, 1)],
    });
    expect(readAvcC(good).nalLengthBytes).toBe(2);
    expect(errorCode(() => readAvcC(good.with(0, 0)))).toBe('AVCC_VERSION');
    expect(errorCode(() => readAvcC(good.with(4, 0xfe)))).toBe('AVCC_LENGTH_SIZE');
    for (let end = 0; end < good.length; end++) {
      expect(errorCode(() => readAvcC(good, 0, end))).toBe('AVCC_TRUNCATED');
    }
    expect(() => writeAvcC({ nalLengthBytes: 4, sps: [], pps: [] })).toThrow(RangeError);
  });

  it('throws nothing but ProtocolError on anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        errorCode(() => readAvcC(Uint8Array.of(1, ...bytes)));
      }),
      { numRuns: 2000 },
    );
  });
});
