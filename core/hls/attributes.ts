import type { Variables } from './variables.ts';
import type { ViolationList } from './violation.ts';

/**
 * An attribute list (RFC 8216bis, 4.2): `NAME=value,NAME="quoted, value",…`. What is written wrong is taken as players take
 * it, and told as `malformed`; a value that cannot be read counts as absent.
 */
export class Attributes {
  readonly #values = new Map<string, string>();
  readonly #line: number;
  readonly #violations: ViolationList;

  constructor(text: string, line: number, variables: Variables, violations: ViolationList) {
    this.#line = line;
    this.#violations = violations;
    let at = 0;
    while (at < text.length) {
      const equals = text.indexOf('=', at);
      if (equals < 0) {
        if (text.slice(at).trim() !== '')
          this.#malformed(`expected NAME=value, got ${shown(text.slice(at))}`);
        return;
      }
      const name = text.slice(at, equals).trim();
      const isQuoted = text[equals + 1] === '"';
      const valueStart = equals + (isQuoted ? 2 : 1);
      const found = text.indexOf(isQuoted ? '"' : ',', valueStart);
      const valueEnd = found < 0 ? text.length : found;
      if (isQuoted && found < 0) this.#malformed(`expected a closing quote after ${shown(name)}`);
      const value = text.slice(valueStart, valueEnd);
      if (!/^[A-Z0-9-]+$/.test(name)) this.#malformed(`expected an attribute name, got ${shown(name)}`);
      if (this.#values.has(name)) this.#malformed(`expected ${shown(name)} once`);
      else this.#values.set(name, isQuoted ? variables.replace(value, line) : value.trim());
      const comma = isQuoted ? text.indexOf(',', valueEnd) : valueEnd;
      at = comma < 0 ? text.length : comma + 1;
    }
  }

  text(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  /** The text, or null and a violation if it is absent or empty. */
  required(name: string): string | null {
    const value = this.#values.get(name);
    if (!value) this.#malformed(`expected ${name}, got none`);
    return value || null;
  }

  flag(name: string): boolean {
    return this.#values.get(name) === 'YES';
  }

  integer(name: string): number | null {
    return this.#number(name, readInteger);
  }

  decimal(name: string): number | null {
    return this.#number(name, readDecimal);
  }

  /** Seconds as milliseconds. */
  ms(name: string): number | null {
    const seconds = this.decimal(name);
    return seconds === null ? null : seconds * 1000;
  }

  resolution(name: string): { width: number; height: number } | null {
    const value = this.#values.get(name);
    if (value === undefined) return null;
    const [, width, height] = /^(\d{1,6})[xX](\d{1,6})$/.exec(value) ?? [];
    if (width !== undefined && height !== undefined) return { width: Number(width), height: Number(height) };
    this.#malformed(`expected ${name} as WIDTHxHEIGHT, got ${shown(value)}`);
    return null;
  }

  #number(name: string, read: (text: string) => number | null): number | null {
    const value = this.#values.get(name);
    if (value === undefined) return null;
    const number = read(value);
    if (number === null) this.#malformed(`expected ${name} to be a number, got ${shown(value)}`);
    return number;
  }

  #malformed(detail: string): void {
    this.#violations.add('malformed', this.#line, detail);
  }
}

/** decimal-integer, up to 2⁵³ − 1; null for anything else. */
export function readInteger(text: string): number | null {
  if (!/^\d{1,20}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** (signed-)decimal-floating-point; null for anything else. */
export function readDecimal(text: string): number | null {
  return /^-?\d{1,20}(\.\d{0,40})?$|^-?\.\d{1,40}$/.test(text) ? Number(text) : null;
}

/** What came, short enough for a message. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
