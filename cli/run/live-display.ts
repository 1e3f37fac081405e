import type { Terminal } from '../terminal.ts';
import { type Progress, renderBlock, renderLine } from './progress.ts';

/** In a log: one line in so many seconds. */
const LINE_EVERY_MS = 5_000;

/** Shows how a run goes: a block that is drawn over on a screen, a line now and then in a log. All of it on standard error. */
export class LiveDisplay {
  readonly #terminal: Terminal;
  #drawnLines = 0;
  #lastLineMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  update(progress: Progress): void {
    const { live, columns, colours } = this.#terminal;
    if (live) this.#draw(renderBlock(progress, columns, colours));
    else if (progress.elapsedMs - this.#lastLineMs >= LINE_EVERY_MS - 500) {
      this.#lastLineMs = progress.elapsedMs;
      this.#terminal.say(renderLine(progress));
    }
  }

  /** A line that stays. */
  say(line: string): void {
    this.clear();
    this.#terminal.say(line);
  }

  /** Takes the block off the screen. */
  clear(): void {
    if (this.#drawnLines > 0) this.#terminal.draw(`\u001b[${this.#drawnLines}A\u001b[J`);
    this.#drawnLines = 0;
  }

  #draw(lines: readonly string[]): void {
    // Up to the block's first line, then each line over the old one and the rest of it erased: no flicker.
    const up = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : '';
    this.#terminal.draw(`${up}${lines.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`);
    this.#drawnLines = lines.length;
  }
}
