import { expect, it } from 'vitest';
import { printable } from './printable.ts';

it('replaces what is not seen and leaves what is read', () => {
  expect(printable('a\u0000b\u001b[31m\u202ec\ud800d\uffff')).toBe('a\ufffdb\ufffd[31m\ufffdc\ufffdd\ufffd');
  expect(printable('流/直播 🎥 é\t\n\r "<&')).toBe('流/直播 🎥 é\t\n\r "<&');
});
