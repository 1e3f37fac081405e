import type { Socket } from 'node:net';
import { type ScriptedServer, startSocketServer } from './scripted-server.ts';

/**
 * Servers as a test suite meets them in the wild: each goes wrong in one way. All listen on loopback on a free port and
 * speak no protocol properly, so `url` is `host:port` only.
 */

/** Accepts and says nothing, for ever. */
export const startSilentServer = (): Promise<ScriptedServer> =>
  startSocketServer((socket) => socket.resume());

/** Accepts, waits for the first bytes, and closes without a word. */
export const startMuteServer = (): Promise<ScriptedServer> =>
  startSocketServer((socket) => socket.once('data', () => socket.end()));

/** Resets the connection at the first bytes. */
export const startResettingServer = (): Promise<ScriptedServer> =>
  startSocketServer((socket) => socket.once('data', () => socket.resetAndDestroy()));

/** Answers with bytes that belong to no protocol, and goes on with them. */
export function startGarbageServer(): Promise<ScriptedServer> {
  return startSocketServer((socket) => {
    // Not random: a test that fails must fail again.
    const noise = Uint8Array.from({ length: 8_192 }, (_, i) => (i * 167 + 41) & 255);
    socket.write(noise);
  });
}

/** Another protocol answers on this port: SSH. */
export function startSshServer(): Promise<ScriptedServer> {
  return startSocketServer((socket) => {
    socket.write('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n');
  });
}

/** Answers each request with the same bytes; then closes, or keeps the connection open. */
export function startCannedServer(
  answer: string | Uint8Array,
  after: 'close' | 'keep' = 'close',
): Promise<ScriptedServer> {
  return startSocketServer((socket) =>
    onRequest(socket, () => {
      socket.write(answer);
      if (after === 'close') socket.end();
    }),
  );
}

/** HTTP with a status, headers and a short body. */
export function startStatusServer(
  status: number,
  reason: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<ScriptedServer> {
  const fields = Object.entries({ 'content-length': String(Buffer.byteLength(body)), ...headers });
  return startCannedServer(
    `HTTP/1.1 ${status} ${reason}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  );
}

/** Slow-loris from the server's side: drips `bytes` one by one, whenever `drip` of the result is called. */
export async function startDrippingServer(
  bytes: Uint8Array,
): Promise<ScriptedServer & { drip(count: number): void }> {
  const open: { socket: Socket; at: number }[] = [];
  const server = await startSocketServer((socket) => {
    open.push({ socket, at: 0 });
  });
  return Object.assign(server, {
    drip(count: number) {
      for (const one of open) {
        one.socket.write(bytes.subarray(one.at, one.at + count));
        one.at += count;
      }
    },
  });
}

/** Calls `answer` with the header of the first request, once it is complete. */
export function onRequest(socket: Socket, answer: (request: string) => void): void {
  let request = '';
  socket.on('data', (bytes) => {
    if (request.includes('\r\n\r\n')) return;
    request += bytes.toString('latin1');
    if (request.includes('\r\n\r\n')) answer(request);
  });
}
