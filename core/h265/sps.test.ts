import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, bitsOf, bytesOf, se, ue } from '../../tests/kit/bits.ts';
import { errorCode } from '../../tests/kit/error-code.ts';
import { runFfprobe, traceHeaders } from '../../tests/kit/run-tool.ts';
import { addEmulation, removeEmulation } from '../h264/emulation.ts';
import { splitAnnexB } from '../h264/nal.ts';
import type { Sps } from '../h264/sps.ts';
import { readHvcC, writeHvcC } from './hvcc.ts';
import { isRandomAccess, isSlice, NAL_PPS, NAL_SPS, NAL_VPS, nalType } from './nal.ts';
import { readSps } from './sps.ts';

function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./fixtures/${name}`, import.meta.url)));
}

function unitOf(name: string, type: number): Uint8Array {
  const bytes = file(`${name}.h265`);
  const span = splitAnnexB(bytes, 0, bytes.length).find(({ start }) => nalType(bytes[start]!) === type)!;
  return bytes.slice(span.start, span.end);
}

const spsOf = (name: string): Uint8Array => unitOf(name, NAL_SPS);

function annexB(...units: Uint8Array[]): Uint8Array {
  return Uint8Array.from(units.flatMap((unit) => [0, 0, 0, 1, ...unit]));
}

const NO_SIGNAL = { sampleAspect: [1, 1], fullRange: false, colour: null } as const;
const usual = {
  chroma: '4:2:0',
  bitDepth: 8,
  interlaced: false,
  fixedFrameRate: false,
  maxReorderFrames: 0,
  signal: NO_SIGNAL,
} as const;

/** The values of fixtures/README.md, which are ffprobe's. */
const table: Record<string, Sps> = {
  'main-640x360-25': {
    ...usual,
    profile: 'Main',
    level: '2.1',
    codecString: 'hvc1.1.6.L63.90',
    ...{ width: 640, height: 360, codedWidth: 640, codedHeight: 360, fps: 25 },
    maxReorderFrames: 2,
  },
  'main10-1282x722-30000-1001': {
    ...usual,
    profile: 'Main 10',
    level: '3.1',
    codecString: 'hvc1.2.4.L93.90',
    ...{ width: 1282, height: 722, codedWidth: 1288, codedHeight: 728, fps: 30000 / 1001 },
    bitDepth: 10,
  },
  'main-still-like-322x202-50': {
    ...usual,
    profile: 'Range Extensions',
    level: '2.0',
    codecString: 'hvc1.4.10.L60.9F.A8',
    ...{ width: 322, height: 202, codedWidth: 328, codedHeight: 208, fps: 50 },
  },
  'rext422-640x362-25': {
    ...usual,
    profile: 'Range Extensions',
    level: '2.1',
    codecString: 'hvc1.4.10.L63.9D.8',
    ...{ width: 640, height: 362, codedWidth: 640, codedHeight: 368, fps: 25 },
    chroma: '4:2:2',
    bitDepth: 10,
  },
  'rext444-321x201-25': {
    ...usual,
    profile: 'Range Extensions',
    level: '2.0',
    codecString: 'hvc1.4.10.L60.9E.8',
    ...{ width: 321, height: 201, codedWidth: 328, codedHeight: 208, fps: 25 },
    chroma: '4:4:4',
  },
  'gray-320x180-25': {
    ...usual,
    profile: 'Range Extensions',
    level: '2.0',
    codecString: 'hvc1.4.10.L60.9F.C8',
    ...{ width: 320, height: 180, codedWidth: 320, codedHeight: 184, fps: 25 },
    chroma: '4:0:0',
  },
  'hrd-sar-720x576-25': {
    ...usual,
    profile: 'Main',
    level: '3.0',
    codecString: 'hvc1.1.6.L90.90',
    ...{ width: 720, height: 576, codedWidth: 720, codedHeight: 576, fps: 25 },
    maxReorderFrames: 2,
    signal: { ...NO_SIGNAL, sampleAspect: [16, 11] },
  },
  'temporal-layers-640x360-60': {
    ...usual,
    profile: 'Main',
    level: '3.0',
    codecString: 'hvc1.1.6.L90.90',
    ...{ width: 640, height: 360, codedWidth: 640, codedHeight: 360, fps: 60 },
    maxReorderFrames: 2,
  },
  'interlaced-720x288-50': {
    ...usual,
    profile: 'Main',
    level: '3.0',
    codecString: 'hvc1.1.6.L90.40',
    ...{ width: 720, height: 288, codedWidth: 720, codedHeight: 288, fps: 50 },
    interlaced: true,
    maxReorderFrames: 2,
    signal: { ...NO_SIGNAL, fullRange: true },
  },
};

describe('H.265 NAL units', () => {
  it('of an encoded picture are named', () => {
    const bytes = file('main-640x360-25.h265');
    const types = splitAnnexB(bytes, 0, bytes.length).map(({ start }) => nalType(bytes[start]!));
    expect(types).toEqual([NAL_VPS, NAL_SPS, NAL_PPS, 20]);
    expect(types.map(isSlice)).toEqual([false, false, false, true]);
    expect(types.map(isRandomAccess)).toEqual([false, false, false, true]);
  });
});

describe('H.265 SPS', () => {
  it.each(Object.keys(table))('of %s says what ffprobe says', async (name) => {
    const sps = readSps(spsOf(name));
    const { profileTierLevel: _, maxSubLayers, temporalIdNested, ...rest } = sps;
    expect(rest).toEqual(table[name]);
    expect(await traceHeaders('hevc', file(`${name}.h265`))).toMatchObject({
      sps_max_sub_layers_minus1: maxSubLayers - 1,
      sps_temporal_id_nesting_flag: Number(temporalIdNested),
    });
    expect(maxSubLayers).toBe(name.startsWith('temporal') ? 2 : 1);

    const entries = 'stream=profile,width,height,coded_width,coded_height,level,r_frame_rate,has_b_frames';
    const probed = await runFfprobe(['-f', 'hevc', '-show_entries', entries], file(`${name}.h265`));
    const { streams } = probed as { streams: Record<string, unknown>[] };
    const [numerator, denominator] = String(streams[0]!['r_frame_rate']).split('/').map(Number);
    expect(streams[0]).toMatchObject({
      profile: sps.profile === 'Range Extensions' ? 'Rext' : sps.profile,
      width: sps.width,
      height: sps.height,
      coded_width: sps.codedWidth,
      coded_height: sps.codedHeight,
      level: Math.round(Number(sps.level) * 30),
      has_b_frames: sps.maxReorderFrames,
    });
    expect(sps.fps).toBeCloseTo(numerator! / denominator!, 6);
  });

  it('steps over scaling lists, PCM, reference sets and long-term pictures, which x265 does not write', async () => {
    const name = 'main-640x360-25';
    const text = bitsOf(removeEmulation(spsOf(name)));
    // By trace_headers: bits 196 to 201 are scaling_list_enabled_flag, amp, sao, pcm_enabled_flag,
    // num_short_term_ref_pic_sets (0) and long_term_ref_pics_present_flag.
    expect(text.slice(196, 202)).toBe('001010');
    const copied = `0${ue(0)}`; // scaling_list_pred_mode_flag 0: as the default
    const list = (coefficients: number) => `1${se(-3).repeat(coefficients)}`;
    const listWithDc = (coefficients: number) => `1${se(4)}${se(2).repeat(coefficients)}`;
    const scalingLists = [
      ...[list(16), copied, copied, copied, list(16), copied],
      ...[copied, list(64), copied, copied, copied, copied],
      ...[listWithDc(64), copied, copied, copied, copied, copied],
      ...[copied, listWithDc(64)],
    ].join('');
    const pcm = `1${bits(7, 4)}${bits(7, 4)}${ue(0)}${ue(0)}1`;
    const used = (distance: number) => `${ue(distance - 1)}1`;
    const referenceSets = [
      ue(5),
      // −1 −3 −7 and +2
      `${ue(3)}${ue(1)}${used(1)}${used(2)}${used(4)}${used(2)}`,
      // moved by −2: −3 −5 −9 0 and −2; the second not used but kept, the third and fourth dropped
      `1${'1'}${ue(1)}${'1'}${'01'}${'00'}${'00'}${'1'}`,
      // that had −2 −3 −5; moved by +4: 2 1 −1 and 4
      `1${'0'}${ue(3)}${'1'}${'1'}${'01'}${'1'}`,
      // that had −1 and 1 2 4; moved by −1: −2 0 1 3 and −1, the last two dropped
      `1${'1'}${ue(0)}${'1'}${'1'}${'1'}${'00'}${'00'}`,
      // that had −2 and 1: flags for these two and the picture itself
      `1${'1'}${ue(4)}${'1'}${'1'}${'1'}`,
    ].join('');
    const longTerm = `1${ue(2)}${bits(5, 8)}1${bits(9, 8)}0`;
    const middle = `11${scalingLists}01${pcm}${referenceSets}${longTerm}`;
    const rich = addEmulation(bytesOf((text.slice(0, 196) + middle + text.slice(202)).replace(/0+$/, '')));

    const { profileTierLevel: _, ...found } = readSps(rich);
    expect(found).toEqual({ ...table[name], maxSubLayers: 1, temporalIdNested: true });
    const stream = annexB(unitOf(name, NAL_VPS), rich, unitOf(name, NAL_PPS));
    expect(await traceHeaders('hevc', stream)).toMatchObject({
      num_short_term_ref_pic_sets: 5,
      num_long_term_ref_pics_sps: 2,
      vui_num_units_in_tick: 1,
      vui_time_scale: 25,
    });
  });

  it('knows no frame rate where none is said', () => {
    const text = bitsOf(removeEmulation(spsOf('main-640x360-25')));
    // By trace_headers: bit 226 is vui_timing_info_present_flag, bit 204 vui_parameters_present_flag.
    const noTiming = readSps(addEmulation(bytesOf(`${text.slice(0, 226)}0001`)));
    expect(noTiming).toMatchObject({ fps: null, width: 640, signal: NO_SIGNAL });
    const noVui = readSps(addEmulation(bytesOf(`${text.slice(0, 204)}001`)));
    expect(noVui).toMatchObject({ fps: null, width: 640, signal: { sampleAspect: null, fullRange: false } });
  });

  it.each(Object.keys(table))('of %s is refused when cut short before its timing', (name) => {
    const sps = spsOf(name);
    // What follows vui_time_scale (HRD or nothing) is not read.
    const cutAt = name.startsWith('hrd') ? sps.length - 16 : sps.length - 1;
    for (let end = 0; end < cutAt; end++) {
      expect(errorCode(() => readSps(sps, 0, end))).toMatch(/^(SPS_TYPE|SPS_TRUNCATED|NAL_EXP_GOLOMB)$/);
    }
  });

  it('refuses absurd sizes', () => {
    const text = bitsOf(removeEmulation(spsOf('main-640x360-25')));
    // By trace_headers: pic_width_in_luma_samples is at bits 124 to 142, conformance_window_flag at 160.
    const wide = addEmulation(bytesOf(text.slice(0, 124) + ue(20_000) + text.slice(143)));
    expect(errorCode(() => readSps(wide))).toBe('SPS_RANGE');
    const cropped = `${text.slice(0, 160)}1${ue(200)}${ue(120)}${ue(0)}${ue(0)}${text.slice(161)}`;
    expect(errorCode(() => readSps(addEmulation(bytesOf(cropped))))).toBe('SPS_RANGE');
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

describe('hvcC', () => {
  const mp4 = Buffer.from(file('h265.mp4'));
  const box = mp4.indexOf('hvcC');
  const record = new Uint8Array(mp4.subarray(box + 4, box - 4 + mp4.readUInt32BE(box - 4)));

  it('is read as ffmpeg wrote it', () => {
    const { nalLengthBytes, vps, sps, pps } = readHvcC(record);
    expect(nalLengthBytes).toBe(4);
    expect([vps, sps, pps].map((sets) => sets.map((set) => nalType(set[0]!)))).toEqual([[32], [33], [34]]);
    expect(readSps(sps[0]!)).toMatchObject({
      profile: 'Main',
      width: 160,
      height: 90,
      fps: 10,
      maxReorderFrames: 2,
    });
  });

  it('is written so that it is read alike, and says what ffmpeg says but for the SEI that ffmpeg adds', () => {
    const hvcC = readHvcC(record);
    const written = writeHvcC(hvcC);
    expect(readHvcC(written)).toEqual(hvcC);
    const HEAD = 22;
    const theirs = record.slice(0, HEAD);
    expect(theirs[13]! & 0xf0).toBe(0xf0);
    expect(written.slice(0, HEAD)).toEqual(theirs);
  });

  it('names what is broken', () => {
    expect(errorCode(() => readHvcC(record.with(0, 2)))).toBe('HVCC_VERSION');
    expect(errorCode(() => readHvcC(record.with(21, 0x0e)))).toBe('HVCC_LENGTH_SIZE');
    for (let end = 0; end < record.length; end++) {
      expect(errorCode(() => readHvcC(record, 0, end))).toBe('HVCC_TRUNCATED');
    }
    expect(() => writeHvcC({ nalLengthBytes: 4, vps: [], sps: [], pps: [] })).toThrow(RangeError);
  });

  it('throws nothing but ProtocolError on anything', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 8 }), (damage) => {
        const bytes = record.slice();
        for (const [at, value] of damage) if (at < bytes.length) bytes[at] = value;
        errorCode(() => readHvcC(bytes));
      }),
      { numRuns: 2000 },
    );
  });
});
