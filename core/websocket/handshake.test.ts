import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { errorCode } from '../../tests/kit/error-code.ts';
import { acceptOf, checkUpgrade, upgradeFields, webSocketKey } from './handshake.ts';

const sha1 = (bytes: Uint8Array): Uint8Array => createHash('sha1').update(bytes).digest();
// RFC 6455, section 1.3.
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

const good = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-accept': accept };
const check = (headers: Record<string, string>, subprotocols?: string): void =>
  checkUpgrade(new Map(Object.entries(headers)), { key, subprotocols, sha1 });

describe('the opening handshake', () => {
  it('makes of a key what RFC 6455 makes of it', () => {
    expect(acceptOf(key, sha1)).toBe(accept);
    // Section 4.1, with erratum 4402.
    expect(webSocketKey(Uint8Array.from({ length: 16 }, (_, i) => i + 1))).toBe('AQIDBAUGBwgJCgsMDQ4PEA==');
    expect(upgradeFields(key)).toEqual({
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': key,
      'sec-websocket-version': '13',
    });
  });

  it.each([
    [good],
    [{ ...good, upgrade: 'WebSocket', connection: 'keep-alive, upgrade' }],
    [{ ...good, 'sec-websocket-extensions': '' }],
    [{ ...good, 'sec-websocket-protocol': 'flv' }, 'publisher, flv'],
  ])('accepts %j', (headers, subprotocols?: string) => {
    expect(() => check(headers, subprotocols)).not.toThrow();
  });

  it.each([
    ['WS_UPGRADE', { ...good, upgrade: 'h2c' }],
    ['WS_UPGRADE', { ...good, connection: 'close' }],
    ['WS_UPGRADE', { 'sec-websocket-accept': accept }],
    ['WS_ACCEPT', { ...good, 'sec-websocket-accept': accept.toLowerCase() }],
    ['WS_ACCEPT', { upgrade: 'websocket', connection: 'Upgrade' }],
    ['WS_EXTENSION', { ...good, 'sec-websocket-extensions': 'permessage-deflate' }],
    ['WS_SUBPROTOCOL', { ...good, 'sec-websocket-protocol': 'flv' }],
    ['WS_SUBPROTOCOL', { ...good, 'sec-websocket-protocol': 'other' }, 'flv'],
  ])('refuses with %s %j', (code, headers, subprotocols?: string) => {
    expect(errorCode(() => check(headers as unknown as Record<string, string>, subprotocols))).toBe(code);
  });

  it("repeats no more of a server's text than a sentence holds", () => {
    const long = { ...good, upgrade: 'x'.repeat(10_000) };
    expect(() => check(long)).toThrow(/^.{1,200}$/);
  });
});
