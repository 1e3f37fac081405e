import { ProtocolError } from '../media.ts';
import type { PlaylistLimits } from './limits.ts';
import { lineTooLong } from './lines.ts';

const REFERENCE = /\{\$([\w-]+)\}/g;

/** The variables of a playlist: EXT-X-DEFINE and what `{$name}` becomes (RFC 8216bis, 4.3 and 4.4.2.3). */
export class Variables {
  readonly values: Map<string, string> = new Map();
  readonly #limits: PlaylistLimits;

  constructor(limits: PlaylistLimits) {
    this.#limits = limits;
  }

  /** Throws `HLS_VARIABLE_DEFINED` for a second definition, and `HLS_TOO_MANY_VARIABLES`. */
  define(name: string, value: string, line: number): void {
    if (this.values.has(name)) {
      throw new ProtocolError(
        'HLS_VARIABLE_DEFINED',
        `expected one definition of "${name}", got another in line ${line}`,
      );
    }
    if (this.values.size >= this.#limits.maxVariables) {
      throw new ProtocolError(
        'HLS_TOO_MANY_VARIABLES',
        `expected at most ${this.#limits.maxVariables} variables`,
      );
    }
    this.values.set(name, value);
  }

  /**
   * `text` with its variables replaced, which is not searched for more. Throws `HLS_VARIABLE_UNDEFINED`, and
   * `HLS_LINE_TOO_LONG` before it grows beyond a line: variables made of variables grow by powers.
   */
  replace(text: string, line: number): string {
    if (!text.includes('{$')) return text;
    let length = text.length;
    return text.replace(REFERENCE, (reference, name: string) => {
      const value = this.values.get(name);
      if (value === undefined) {
        throw new ProtocolError(
          'HLS_VARIABLE_UNDEFINED',
          `expected a definition of "${name}" before line ${line}`,
        );
      }
      length += value.length - reference.length;
      if (length > this.#limits.maxLineLength) throw lineTooLong(line, this.#limits.maxLineLength, length);
      return value;
    });
  }
}
