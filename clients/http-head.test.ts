import { describe, expect, it } from 'vitest';
import { readHead } from './http-head.ts';

const text = (length: number, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nContent-Length: ${length}\r\n${more}\r\n`;

describe('readHead', () => {
  it('reads the same text once, and another that differs in a digit anew', () => {
    const first = readHead(text(1_000));
    expect(first.status).toBe(200);
    expect(first.headers.get('content-length')).toBe('1000');
    expect(readHead(text(1_000))).toBe(first);
    expect(readHead(text(1_001)).headers.get('content-length')).toBe('1001');
    expect(readHead(text(1_000)).headers.get('content-length')).toBe('1000');
  });

  it('keeps the last 128, and none that is long', () => {
    const first = readHead(text(1));
    for (let length = 2; length <= 128; length++) readHead(text(length));
    expect(readHead(text(1))).toBe(first);
    readHead(text(129));
    expect(readHead(text(1))).not.toBe(first);
    const long = text(1, `X-Filler: ${'x'.repeat(1_024)}\r\n`);
    expect(readHead(long)).not.toBe(readHead(long));
  });

  it('refuses what is broken each time', () => {
    for (let i = 0; i < 2; i++) {
      expect(() => readHead('HTTP/1.1 200 OK\r\nnonsense\r\n\r\n')).toThrow(/name: value/);
      expect(() => readHead('HTTP/1.1 2x0 OK\r\n\r\n')).toThrow(/status line/);
    }
  });
});
