import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { Batch } from './batch.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const undo of cleanUp.splice(0)) undo();
});

/** Around each border of the WebSocket length forms, and one that is large. */
const messages = [0, 1, 125, 126, 65_535, 65_536, 300_000].map((bytes, i) => Buffer.alloc(bytes, i));

it('is the messages one after the other, made once', () => {
  const batch = new Batch(messages);
  expect(batch.joined.equals(Buffer.concat(messages))).toBe(true);
  expect(batch.joined).toBe(batch.joined);
  expect(batch.bytes).toBe(batch.joined.length);
  // A single message is not copied.
  expect(new Batch([messages[3]!]).joined).toBe(messages[3]);
});

it('is one chunk that an HTTP client reads as the same bytes', async () => {
  const batch = new Batch(messages);
  const server = net.createServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    socket.end(Buffer.concat([batch.httpChunk, Buffer.from('0\r\n\r\n')]));
  });
  cleanUp.push(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const request = http.get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const received = Buffer.concat(await response.toArray());
  expect(response.complete).toBe(true);
  expect(received.equals(batch.joined)).toBe(true);
});

it('is frames that a WebSocket client reads as one message each', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket, request) => {
    request.socket.write(new Batch(messages).webSocketFrames);
    socket.close(1000);
  });
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const received: Buffer[] = [];
  client.on('message', (bytes: Buffer, isBinary: boolean) =>
    received.push(isBinary ? bytes : Buffer.alloc(0)),
  );
  const [code] = await once(client, 'close');
  cleanUp.push(() => server.close());
  expect(code).toBe(1000);
  expect(received.map(({ length }) => length)).toEqual(messages.map(({ length }) => length));
  expect(Buffer.concat(received).equals(Buffer.concat(messages))).toBe(true);
});
