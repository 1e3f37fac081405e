import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../media.ts';
import { type AmfValue, readAmf0, writeAmf0 } from './amf0.ts';

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(' ', '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'no error';
}

/** One table for both directions; the hexadecimal is from the specification's section 2, byte by byte. */
const both: { name: string; value: AmfValue; hex: string }[] = [
  { name: 'number', value: 1, hex: '00 3ff0000000000000' },
  { name: 'negative number', value: -2000, hex: '00 c09f400000000000' },
  { name: 'true', value: true, hex: '01 01' },
  { name: 'false', value: false, hex: '01 00' },
  { name: 'string', value: 'live', hex: '02 0004 6c697665' },
  { name: 'empty string', value: '', hex: '02 0000' },
  { name: 'UTF-8 string', value: '直播', hex: '02 0006 e79bb4e692ad' },
  { name: 'byte order mark', value: '\ufeffa', hex: '02 0004 efbbbf61' },
  {
    name: 'object',
    value: { app: 'a', n: 0 },
    hex: '03 0003617070 02000161 00016e 000000000000000000 000009',
  },
  { name: 'empty object', value: {}, hex: '03 000009' },
  { name: 'object with an empty name', value: { '': null }, hex: '03 0000 05 000009' },
  { name: 'null', value: null, hex: '05' },
  { name: 'undefined', value: undefined, hex: '06' },
  { name: 'strict array', value: ['a', null], hex: '0a 00000002 02000161 05' },
  { name: 'date', value: new Date(1_000), hex: '0b 408f400000000000 0000' },
];

const readOnly: { name: string; value: AmfValue; hex: string }[] = [
  { name: 'any other boolean', value: true, hex: '01 7f' },
  { name: 'ECMA array', value: { a: 1 }, hex: '08 00000001 000161 003ff0000000000000 000009' },
  { name: 'ECMA array whose count is wrong', value: { a: null }, hex: '08 00000000 000161 05 000009' },
  { name: 'long string', value: 'ab', hex: '0c 00000002 6162' },
  { name: 'unsupported', value: undefined, hex: '0d' },
  { name: 'XML document', value: '<a/>', hex: '0f 00000004 3c612f3e' },
  { name: 'typed object', value: { a: null }, hex: '10 0001 54 000161 05 000009' },
  { name: 'date with a time zone', value: new Date(1_000), hex: '0b 408f400000000000 fe20' },
];

const broken: { name: string; code: string; hex: string }[] = [
  { name: 'cut number', code: 'AMF_TRUNCATED', hex: '00 3ff0' },
  { name: 'cut boolean', code: 'AMF_TRUNCATED', hex: '01' },
  { name: 'cut string', code: 'AMF_TRUNCATED', hex: '02 0005 6c697665' },
  { name: 'object without end', code: 'AMF_TRUNCATED', hex: '03 000161 05' },
  { name: 'array that claims 4 thousand million elements', code: 'AMF_TRUNCATED', hex: '0a ffffffff 05' },
  { name: 'long string that claims 2 GB', code: 'AMF_STRING_TOO_LONG', hex: '0c 7fffffff 00' },
  { name: 'stray object end', code: 'AMF_MARKER', hex: '09' },
  { name: 'movie clip', code: 'AMF_MARKER', hex: '04' },
  { name: 'change to AMF3', code: 'AMF_MARKER', hex: '11 04 01' },
  { name: 'reference to nothing', code: 'AMF_REFERENCE', hex: '07 0000' },
  { name: 'object inside itself', code: 'AMF_REFERENCE', hex: '03 000161 07 0000 000009' },
];

describe('AMF0', () => {
  it.each([...both, ...readOnly])('reads $name', ({ value, hex }) => {
    expect(readAmf0(bytesOf(hex))).toStrictEqual([value]);
  });

  it.each(both)('writes $name', ({ value, hex }) => {
    expect(writeAmf0(value)).toEqual(bytesOf(hex));
  });

  it.each(broken)('refuses a $name', ({ code, hex }) => {
    expect(codeOf(() => readAmf0(bytesOf(hex)))).toBe(code);
  });

  it.each(both)('refuses $name cut anywhere', ({ hex }) => {
    const bytes = bytesOf(hex);
    for (let end = 1; end < bytes.length; end++) {
      expect(codeOf(() => readAmf0(bytes, 0, end))).toBe('AMF_TRUNCATED');
    }
  });

  it('reads the values in a range, and not a byte more', () => {
    expect(readAmf0(bytesOf('ff 0101 05 ff'), 1, 4)).toEqual([true, null]);
    expect(readAmf0(bytesOf('05'), 1)).toEqual([]);
  });

  it('follows references to objects that are complete', () => {
    const [pair] = readAmf0(bytesOf('0a 00000002 03 000161 05 000009 07 0001')) as [AmfValue[]];
    expect(pair).toEqual([{ a: null }, { a: null }]);
    expect(pair[0]).toBe(pair[1]);
  });

  it('counts what references stand for, so that doubling it forty times is refused', () => {
    // Each array holds the one before it twice: 2^40 values for whoever walks the result.
    let hex = '0a 00000000';
    for (let index = 0; index < 40; index++) {
      const before = index.toString(16).padStart(4, '0');
      hex += `0a 00000002 07${before} 07${before}`;
    }
    expect(codeOf(() => readAmf0(bytesOf(hex)))).toBe('AMF_TOO_MANY_VALUES');
  });

  it('refuses nesting beyond 32', () => {
    const nested = (depth: number) => bytesOf(`${'0a00000001'.repeat(depth)}05`);
    expect(readAmf0(nested(32))).toHaveLength(1);
    expect(codeOf(() => readAmf0(nested(33)))).toBe('AMF_TOO_DEEP');
    expect(readAmf0(bytesOf('0a00000000'.repeat(100)))).toHaveLength(100);
  });

  it('refuses more than 65,536 values', () => {
    expect(readAmf0(new Uint8Array(65_536).fill(5))).toHaveLength(65_536);
    expect(codeOf(() => readAmf0(new Uint8Array(65_537).fill(5)))).toBe('AMF_TOO_MANY_VALUES');
  });

  it('keeps "__proto__" a property like any other', () => {
    const [object] = readAmf0(bytesOf('03 00095f5f70726f746f5f5f 03 000161 05 000009 000009')) as [object];
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.keys(object)).toEqual(['__proto__']);
  });

  it('writes a string beyond 65,535 bytes as a long string', () => {
    const written = writeAmf0('é'.repeat(32_768));
    expect([...written.subarray(0, 5)]).toEqual([0x0c, 0, 1, 0, 0]);
    expect(readAmf0(written)).toEqual(['é'.repeat(32_768)]);
  });

  it('refuses to write a property name beyond 65,535 bytes', () => {
    expect(() => writeAmf0({ ['n'.repeat(65_536)]: 1 })).toThrow(RangeError);
  });

  it('writes several values one after another, growing as needed', () => {
    const values = ['publish', 5, null, 'x'.repeat(400), { list: [1, 2, 3] }];
    expect(readAmf0(writeAmf0(...values))).toEqual(values);
  });

  it('reads back whatever it writes', () => {
    const { value } = fc.letrec<{ value: AmfValue }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.double(),
        fc.boolean(),
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom(null, undefined),
        fc.date(),
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(fc.string({ unit: 'grapheme' }), tie('value'), { maxKeys: 5 }).map((o) => ({ ...o })),
      ),
    }));
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (values) => {
        expect(readAmf0(writeAmf0(...values))).toStrictEqual(values);
      }),
      { numRuns: 500 },
    );
  });

  it('answers any bytes with values or a ProtocolError', () => {
    const marker = fc.integer({ min: 0, max: 0x12 });
    const bytes = fc.array(fc.oneof(marker, marker, fc.nat(255)), { maxLength: 200 });
    fc.assert(
      fc.property(bytes, (list) => {
        codeOf(() => readAmf0(Uint8Array.from(list)));
      }),
      { numRuns: 5_000 },
    );
  });
});
