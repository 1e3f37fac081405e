/** Against `ws`, the WebSocket server that most of Node uses: its frames and ours, each read by the other. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { closeFrame, controlFrame, OPCODE_PING, OPCODE_PONG } from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { checkUpgrade, upgradeFields, webSocketKey } from './handshake.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

/** Opens a socket, and shakes hands by what is in this folder. */
async function connected(): Promise<{ socket: net.Socket; server: WebSocket; rest: Buffer }> {
  // It would compress if it were offered.
  const servers = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: true });
  stops.push(() => {
    for (const client of servers.clients) client.terminate();
    servers.close();
  });
  await once(servers, 'listening');
  const connection = once(servers, 'connection');
  const socket = net.connect((servers.address() as AddressInfo).port, '127.0.0.1');
  stops.push(() => socket.destroy());
  const key = webSocketKey(Uint8Array.from({ length: 16 }, (_, i) => i * 15));
  const fields = Object.entries({ host: 'x', ...upgradeFields(key) });
  socket.write(`GET / HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  let received = Buffer.alloc(0);
  while (!received.includes('\r\n\r\n')) {
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    received = Buffer.concat([received, bytes]);
  }
  const headEnd = received.indexOf('\r\n\r\n');
  const [statusLine, ...lines] = received.subarray(0, headEnd).toString('latin1').split('\r\n');
  expect(statusLine).toContain(' 101 ');
  const headers = new Map(
    lines
      .map((line) => line.split(/: */, 2) as [string, string])
      .map(([name, value]) => [name.toLowerCase(), value]),
  );
  checkUpgrade(headers, { key, sha1: (bytes) => createHash('sha1').update(bytes).digest() });
  const [server] = (await connection) as [WebSocket];
  return { socket, server, rest: received.subarray(headEnd + 4) };
}

it('reads messages of every length form, fragments with pings between them, and the close', async () => {
  const { socket, server, rest } = await connected();
  const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 300_000];
  const messages: { kind: string; bytes: number[] }[] = [];
  const controls: string[] = [];
  const reader = new FrameReader({
    message: (kind) => messages.push({ kind, bytes: [] }),
    payload(bytes, start, end) {
      const { bytes: into } = messages.at(-1)!;
      for (let i = start; i < end; i++) into.push(bytes[i]!);
    },
    ping: (bytes, start, end) =>
      controls.push(`ping ${Buffer.from(bytes.slice(start, end))} in message ${messages.length}`),
    close: (code, reason) => controls.push(`close ${code} ${reason}`),
  });
  reader.push(rest);
  for (const size of sizes) server.send(Buffer.alloc(size, size % 251));
  server.send('grüße');
  server.send(Buffer.from('ab'), { binary: true, fin: false });
  server.ping('between');
  server.send(Buffer.from('cd'), { fin: false });
  server.send(Buffer.from('ef'), { fin: true });
  server.close(4321, 'that was all');
  for await (const bytes of socket) {
    reader.push(bytes as Buffer);
    if (reader.closed) break;
  }
  expect(messages.slice(0, sizes.length).map(({ kind, bytes }) => [kind, bytes.length])).toEqual(
    sizes.map((size) => ['binary', size]),
  );
  for (const { bytes } of messages.slice(0, sizes.length)) {
    expect(bytes.every((byte) => byte === bytes.length % 251)).toBe(true);
  }
  const [text, fragmented] = messages
    .slice(sizes.length)
    .map(({ kind, bytes }) => [kind, Buffer.from(bytes).toString()]);
  expect(text).toEqual(['text', 'grüße']);
  expect(fragmented).toEqual(['binary', 'abcdef']);
  expect(controls).toEqual([`ping between in message ${sizes.length + 2}`, 'close 4321 that was all']);
});

it('writes control frames that it understands', async () => {
  const { socket, server } = await connected();
  const heard: string[] = [];
  server.on('ping', (bytes) => heard.push(`ping ${bytes}`));
  server.on('pong', (bytes) => heard.push(`pong ${bytes}`));
  const closed = once(server, 'close') as Promise<[number, Buffer]>;
  const key = Uint8Array.of(1, 2, 3, 250);
  socket.resume();
  socket.write(controlFrame(OPCODE_PING, Buffer.from('are you there?'), key));
  socket.write(controlFrame(OPCODE_PONG, new Uint8Array(125).fill(0x61), key));
  socket.end(closeFrame(1000, key));
  expect((await closed)[0]).toBe(1000);
  expect(heard).toEqual(['ping are you there?', `pong ${'a'.repeat(125)}`]);
});
