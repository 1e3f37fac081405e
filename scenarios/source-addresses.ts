/**
 * Addresses of this machine to connect from: `127.0.0.2`, `127.0.0.2-127.0.0.9`, `10.0.7.0/28`, `2001:db8::5`. Of a
 * block its first and last address are left out (network and broadcast), but of blocks of one or two.
 */

/** More would be no laboratory's; and a /8 is a slip of the finger. */
export const MAX_SOURCE_ADDRESSES = 4_096;

/** The message is one sentence for a person. */
export class SourceAddressError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SourceAddressError';
  }
}

/** All addresses, in order, each once. Throws `SourceAddressError`. */
export function expandSourceAddresses(texts: readonly string[]): string[] {
  const addresses = new Set<string>();
  for (const text of texts) {
    for (const address of expand(text.trim())) addresses.add(address);
    if (addresses.size > MAX_SOURCE_ADDRESSES) throw tooMany(text, addresses.size);
  }
  return [...addresses];
}

function expand(text: string): string[] {
  const [, from = '', to] = /^([\d.]+)\s*-\s*([\d.]+)$/.exec(text) ?? [];
  if (to !== undefined) return range(text, numberOf(text, from), numberOf(text, to));
  const [, base = '', bits] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  if (bits !== undefined) return block(text, numberOf(text, base), Number(bits));
  // What an IPv6 address may look like is for the system to say, when it is bound to.
  if (/^[0-9a-f:.]*:[0-9a-f:.]*$/i.test(text)) return [text];
  return [addressOf(numberOf(text, text))];
}

function range(text: string, first: number, last: number): string[] {
  if (last < first)
    throw new SourceAddressError(`"${text}" ends before it begins; write the lower address first`);
  const count = last - first + 1;
  if (count > MAX_SOURCE_ADDRESSES) throw tooMany(text, count);
  return Array.from({ length: count }, (_, n) => addressOf(first + n));
}

function block(text: string, base: number, bits: number): string[] {
  if (bits > 32) throw new SourceAddressError(`"${text}": a block of addresses is /0 to /32`);
  const count = 2 ** (32 - bits);
  if (count > MAX_SOURCE_ADDRESSES) throw tooMany(text, count);
  const first = base - (base % count);
  return count <= 2 ? range(text, first, first + count - 1) : range(text, first + 1, first + count - 2);
}

function tooMany(text: string, count: number): SourceAddressError {
  return new SourceAddressError(
    `"${text}" makes it ${count} source addresses; ${MAX_SOURCE_ADDRESSES} are the most`,
  );
}

function numberOf(text: string, address: string): number {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    throw new SourceAddressError(
      `"${text}" is no address of this machine; write 10.0.0.2, 10.0.0.2-10.0.0.9 or 10.0.0.0/28`,
    );
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function addressOf(number: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(number / unit) % 256).join('.');
}
