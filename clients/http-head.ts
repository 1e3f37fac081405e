import { ProtocolError } from '../core/media.ts';

export interface HttpHead {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case; of a repeated header the values, joined by a comma. */
  readonly headers: ReadonlyMap<string, string>;
}

/** Heads that the viewers of this thread were given last, by their text; the oldest goes first. */
const known = new Map<string, HttpHead>();
const MAX_KNOWN = 128;
/** Longer ones are read anew each time. */
const MAX_KNOWN_CHARS = 1_024;

/**
 * Status line and headers of a response, with the empty line at the end (RFC 9112, 4 and 5). Thousands of viewers of one stream are
 * given the same head for the same file, character by character: it is read once. Throws `HTTP_STATUS_LINE` and `HTTP_HEADER`.
 */
export function readHead(text: string): HttpHead {
  const before = known.get(text);
  if (before !== undefined) return before;
  const head = parseHead(text);
  if (text.length > MAX_KNOWN_CHARS) return head;
  const [oldest] = known.size < MAX_KNOWN ? [] : known.keys();
  if (oldest !== undefined) known.delete(oldest);
  known.set(text, head);
  return head;
}

function parseHead(text: string): HttpHead {
  let at = text.indexOf('\n') + 1;
  const statusLine = withoutLineEnd(text, 0, at);
  const status = /^HTTP\/1\.\d (\d{3})(?: (.*))?$/.exec(statusLine);
  if (status === null) {
    throw new ProtocolError(
      'HTTP_STATUS_LINE',
      `expected an HTTP status line, got ${JSON.stringify(statusLine.slice(0, 80))}`,
    );
  }
  const headers = new Map<string, string>();
  while (at < text.length) {
    const lineStart = at;
    at = text.indexOf('\n', at) + 1;
    const line = withoutLineEnd(text, lineStart, at);
    if (line === '') continue;
    const colon = line.indexOf(':');
    if (colon < 1) {
      throw new ProtocolError(
        'HTTP_HEADER',
        `expected "name: value", got ${JSON.stringify(line.slice(0, 80))}`,
      );
    }
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { status: Number(status[1]), statusText: status[2] ?? '', headers };
}

/** A header ends in LF, so does each of its lines; CR before that is part of the line end. */
function withoutLineEnd(text: string, start: number, end: number): string {
  return text.slice(start, text.charCodeAt(end - 2) === CR && end - 2 >= start ? end - 2 : end - 1);
}

const CR = 13;
