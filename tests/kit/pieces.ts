/**
 * Every way in which a parser is fed a recording: whole, byte by byte, and cut in two at every offset.
 * Each is a list of the ends of the pieces.
 */
export function* everyWayToCut(length: number): Generator<readonly number[]> {
  yield [length];
  yield Array.from({ length }, (_, index) => index + 1);
  for (let cut = 1; cut < length; cut++) yield [cut, length];
}

/**
 * Feeds `bytes` to `push` in pieces with those ends. Each piece is a copy in a buffer of its own that is spoiled
 * afterwards, so that a parser which keeps what it was lent is found out.
 */
export function pushPieces(
  bytes: Uint8Array,
  ends: readonly number[],
  push: (bytes: Uint8Array, start: number, end: number) => void,
): void {
  const margin = 3;
  let start = 0;
  for (const end of ends) {
    const piece = new Uint8Array(end - start + 2 * margin).fill(0xee);
    piece.set(bytes.subarray(start, end), margin);
    push(piece, margin, margin + end - start);
    piece.fill(0xee);
    start = end;
  }
}
