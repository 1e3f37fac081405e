import { createDecipheriv } from 'node:crypto';
import { expect, it } from 'vitest';
import { initializationVector } from '../../core/hls/media-playlist.ts';
import { SegmentKeys } from './segment-keys.ts';

const keys = new SegmentKeys(new Uint8Array(32).fill(7), 'a1-', 10);

it('has a key for so many segments, and hands out those of segments that are there', () => {
  expect([39, 40, 49, 50].map((sequence) => keys.keyOf(sequence).url)).toEqual([
    'a1-key-3.key',
    'a1-key-4.key',
    'a1-key-4.key',
    'a1-key-5.key',
  ]);
  expect(keys.bytesOf('a1-key-4.key', 38, 52)).toHaveLength(16);
  expect(keys.bytesOf('a1-key-4.key', 38, 52)).not.toEqual(keys.bytesOf('a1-key-5.key', 38, 52));
  for (const name of ['a1-key-2.key', 'a1-key-6.key', 'a1-key-04.key', 'b1-key-4.key', 'key-4.key'])
    expect(keys.bytesOf(name, 38, 52)).toBe(null);
});

it('encrypts as RFC 8216bis says, once for all viewers', () => {
  const plain = new TextEncoder().encode('a segment');
  const encrypted = keys.encrypt(plain, 41);
  expect(keys.encrypt(plain, 41)).toBe(encrypted);
  const iv = initializationVector(keys.keyOf(41), 41);
  const decipher = createDecipheriv('aes-128-cbc', keys.bytesOf('a1-key-4.key', 41, 41)!, iv);
  expect(Buffer.concat([decipher.update(encrypted), decipher.final()]).toString()).toBe('a segment');
});
