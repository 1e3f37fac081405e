import { describe, expect, test, vi } from 'vitest';
import { Closing, Interrupted, unlessInterrupted, within } from './closing.ts';

describe('closing', () => {
  test('goes in reverse, and past what fails or hangs', async () => {
    vi.useFakeTimers();
    const closing = new Closing();
    const log: string[] = [];
    closing.add('the stack', 100, async () => void log.push('stack'));
    closing.add('the publishers', 2000, () => new Promise(() => {}));
    closing.add('the fleet', 100, () => Promise.reject(new Error('no luck')));
    const done = closing.run((sentence) => log.push(sentence));
    await vi.advanceTimersByTimeAsync(2000);
    await done;
    vi.useRealTimers();
    expect(log).toEqual([
      'While closing: no luck.',
      'While closing: the publishers did not end within 2 s.',
      'stack',
    ]);
  });

  test('a promise within its limit is what it is', async () => {
    await expect(within(Promise.resolve(7), 1000, 'too long')).resolves.toBe(7);
    await expect(within(Promise.reject(new Error('broken')), 1000, 'too long')).rejects.toThrow('broken');
  });

  test('an interruption ends a wait, also one that comes after it', async () => {
    const controller = new AbortController();
    const waiting = unlessInterrupted(new Promise(() => {}), controller.signal);
    controller.abort();
    await expect(waiting).rejects.toBeInstanceOf(Interrupted);
    await expect(unlessInterrupted(Promise.resolve(1), controller.signal)).rejects.toBeInstanceOf(
      Interrupted,
    );
    await expect(unlessInterrupted(Promise.resolve(1), new AbortController().signal)).resolves.toBe(1);
  });
});
