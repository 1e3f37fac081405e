import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../media.ts';
import { ClientHandshake, ServerHandshake } from './handshake.ts';

/** Says what was written so far, as one run of bytes. */
function wire(): { write(pieces: Uint8Array[]): void; bytes(): Uint8Array } {
  const written: Uint8Array[] = [];
  return { write: (pieces) => written.push(...pieces), bytes: () => new Uint8Array(Buffer.concat(written)) };
}

const random = (seed: number) => (bytes: number) =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * seed) & 0xff);
const PACKET = 1536;

describe('handshake', () => {
  it('writes version, time 0, no digest version and 1,528 random bytes as C0 and C1', () => {
    const sent = wire();
    new ClientHandshake(random(7), sent.write);
    expect(sent.bytes()).toEqual(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0, ...random(7)(1528)));
  });

  it('is done for both sides when they are connected, however the bytes are cut', () => {
    for (const pieceBytes of [1, 2, 500, 1536, 1537, 3073]) {
      const [fromClient, fromServer] = [wire(), wire()];
      const server = new ServerHandshake(random(11), fromServer.write);
      const client = new ClientHandshake(random(7), fromClient.write);
      let [clientRead, serverRead] = [0, 0];
      while (!client.done || !server.done) {
        const up = fromClient.bytes().subarray(serverRead);
        serverRead += server.receive(up, 0, Math.min(pieceBytes, up.length));
        const down = fromServer.bytes().subarray(clientRead);
        clientRead += client.receive(down, 0, Math.min(pieceBytes, down.length));
      }
      expect([clientRead, serverRead]).toEqual([1 + 2 * PACKET, 1 + 2 * PACKET]);
      // Each echoes what the other sent: S2 is C1, C2 is S1.
      const [up, down] = [fromClient.bytes(), fromServer.bytes()];
      expect(down.subarray(1 + PACKET)).toEqual(up.subarray(1, 1 + PACKET));
      expect(up.subarray(1 + PACKET)).toEqual(down.subarray(1, 1 + PACKET));
      expect([up.length, down.length]).toEqual([1 + 2 * PACKET, 1 + 2 * PACKET]);
    }
  });

  it('takes only its own bytes, wherever the first push after it ends', () => {
    const all = new Uint8Array(1 + 2 * PACKET + 5).fill(3);
    for (let cut = 0; cut <= all.length; cut++) {
      const client = new ClientHandshake(random(1), () => {});
      const first = client.receive(all, 0, cut);
      expect(first).toBe(Math.min(cut, 1 + 2 * PACKET));
      expect(first + client.receive(all, first, all.length)).toBe(1 + 2 * PACKET);
      expect(client.done).toBe(true);
      expect(client.receive(all, 0, 5)).toBe(0);
    }
  });

  it('accepts an S2 that is no echo: digest servers and others send what they like', () => {
    const client = new ClientHandshake(random(1), () => {});
    client.receive(Uint8Array.of(3, ...random(5)(2 * PACKET)), 0, 1 + 2 * PACKET);
    expect(client.done).toBe(true);
  });

  it.each([
    [
      'an HTTP server',
      'H'.charCodeAt(0),
      'expected RTMP version 3, got 72 ("H"): the peer does not speak RTMP',
    ],
    ['RTMPE', 6, 'expected RTMP version 3, got 6: the peer does not speak RTMP'],
  ])('refuses %s by the first byte', (_, version, message) => {
    const refused = new ProtocolError('RTMP_VERSION', message);
    const client = new ClientHandshake(random(1), () => {});
    expect(() => client.receive(Uint8Array.of(version), 0, 1)).toThrow(refused);
    const server = new ServerHandshake(random(1), () => {});
    expect(() => server.receive(Uint8Array.of(version), 0, 1)).toThrow(refused);
  });
});
