// A scheme is looked for where a word begins only: a search from each letter of a long name takes minutes.

/** `user@`, `user:password@`; a password that is not percent-encoded may have slashes in it. */
const CREDENTIALS = /(?<![a-z0-9+.-])([a-z0-9+.-]+:\/\/)(?:[^\s"'/]*|(?!\[)[^\s"'/:]*:(?!\d*\/)[^\s"']*)@/gi;
/** A query, without the punctuation that follows an address in a sentence. */
const QUERY = /(?<![a-z0-9+.-])([a-z0-9+.-]+:\/\/[^\s"'?]*\?)[^\s"']*[^\s"':;,.)]/gi;

/**
 * Text as it may stand in messages, logs and reports, which more people read than may watch the streams: addresses in
 * it lose user, password and query (signatures, tokens), and it is seen that they were there. Takes one address,
 * well-formed or not, or a sentence with several.
 *
 *     rtmp://user:pass@host/live/a?sign=1-2 → rtmp://…@host/live/a?…
 */
export function withoutSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1…@').replace(QUERY, '$1…');
}
