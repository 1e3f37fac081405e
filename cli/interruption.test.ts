import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { onInterruption } from './interruption.ts';

function pressable() {
  const source = new EventEmitter();
  const log: string[] = [];
  let nowMs = 0;
  const signal = onInterruption(
    source,
    () => nowMs,
    (name) => log.push(`asked by ${name}`),
    () => log.push('forced'),
  );
  return {
    signal,
    log,
    press(name: string, atMs: number) {
      nowMs = atMs;
      source.emit(name);
    },
  };
}

test('the first asks, the second forces', () => {
  const { signal, log, press } = pressable();
  press('SIGTERM', 0);
  expect(signal.aborted).toBe(true);
  press('SIGINT', 5000);
  expect(log).toEqual(['asked by SIGTERM', 'forced']);
});

test('one press that comes twice, from the terminal and from npm, is one', () => {
  const { log, press } = pressable();
  press('SIGINT', 0);
  press('SIGINT', 20);
  expect(log).toEqual(['asked by SIGINT']);
});
