import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../tests/kit/error-code.ts';
import { addEmulation, removeEmulation } from './emulation.ts';
import { isSlice, MAX_NALS, nalType, splitAnnexB, splitLengthPrefixed } from './nal.ts';

function file(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./fixtures/${name}.h264`, import.meta.url)));
}

describe('splitAnnexB', () => {
  it('finds the units of an encoded picture', () => {
    const bytes = file('high-854x480-50');
    const spans = splitAnnexB(bytes, 0, bytes.length);
    expect(spans.map(({ start }) => nalType(bytes[start]!))).toEqual([7, 8, 5]);
    expect(spans.map(({ start }) => isSlice(nalType(bytes[start]!)))).toEqual([false, false, true]);
    expect(spans[0]!.start).toBe(4);
    expect(spans.at(-1)!.end).toBe(bytes.length);
  });

  it.each([
    {
      name: 'three and four byte start codes',
      bytes: [0, 0, 1, 7, 8, 0, 0, 0, 1, 9],
      spans: [
        [3, 5],
        [9, 10],
      ],
    },
    { name: 'bytes before the first start code', bytes: [5, 0, 0, 1, 7], spans: [[4, 5]] },
    { name: 'zeros at the end', bytes: [0, 0, 1, 7, 0, 0, 0], spans: [[3, 4]] },
    { name: 'empty units', bytes: [0, 0, 1, 0, 0, 1, 0, 0, 1, 7], spans: [[9, 10]] },
    { name: 'a unit that ends in emulation prevention', bytes: [0, 0, 1, 7, 0, 0, 3], spans: [[3, 7]] },
    {
      name: 'a one after a start code',
      bytes: [0, 0, 1, 1, 0, 1, 0, 0, 1, 2],
      spans: [
        [3, 6],
        [9, 10],
      ],
    },
    { name: 'no start code', bytes: [0, 0, 2, 0, 1], spans: [] },
    { name: 'nothing', bytes: [], spans: [] },
  ])('takes $name', ({ bytes, spans }) => {
    const found = splitAnnexB(Uint8Array.from(bytes), 0, bytes.length);
    expect(found).toEqual(spans.map(([start, end]) => ({ start, end })));
  });

  it('stays within its range', () => {
    const bytes = Uint8Array.of(0, 0, 1, 7, 0, 0, 1, 8);
    expect(splitAnnexB(bytes, 1, 8)).toEqual([{ start: 7, end: 8 }]);
    expect(splitAnnexB(bytes, 0, 6)).toEqual([{ start: 3, end: 4 }]);
  });
});

describe('splitLengthPrefixed', () => {
  it.each([1, 2, 4])('walks lengths of %d bytes', (lengthBytes) => {
    const units = [Uint8Array.of(7, 1), Uint8Array.of(), Uint8Array.of(5, 2, 3)];
    const length = (n: number): number[] => [...new Array(lengthBytes - 1).fill(0), n];
    const bytes = Uint8Array.from([9, 9, ...units.flatMap((unit) => [...length(unit.length), ...unit])]);
    const spans = splitLengthPrefixed(bytes, 2, bytes.length, lengthBytes);
    expect(spans.map(({ start, end }) => [...bytes.subarray(start, end)])).toEqual([
      [7, 1],
      [5, 2, 3],
    ]);
  });

  it('names what is broken', () => {
    const split = (...bytes: number[]) =>
      errorCode(() => splitLengthPrefixed(Uint8Array.from(bytes), 0, bytes.length, 4));
    expect(split(0, 0, 0, 2, 7)).toBe('NAL_TRUNCATED');
    expect(split(0xff, 0xff, 0xff, 0xff, 7)).toBe('NAL_TRUNCATED');
    expect(split(0, 0, 0, 1, 7, 0)).toBe('NAL_TRUNCATED');
    expect(split(0, 0, 0, 1, 7)).toBe('no error');
    const many = Uint8Array.from({ length: 2 * (MAX_NALS + 1) }, (_, index) => (index % 2 === 0 ? 1 : 9));
    expect(errorCode(() => splitLengthPrefixed(many, 0, many.length, 1))).toBe('NAL_TOO_MANY');
    expect(errorCode(() => splitLengthPrefixed(many, 0, many.length - 2, 1))).toBe('no error');
  });
});

describe('emulation prevention', () => {
  it.each([
    { rbsp: [0, 0, 0, 7], nal: [0, 0, 3, 0, 7] },
    { rbsp: [0, 0, 1], nal: [0, 0, 3, 1] },
    { rbsp: [0, 0, 2], nal: [0, 0, 3, 2] },
    { rbsp: [0, 0, 3], nal: [0, 0, 3, 3] },
    { rbsp: [0, 0, 4], nal: [0, 0, 4] },
    { rbsp: [0, 0, 0, 0, 0, 1], nal: [0, 0, 3, 0, 0, 3, 0, 1] },
    { rbsp: [5, 0, 0], nal: [5, 0, 0, 3] },
    { rbsp: [], nal: [] },
  ])('$rbsp is carried as $nal', ({ rbsp, nal }) => {
    expect([...addEmulation(Uint8Array.from(rbsp))]).toEqual(nal);
    expect([...removeEmulation(Uint8Array.from(nal))]).toEqual(rbsp);
  });

  it('copies nothing where nothing is to be done', () => {
    const bytes = Uint8Array.of(1, 2, 0, 3, 4);
    expect(addEmulation(bytes)).toBe(bytes);
    expect(removeEmulation(bytes, 1).buffer).toBe(bytes.buffer);
    expect([...removeEmulation(bytes, 1, 4)]).toEqual([2, 0, 3]);
  });

  it('is undone by its removal, and leaves no start code, whatever the bytes', () => {
    const mostlyZero = fc.array(fc.constantFrom(0, 0, 0, 1, 2, 3, 4), { maxLength: 30 });
    fc.assert(
      fc.property(mostlyZero, (numbers) => {
        const rbsp = Uint8Array.of(...numbers, 0x80);
        const nal = addEmulation(rbsp);
        expect(removeEmulation(nal)).toEqual(rbsp);
        for (let i = 2; i < nal.length; i++) {
          if (nal[i - 2] === 0 && nal[i - 1] === 0) expect(nal[i]).toBeGreaterThanOrEqual(3);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
