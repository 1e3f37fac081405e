import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../tests/kit/error-code.ts';
import { runFfmpeg } from '../../tests/kit/run-tool.ts';
import { NAL_SEI, nalType, splitAnnexB } from './nal.ts';
import { readSei, type SeiMessage, userData, writeSei } from './sei.ts';

const X264_UUID = 'dc45e9bd-e6d9-48b7-962c-d820d923eeef';

describe('SEI', () => {
  it('of x264 holds its name, as user data of its own UUID, and a buffering period before it', async () => {
    const source = [
      '-f',
      'lavfi',
      '-i',
      'color=black:size=64x64:rate=25',
      '-frames:v',
      '1',
      '-pix_fmt',
      'yuv420p',
    ];
    const rate = ['-b:v', '100k', '-maxrate', '100k', '-bufsize', '100k', '-x264-params', 'nal-hrd=cbr'];
    const stdout = await runFfmpeg([...source, '-c:v', 'libx264', ...rate, '-f', 'h264', '-']);
    const messages = splitAnnexB(stdout, 0, stdout.length)
      .filter(({ start }) => nalType(stdout[start]!) === NAL_SEI)
      .flatMap(({ start, end }) => readSei(stdout, start, end, 1));
    // 0 buffering period, 5 user data, 1 picture timing (annex D)
    expect(messages.map(({ payloadType }) => payloadType).sort()).toEqual([0, 1, 5]);
    const found = userData(messages.find(({ payloadType }) => payloadType === 5)!)!;
    expect(found.uuid).toBe(X264_UUID);
    expect(new TextDecoder().decode(found.data)).toMatch(/^x264 - core \d+/);
  });

  it('is written as the specification says, long types and sizes in steps of 255', () => {
    const payload = new Uint8Array(300).fill(9);
    const nal = writeSei([6], [{ payloadType: 260, payload }]);
    expect([...nal.subarray(0, 5)]).toEqual([6, 255, 5, 255, 45]);
    expect(nal.length).toBe(5 + 300 + 1);
    expect(nal.at(-1)).toBe(0x80);
  });

  it('takes a unit without trailing bits, and a last message that looks like them', () => {
    expect(readSei(Uint8Array.of(6, 1, 1, 7), 0, 4, 1)).toEqual([
      { payloadType: 1, payload: Uint8Array.of(7) },
    ]);
    const lookalike = Uint8Array.of(6, 0x80, 0, 0x80);
    expect(readSei(lookalike, 0, 4, 1)).toEqual([{ payloadType: 0x80, payload: new Uint8Array(0) }]);
  });

  it('names what is cut short', () => {
    expect(errorCode(() => readSei(Uint8Array.of(6, 5, 4, 1, 2, 3), 0, 6, 1))).toBe('NAL_SEI_TRUNCATED');
    expect(errorCode(() => readSei(Uint8Array.of(6, 5), 0, 2, 1))).toBe('NAL_SEI_TRUNCATED');
    expect(errorCode(() => readSei(Uint8Array.of(6, 255, 255), 0, 3, 1))).toBe('NAL_SEI_TRUNCATED');
  });

  it('is no user data if of another type or too short for a UUID', () => {
    expect(userData({ payloadType: 4, payload: new Uint8Array(20) })).toBeNull();
    expect(userData({ payloadType: 5, payload: new Uint8Array(15) })).toBeNull();
    expect(userData({ payloadType: 5, payload: new Uint8Array(16) })?.uuid).toBe(
      '00000000-0000-0000-0000-000000000000',
    );
  });

  it('comes back as it was written', () => {
    const message = fc.record({
      payloadType: fc.nat(600),
      payload: fc.oneof(
        fc.uint8Array({ maxLength: 600 }),
        fc.nat(40).map((zeros) => new Uint8Array(zeros)),
      ),
    });
    const messages: fc.Arbitrary<SeiMessage[]> = fc.array(message, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(messages, fc.constantFrom([6], [78, 1]), (written, header) => {
        const nal = writeSei(header, written);
        expect(readSei(nal, 0, nal.length, header.length as 1 | 2)).toEqual(written);
      }),
      { numRuns: 500 },
    );
  });

  it('throws nothing but ProtocolError on anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        errorCode(() => readSei(bytes, 0, bytes.length, 1));
      }),
      { numRuns: 3000 },
    );
  });
});
