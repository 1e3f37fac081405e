/** `Range` of a request (RFC 9110, 14.1.2), for one range; several, and such as cannot be read, count as none, which 14.2 allows. */
export type RangeAnswer =
  | { readonly kind: 'all' }
  | { readonly kind: 'unsatisfiable' }
  /** Offsets; `end` is the byte after the last. */
  | { readonly kind: 'part'; readonly start: number; readonly end: number };

export function readRange(header: string | undefined, length: number): RangeAnswer {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'all' };
  if (first === '') {
    const suffix = Math.min(Number(last), length);
    return suffix === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: length - suffix, end: length };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return { kind: 'all' };
  if (start >= length) return { kind: 'unsatisfiable' };
  return { kind: 'part', start, end: last === '' ? length : Math.min(Number(last) + 1, length) };
}
