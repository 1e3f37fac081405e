import type { HttpHead } from '../http-response.ts';
import type { HttpRange } from './http-options.ts';

/** Value of the Range header (RFC 9110, 14.2). */
export function rangeField({ offset, length }: HttpRange): string {
  return `bytes=${offset}-${length === null ? '' : offset + length - 1}`;
}

/**
 * Whether a 2xx answer brings exactly the part that was asked for; else what is wrong with it, as it follows
 * "host:port". A part that was asked for to the end of the file may be of any length.
 */
export function rangeMismatch(head: HttpHead, asked: HttpRange | null): string | null {
  const { status, headers } = head;
  if (asked === null)
    return status === 206 ? 'answered with a part (206) although the whole was asked for' : null;
  const length = announcedLength(head);
  if (status !== 206) {
    // RFC 9110, 14.2: a server may ignore the header. Where the whole is the part, nothing is lost.
    const whole = asked.offset === 0 && (asked.length === null || asked.length === length);
    return whole
      ? null
      : `ignored the byte range ${rangeField(asked)} and sent the whole file; switch on range requests for media files there`;
  }
  const range = headers.get('content-range') ?? '';
  // RFC 9110, 14.4.
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(?:\d{1,15}|\*)$/i.exec(range);
  if (match === null) {
    return `answered with a part (206) whose Content-Range is ${JSON.stringify(range.slice(0, 80))}`;
  }
  const first = Number(match[1]);
  const got = Number(match[2]) - first + 1;
  if (first !== asked.offset || got < 1 || (asked.length !== null && got !== asked.length)) {
    return `answered with the bytes ${first}-${match[2]} although ${rangeField(asked).slice(6)} were asked for`;
  }
  if (length !== null && length !== got) {
    return `announced ${length} bytes for a part of ${got} (Content-Range ${range})`;
  }
  return null;
}

/** How long the content is, as it is sent; `null`: not said. The reader has made sure that it is a number. */
export function announcedLength({ headers }: HttpHead): number | null {
  const length = headers.get('content-length');
  return length === undefined || headers.has('transfer-encoding') ? null : Number(length);
}
