import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../tests/kit/error-code.ts';
import { NAL_AUD, NAL_PPS, NAL_SEI, NAL_SPS, splitLengthPrefixed } from '../h264/nal.ts';
import { readSei, userData, writeSei } from '../h264/sei.ts';
import { crc16, crc32 } from './crc.ts';
import {
  findStamp,
  insertStamp,
  patchStamp,
  STAMP_PAYLOAD_BYTES,
  STAMP_UUID,
  type Stamp,
  type StampCodec,
  stampNal,
  stampNalBytes,
} from './stamp.ts';

const CODECS: readonly StampCodec[] = ['h264', 'h265'];
const UUID = 'c5f1a86e-9d3b-4c72-8e5d-b1746fa92ed8';
const stamp: Stamp = { publisher: 3, frame: 0x12345678, captureUs: 1_794_000_000_123_456 };
const anyStamp = fc.record({
  publisher: fc.nat(0xffffffff),
  frame: fc.nat(0xffffffff),
  captureUs: fc.maxSafeNat(),
});
/** 2ca2de09-b517-47db-bb55-a4fe7fc2fc4e */
const X265_UUID = [
  0x2c, 0xa2, 0xde, 9, 0xb5, 0x17, 0x47, 0xdb, 0xbb, 0x55, 0xa4, 0xfe, 0x7f, 0xc2, 0xfc, 0x4e,
];
const blank = (): Stamp => ({ publisher: -1, frame: -1, captureUs: -1 });

/** NAL units each with a length before it. */
function lengthPrefixed(lengthBytes: number, ...units: (Uint8Array | number[])[]): Uint8Array {
  return Uint8Array.from(
    units.flatMap((unit) => [...new Array(lengthBytes - 1).fill(0), unit.length, ...unit]),
  );
}

function found(bytes: Uint8Array, codec: StampCodec = 'h264', lengthBytes = 4): Stamp | null {
  const into = blank();
  return findStamp(bytes, 0, bytes.length, lengthBytes, codec, into) ? into : null;
}

const header = { h264: [6], h265: [78, 1] } as const;
const slice = { h264: [0x65, 1, 2, 3], h265: [0x26, 1, 2, 3] } as const;
const other = { payloadType: 5, payload: new Uint8Array(30).fill(1) };

describe('check codes', () => {
  it('have the check values of their catalogue', () => {
    const digits = new TextEncoder().encode('x123456789x');
    expect(crc16(digits, 1, 10)).toBe(0x29b1);
    expect(crc32(digits, 1, 10)).toBe(0xcbf43926);
  });
});

describe('the stamp as a NAL unit', () => {
  it('has exactly these bytes', () => {
    const nal = stampNal('h264', { publisher: 1, frame: 300, captureUs: 2 ** 28 * 5 + 129 });
    expect([...nal.subarray(0, 3)]).toEqual([6, 5, 38]);
    expect(nal.subarray(3, 19)).toEqual(STAMP_UUID);
    expect([...nal.subarray(19, 38)]).toEqual([
      ...[0x81],
      ...[0x80, 0x80, 0x80, 0x80, 0x81],
      ...[0x80, 0x80, 0x80, 0x82, 0xac],
      ...[0x80, 0x80, 0x80, 0x85, 0x80, 0x80, 0x81, 0x81],
    ]);
    const check = crc16(nal, 19, 38);
    expect([...nal.subarray(38)]).toEqual([
      0x80 | (check >> 14),
      0x80 | ((check >> 7) & 0x7f),
      0x80 | (check & 0x7f),
      0x80,
    ]);
    expect(nal.length).toBe(42);
  });

  it.each(CODECS)('is a common user data SEI to any %s reader', (codec) => {
    const nal = stampNal(codec, stamp);
    expect(nal.length).toBe(stampNalBytes(codec));
    const messages = readSei(nal, 0, nal.length, header[codec].length as 1 | 2);
    expect(messages).toHaveLength(1);
    expect(messages[0]!.payload).toHaveLength(STAMP_PAYLOAD_BYTES);
    expect(userData(messages[0]!)!.uuid).toBe(UUID);
    expect(writeSei(header[codec], messages)).toEqual(nal);
  });

  it('never needs emulation prevention and always has the same size, whatever it says', () => {
    fc.assert(
      fc.property(anyStamp, fc.constantFrom(...CODECS), (any, codec) => {
        const nal = stampNal(codec, any);
        expect(nal.length).toBe(stampNalBytes(codec));
        expect(nal.includes(0)).toBe(false);
        expect(found(lengthPrefixed(4, nal, [...slice[codec]]), codec)).toEqual(any);
      }),
      { numRuns: 1000 },
    );
  });

  it('is patched in place into what a new one would be', () => {
    for (const codec of CODECS) {
      const bytes = Uint8Array.from([9, 9, ...stampNal(codec, stamp), 9]);
      const next: Stamp = { publisher: 0xffffffff, frame: 0, captureUs: Number.MAX_SAFE_INTEGER };
      patchStamp(bytes, 2, codec, next);
      expect(bytes).toEqual(Uint8Array.from([9, 9, ...stampNal(codec, next), 9]));
    }
  });
});

describe('findStamp', () => {
  const nal = stampNal('h264', stamp);
  const aud = [NAL_AUD, 0xf0];
  const sps = [0x60 | NAL_SPS, 66, 0, 30, 1, 2];
  const message = { payloadType: 5, payload: nal.subarray(3, -1) };

  it.each<{ name: string; units: (Uint8Array | number[])[]; isFound: boolean }>([
    { name: 'alone', units: [nal], isFound: true },
    { name: 'before the slice', units: [nal, [...slice.h264]], isFound: true },
    { name: 'after AUD, SPS and PPS', units: [aud, sps, [NAL_PPS, 1], nal, [...slice.h264]], isFound: true },
    { name: 'after the slice', units: [[...slice.h264], nal], isFound: false },
    { name: 'after another SEI unit', units: [writeSei([6], [other]), nal], isFound: true },
    { name: 'after another message of its unit', units: [writeSei([6], [other, message])], isFound: true },
    { name: 'before another message of its unit', units: [writeSei([6], [message, other])], isFound: true },
    {
      name: 'behind x265’s UUID, as x265 carries it over',
      units: [writeSei([6], [{ payloadType: 5, payload: Uint8Array.of(...X265_UUID, ...message.payload) }])],
      isFound: true,
    },
    {
      name: 'in a message of another type',
      units: [writeSei([6], [{ ...message, payloadType: 4 }])],
      isFound: false,
    },
    { name: 'after an empty unit', units: [[], nal], isFound: true },
    { name: 'not at all', units: [aud, writeSei([6], [other]), [...slice.h264]], isFound: false },
  ])('$name: $isFound', ({ units, isFound }) => {
    for (const lengthBytes of [1, 2, 4]) {
      expect(found(lengthPrefixed(lengthBytes, ...units), 'h264', lengthBytes)).toEqual(
        isFound ? stamp : null,
      );
    }
  });

  it.each([
    { name: 'zeros', payload: new Uint8Array(50) },
    { name: 'threes after zeros', payload: Uint8Array.of(0, 0, 3, 0, 0, 3, 3, 0, 0, 0, 0, 3) },
    { name: 'zeros at the end, before a type that looks like emulation', payload: Uint8Array.of(7, 0, 0) },
    { name: '300 bytes', payload: new Uint8Array(300).fill(0xff) },
    { name: 'our UUID with another size', payload: Uint8Array.of(...STAMP_UUID, 1) },
    { name: 'nothing', payload: new Uint8Array(0) },
  ])('steps over messages of $name', ({ payload }) => {
    for (const payloadType of [0, 1, 5, 300]) {
      const messages = [
        { payloadType, payload },
        { payloadType: 1, payload: Uint8Array.of(1) },
      ];
      const unit = writeSei([6], [...messages, message]);
      const bytes = Uint8Array.from([0, 0, unit.length >> 8, unit.length & 0xff, ...unit]);
      expect(found(bytes)).toEqual(stamp);
    }
  });

  it('finds it if and only if the range holds it whole', () => {
    const bytes = lengthPrefixed(4, aud, nal, [...slice.h264]);
    const last = 4 + aud.length + 4 + nal.length - 1;
    for (let end = 0; end <= bytes.length; end++) {
      const into = blank();
      expect(findStamp(bytes, 0, end, 4, 'h264', into)).toBe(end >= last);
      expect(into).toEqual(end >= last ? stamp : blank());
    }
  });

  it('takes H.265 prefix SEI only', () => {
    const h265 = stampNal('h265', stamp);
    const aud265 = [70, 1, 0x50];
    expect(found(lengthPrefixed(4, aud265, h265, [...slice.h265]), 'h265')).toEqual(stamp);
    expect(found(lengthPrefixed(4, [...slice.h265], h265), 'h265')).toBeNull();
    expect(found(lengthPrefixed(4, h265.with(0, 80)), 'h265')).toBeNull();
  });

  it('refuses any single damaged byte, and leaves the old content alone', () => {
    for (let at = 3; at < nal.length - 1; at++) {
      for (const flip of [1, 0x40]) {
        const into = blank();
        const bytes = lengthPrefixed(4, nal.with(at, nal[at]! ^ flip));
        expect(findStamp(bytes, 0, bytes.length, 4, 'h264', into)).toBe(false);
        expect(into).toEqual(blank());
      }
    }
  });

  it('throws on nothing', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constant(nal),
      fc.constant(nal.subarray(0, 30)),
      fc.constant(lengthPrefixed(4, nal)),
      fc.constantFrom(Uint8Array.of(0, 0, 0, 42), Uint8Array.of(0, 0, 3), Uint8Array.of(6, 5, 38)),
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 6 }),
        fc.constantFrom(1, 2, 4),
        fc.constantFrom(...CODECS),
        (parts, lengthBytes, codec) => {
          const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
          const into = blank();
          if (findStamp(bytes, 0, bytes.length, lengthBytes, codec, into)) expect(into).toEqual(stamp);
        },
      ),
      { numRuns: 5000 },
    );
  });
});

describe('insertStamp', () => {
  const HEAD = [0x17, 1, 0, 0, 0];

  it.each(CODECS)('puts it before the first slice of %s, and says where', (codec) => {
    for (const lengthBytes of [1, 2, 4]) {
      const timing = { payloadType: 1, payload: Uint8Array.of(4, 5) };
      const units = [writeSei(header[codec], [timing]), [...slice[codec]], [...slice[codec]]];
      const tag = Uint8Array.from([...HEAD, ...lengthPrefixed(lengthBytes, ...units)]);
      const before = tag.slice();
      const { body, nalOffset } = insertStamp(tag, HEAD.length, lengthBytes, codec, stamp);
      const wanted = lengthPrefixed(lengthBytes, units[0]!, stampNal(codec, stamp), units[1]!, units[2]!);
      expect(body).toEqual(Uint8Array.from([...HEAD, ...wanted]));
      expect(tag).toEqual(before);

      const next = { ...stamp, frame: 9 };
      patchStamp(body, nalOffset, codec, next);
      expect(found(body.subarray(HEAD.length), codec, lengthBytes)).toEqual(next);
    }
  });

  it('goes before the user data of others, which may be longer than what a viewer looks at', () => {
    const timing = writeSei([NAL_SEI], [{ payloadType: 0, payload: Uint8Array.of(1) }]);
    const options = writeSei([NAL_SEI], [{ payloadType: 5, payload: new Uint8Array(200).fill(0x78) }]);
    const nal = stampNal('h264', stamp);
    const tag = lengthPrefixed(4, timing, options, options, [...slice.h264]);
    const { body } = insertStamp(tag, 0, 4, 'h264', stamp);
    expect(body).toEqual(lengthPrefixed(4, timing, nal, options, options, [...slice.h264]));
  });

  it('writes over a stamp that is there, so that a re-published recording has one', () => {
    const old = { publisher: 1, frame: 1, captureUs: 1 };
    const alone = insertStamp(lengthPrefixed(4, [...slice.h264]), 0, 4, 'h264', old);
    const again = insertStamp(alone.body, 0, 4, 'h264', stamp);
    expect(again).toEqual(insertStamp(lengthPrefixed(4, [...slice.h264]), 0, 4, 'h264', stamp));

    const message = { payloadType: 5, payload: stampNal('h264', old).subarray(3, -1) };
    const among = lengthPrefixed(4, writeSei([NAL_SEI], [other, message, other]), [...slice.h264]);
    const { body, nalOffset } = insertStamp(among, 0, 4, 'h264', stamp);
    expect(body.length).toBe(among.length);
    expect(found(body)).toEqual(stamp);
    patchStamp(body, nalOffset, 'h264', old);
    expect(body).toEqual(among);
  });

  it('refuses what is no access unit', () => {
    const insert = (...bytes: number[]) =>
      errorCode(() => insertStamp(Uint8Array.from(bytes), 0, 4, 'h264', stamp));
    expect(insert()).toBe('NAL_NO_SLICE');
    expect(insert(0, 0, 0, 2, 9, 0xf0)).toBe('NAL_NO_SLICE');
    expect(insert(0, 0, 0, 9, 0x65)).toBe('NAL_TRUNCATED');
  });

  it('throws nothing but ProtocolError, and what it gives can be found and walked', () => {
    const unit = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      fc.constant(Uint8Array.from(slice.h264)),
      fc.constant(stampNal('h264', stamp)),
    );
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 5 }), fc.nat(3), anyStamp, (units, cut, next) => {
        const whole = lengthPrefixed(4, ...units);
        const bytes = whole.subarray(0, Math.max(0, whole.length - cut));
        errorCode(() => {
          const { body } = insertStamp(bytes, 0, 4, 'h264', next);
          expect(found(body)).toEqual(next);
          splitLengthPrefixed(body, 0, body.length, 4);
        });
      }),
      { numRuns: 2000 },
    );
  });
});
