import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runFfmpeg } from '../../tests/kit/run-tool.ts';
import { drawCells, readCells } from './cells.ts';
import type { Stamp } from './stamp.ts';

const words = (text: string): string[] => text.split(' ');
const stamp: Stamp = { publisher: 0xdeadbeef, frame: 123_456, captureUs: 1_794_000_000_123_456 };

const SIZES = [
  { width: 640, height: 360 },
  { width: 854, height: 480 },
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
  { width: 641, height: 323 },
  { width: 360, height: 640 },
  { width: 320, height: 320 },
];

describe('cells', () => {
  it.each(SIZES)(
    'are drawn on and read from $width x $height, rows longer than the picture',
    ({ width, height }) => {
      const stride = width + 13;
      const luma = new Uint8Array(stride * height).fill(126);
      expect(drawCells(luma, stride, width, height, stamp)).toBe(true);
      expect(readCells(luma, stride, width, height)).toEqual(stamp);
      // Nothing is drawn beyond the picture.
      for (let y = 0; y < height; y++) {
        for (let x = width; x < stride; x++) {
          if (luma[y * stride + x] !== 126) expect.unreachable(`drawn at ${x},${y}`);
        }
      }
    },
  );

  it('are at least 16 pixels wide and high, or not drawn', () => {
    for (let height = 310; height <= 330; height += 2) {
      for (let width = 308; width <= 700; width += 12) {
        const luma = new Uint8Array(width * height).fill(1);
        const isDrawn = drawCells(luma, width, width, height, stamp);
        expect(isDrawn).toBe(width >= 320 && height >= 320);
        if (!isDrawn) continue;
        // The first row of cells begins with the mark 10110010: the first change to black is one cell in.
        expect(luma[0]).toBe(235);
        expect(luma.indexOf(16)).toBeGreaterThanOrEqual(16);
      }
    }
    const small = new Uint8Array(320 * 180).fill(7);
    expect(drawCells(small, 320, 320, 180, stamp)).toBe(false);
    expect(small.every((level) => level === 7)).toBe(true);
  });

  it('carry any stamp', () => {
    const luma = new Uint8Array(640 * 360);
    const anyStamp = fc.record({
      publisher: fc.nat(0xffffffff),
      frame: fc.nat(0xffffffff),
      captureUs: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(anyStamp, (any) => {
        drawCells(luma, 640, 640, 360, any);
        expect(readCells(luma, 640, 640, 360)).toEqual(any);
      }),
      { numRuns: 300 },
    );
  });

  it('are read from a dimmed, washed-out or full-range picture', () => {
    const luma = new Uint8Array(640 * 360);
    drawCells(luma, 640, 640, 360, stamp);
    const changes: ((level: number) => number)[] = [
      (level) => ((level - 16) * 255) / 219,
      (level) => level / 3,
      (level) => 120 + level / 2.5,
    ];
    for (const change of changes) {
      expect(readCells(luma.map(change), 640, 640, 360)).toEqual(stamp);
    }
  });

  it('are not read with a cell in error, nor from pictures without', () => {
    const luma = new Uint8Array(640 * 360);
    drawCells(luma, 640, 640, 360, stamp);
    for (let bit = 0; bit < 160; bit++) {
      const damaged = luma.slice();
      const [column, row] = [bit % 40, Math.floor(bit / 40)];
      for (let y = row * 18; y < row * 18 + 18; y++) {
        const at = y * 640 + column * 16;
        damaged.fill(251 - damaged[at]!, at, at + 16);
      }
      expect(readCells(damaged, 640, 640, 360)).toBeNull();
    }
    expect(readCells(new Uint8Array(640 * 360), 640, 640, 360)).toBeNull();
    expect(
      readCells(
        new Uint8Array(640 * 360).map((_, i) => i * 7919),
        640,
        640,
        360,
      ),
    ).toBeNull();
    expect(readCells(luma, 640, 640, 361)).toBeNull();
    expect(readCells(new Uint8Array(0), 0, 0, 0)).toBeNull();
  });
});

describe('cells through a real encoder', () => {
  const FRAMES = 50;
  const stampOf = (frame: number): Stamp => {
    return {
      publisher: 7,
      frame,
      captureUs: 1_794_000_000_000_000 + frame * 40_000 + ((frame * 7919) % 1000),
    };
  };

  async function drawnFrames(source: string, width: number, height: number): Promise<Buffer> {
    const raw = await runFfmpeg(
      words(`-f lavfi -i ${source} -frames:v ${FRAMES} -pix_fmt yuv420p -f rawvideo -`),
    );
    const frameBytes = (width * height * 3) / 2;
    expect(raw.length).toBe(FRAMES * frameBytes);
    for (let frame = 0; frame < FRAMES; frame++) {
      const luma = raw.subarray(frame * frameBytes, frame * frameBytes + width * height);
      expect(drawCells(luma, width, width, height, stampOf(frame))).toBe(true);
    }
    return raw;
  }

  function readFrames(raw: Buffer, width: number, height: number): (Stamp | null)[] {
    const frameBytes = (width * height * 3) / 2;
    return Array.from({ length: raw.length / frameBytes }, (_, frame) => {
      return readCells(
        raw.subarray(frame * frameBytes, frame * frameBytes + width * height),
        width,
        width,
        height,
      );
    });
  }

  const NOISE = 'testsrc2=size=640x360:rate=25,noise=alls=30:allf=t';
  const cases = [
    {
      name: 'x264 ultrafast at 300 kbit/s',
      source: 'testsrc2=size=640x360:rate=25',
      rate: 300,
      out: [640, 360],
    },
    { name: 'the same, of a noisy picture', source: NOISE, rate: 300, out: [640, 360] },
    {
      name: 'x264 ultrafast at 150 kbit/s',
      source: 'testsrc2=size=640x360:rate=25',
      rate: 150,
      out: [640, 360],
    },
    {
      name: 'halved before it is coded',
      source: 'testsrc2=size=640x360:rate=25',
      rate: 200,
      out: [320, 180],
    },
    { name: 'halved, of a noisy picture', source: NOISE, rate: 200, out: [320, 180] },
    { name: 'from 720p to 360p', source: 'testsrc2=size=1280x720:rate=25', rate: 300, out: [640, 360] },
    { name: 'from 720p to 180p', source: 'testsrc2=size=1280x720:rate=25', rate: 150, out: [320, 180] },
  ] as const;

  it.each(cases)('$name: every frame is read', async ({ source, rate, out: [width, height] }) => {
    const size = /size=(\d+)x(\d+)/.exec(source)!.slice(1).map(Number);
    const raw = await drawnFrames(source, size[0]!, size[1]!);
    const encoder = `-c:v libx264 -preset ultrafast -tune zerolatency -g 50 -b:v ${rate}k -maxrate ${rate}k -bufsize ${rate}k`;
    const input = `-f rawvideo -pix_fmt yuv420p -s ${size.join('x')} -r 25 -i pipe:0`;
    const coded = await runFfmpeg(words(`${input} -vf scale=${width}:${height} ${encoder} -f mpegts -`), raw);
    const decoded = await runFfmpeg(words('-i pipe:0 -pix_fmt yuv420p -f rawvideo -'), coded);
    expect(readFrames(decoded, width, height)).toEqual(
      Array.from({ length: FRAMES }, (_, frame) => stampOf(frame)),
    );
  });

  it('coded, then decoded, halved and coded again, as a ladder does: every frame is read', async () => {
    const raw = await drawnFrames('testsrc2=size=640x360:rate=25', 640, 360);
    const encoder = (rate: number) =>
      `-c:v libx264 -preset ultrafast -tune zerolatency -b:v ${rate}k -maxrate ${rate}k -bufsize ${rate}k`;
    const input = '-f rawvideo -pix_fmt yuv420p -s 640x360 -r 25 -i pipe:0';
    const first = await runFfmpeg(words(`${input} ${encoder(300)} -f mpegts -`), raw);
    const second = await runFfmpeg(words(`-i pipe:0 -vf scale=320:180 ${encoder(150)} -f mpegts -`), first);
    const decoded = await runFfmpeg(words('-i pipe:0 -pix_fmt yuv420p -f rawvideo -'), second);
    expect(readFrames(decoded, 320, 180)).toEqual(
      Array.from({ length: FRAMES }, (_, frame) => stampOf(frame)),
    );
  });
});
