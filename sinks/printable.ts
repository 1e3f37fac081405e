/** White space apart, control characters; then marks that reverse the order of what follows, halves of characters, and non-characters. */
const unseen = /(?![\t\n\r])\p{Cc}|\p{Bidi_Control}|\p{Cs}|[\ufffe\uffff]/gu;

/**
 * Text from outside without characters that nobody sees but that change what is seen, or that XML cannot hold. Each
 * becomes U+FFFD, so that the reader knows that something was there.
 */
export function printable(text: string): string {
  return text.replace(unseen, '\ufffd');
}
