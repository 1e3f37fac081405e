import { describe, expect, it } from 'vitest';
import { closeFrame, controlFrame, MAX_CONTROL_BYTES, OPCODE_PING, OPCODE_PONG } from './frame.ts';

const key = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('frames of a client', () => {
  it('are those of RFC 6455, section 5.7', () => {
    const hello = new TextEncoder().encode('Hello');
    expect(hex(controlFrame(OPCODE_PONG, hello, key))).toBe('8a8537fa213d7f9f4d5158');
  });

  it('close with a code, or without', () => {
    expect(hex(closeFrame(1000, new Uint8Array(4)))).toBe('88820000000003e8');
    expect(hex(closeFrame(1000, key))).toBe(
      `888237fa213d${(0x03 ^ 0x37).toString(16)}${(0xe8 ^ 0xfa).toString(16)}`,
    );
    expect(hex(closeFrame(null, key))).toBe('888037fa213d');
  });

  it('are not longer than control frames may be', () => {
    expect(controlFrame(OPCODE_PING, new Uint8Array(MAX_CONTROL_BYTES), key)).toHaveLength(131);
    expect(() => controlFrame(OPCODE_PING, new Uint8Array(MAX_CONTROL_BYTES + 1), key)).toThrow('126 bytes');
  });
});
