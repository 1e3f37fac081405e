import { ProtocolError } from '../media.ts';

/** What the handshake needs from outside of pure code. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array;

/** Section 1.3: joined to every key, so that nobody but a WebSocket server gives the right answer by accident. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Section 4.1: `Sec-WebSocket-Key` of 16 random bytes. */
export function webSocketKey(random: Uint8Array): string {
  return toBase64(random);
}

/** Section 4.2.2: the `Sec-WebSocket-Accept` that proves that the server has read this key. */
export function acceptOf(key: string, sha1: Sha1): string {
  return toBase64(sha1(new TextEncoder().encode(key + GUID)));
}

/** The header fields of a client's opening handshake, section 4.1. Extensions are not offered. */
export function upgradeFields(key: string): Readonly<Record<string, string>> {
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': key,
    'sec-websocket-version': '13',
  };
}

export interface Upgrade {
  /** `Sec-WebSocket-Key` of the request. */
  readonly key: string;
  /** `Sec-WebSocket-Protocol` of the request: a list, or nothing. */
  readonly subprotocols?: string | undefined;
  readonly sha1: Sha1;
}

/**
 * Checks the headers of a server's 101, section 4.1; names in lower case.
 * Throws a `ProtocolError`: `WS_UPGRADE`, `WS_ACCEPT`, `WS_EXTENSION` or `WS_SUBPROTOCOL`.
 */
export function checkUpgrade(
  headers: ReadonlyMap<string, string>,
  { key, subprotocols, sha1 }: Upgrade,
): void {
  const upgrade = headers.get('upgrade') ?? '';
  const connection = headers.get('connection') ?? '';
  if (upgrade.toLowerCase() !== 'websocket' || !tokens(connection.toLowerCase()).includes('upgrade')) {
    throw new ProtocolError(
      'WS_UPGRADE',
      `expected an upgrade to websocket, got Upgrade ${quoted(upgrade)} and Connection ${quoted(connection)}`,
    );
  }
  const accept = headers.get('sec-websocket-accept') ?? '';
  const expected = acceptOf(key, sha1);
  if (accept !== expected) {
    throw new ProtocolError(
      'WS_ACCEPT',
      `expected Sec-WebSocket-Accept ${quoted(expected)}, got ${quoted(accept)}`,
    );
  }
  const extensions = headers.get('sec-websocket-extensions') ?? '';
  if (extensions !== '') {
    throw new ProtocolError('WS_EXTENSION', `expected no WebSocket extension, got ${quoted(extensions)}`);
  }
  const subprotocol = headers.get('sec-websocket-protocol');
  if (subprotocol !== undefined && !tokens(subprotocols ?? '').includes(subprotocol)) {
    throw new ProtocolError(
      'WS_SUBPROTOCOL',
      `expected ${subprotocols === undefined ? 'no subprotocol' : `one of the subprotocols ${quoted(subprotocols)}`}, got ${quoted(subprotocol)}`,
    );
  }
}

function tokens(list: string): string[] {
  return list.split(',').map((token) => token.trim());
}

/** In a sentence: a server's text may be long. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
