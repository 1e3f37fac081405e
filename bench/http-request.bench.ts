import { type ChildProcess, fork } from 'node:child_process';
import net from 'node:net';
import zlib from 'node:zlib';
import { HttpConnections } from '../clients/http/http-connections.ts';
import type { HttpHandler } from '../clients/http/http-options.ts';
import { systemClock } from '../clients/system-clock.ts';

/**
 * What a request of the keep-alive client costs: CPU per request of a process whose viewers ask one after the other,
 * against one whose bare sockets send the same bytes and only count what comes, on the same server.
 *
 * Both get their turns in the same run, in processes of their own; only the ratio and the difference count.
 * The last lines are why short compressed content is decoded at once and not by a stream.
 */

const VIEWERS = 100;
const ROUNDS = 3;
/** Up here, because the roles are played before the module's end is reached. */
const shared = new Uint8Array(256 * 1024);

type Role = 'server' | 'bare' | 'client';
const [role, ...args] = process.argv.slice(2);
const roles: Record<Role, (...args: number[]) => Promise<number>> = {
  server: serve,
  bare: (port, bodyBytes, requests) => costOf(requests!, (done) => askBare(port!, bodyBytes!, done)),
  client: (port, _bodyBytes, requests) => costOf(requests!, (done) => askClient(port!, done)),
};

if (process.send && role !== undefined && role in roles) {
  process.send(await roles[role as Role](...args.map(Number)));
  if (role !== 'server') process.exit(0);
  process.once('disconnect', () => process.exit(0));
} else {
  await compare(1_000, 30_000);
  await compare(150_000, 2_000);
  await compareDecoding();
}

async function compare(bodyBytes: number, requests: number): Promise<void> {
  const { child, answer: port } = await run('server', bodyBytes);
  const pairs: [bare: number, client: number][] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const bare = (await run('bare', port, bodyBytes, requests)).answer;
    const client = (await run('client', port, bodyBytes, requests)).answer;
    pairs.push([bare, client]);
  }
  child.disconnect();
  const ratios = pairs.map(([bare, client]) => client / bare).sort((a, b) => a - b);
  const extra = pairs.map(([bare, client]) => client - bare).sort((a, b) => a - b);
  const middle = Math.floor(ROUNDS / 2);
  const [bare, client] = pairs.at(-1)!;
  process.stdout.write(
    `answers of ${bodyBytes} bytes: ${ratios[middle]!.toFixed(2)} × a bare loop of requests (${ratios.map((ratio) => ratio.toFixed(2)).join(' ')}), ${extra[middle]!.toFixed(1)} µs more per request (wanted ≤ 30); ${client.toFixed(1)} against ${bare.toFixed(1)} µs of CPU\n`,
  );
}

/** This file again as a child in another role; resolves with what it sends first. */
function run(role: Role, ...args: number[]): Promise<{ child: ChildProcess; answer: number }> {
  const child = fork(process.argv[1]!, [role, ...args.map(String)]);
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve({ child, answer: answer as number }));
    child.once('exit', (code) => reject(new Error(`the ${role} process ended (${code})`)));
  });
}

/** CPU in µs per request, after as many to warm up. */
async function costOf(requests: number, start: (done: () => boolean) => () => void): Promise<number> {
  const viewers: (() => void)[] = [];
  let toStart = 0;
  let toFinish = 0;
  let finished = (): void => {};
  /** One has been answered: whether its viewer is to ask once more. */
  const done = (): boolean => {
    if (--toFinish === 0) finished();
    return toStart-- > 0;
  };
  const ask = (count: number): Promise<void> =>
    new Promise((resolve) => {
      finished = resolve;
      toFinish = count;
      toStart = count - VIEWERS;
      for (const viewer of viewers) viewer();
    });
  while (viewers.length < VIEWERS) viewers.push(start(done));
  await ask(requests);
  const before = process.cpuUsage();
  await ask(requests);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

/** The question that the client sends, byte for byte. */
function question(port: number): Buffer {
  return Buffer.from(
    `GET /live/room-1/segment-000123.ts HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nuser-agent: streamgauge\r\naccept: */*\r\naccept-encoding: gzip, deflate, br\r\n\r\n`,
  );
}

/** Header and content of an answer as nginx gives it. */
function answerOf(bodyBytes: number): Buffer {
  const head = [
    'HTTP/1.1 200 OK',
    'Server: nginx/1.22.1',
    'Date: Mon, 23 Nov 2026 10:00:00 GMT',
    'Content-Type: video/mp2t',
    `Content-Length: ${bodyBytes}`,
    'Last-Modified: Mon, 23 Nov 2026 09:59:58 GMT',
    'Connection: keep-alive',
    'ETag: "6560f2ae-249f0"',
    'Cache-Control: max-age=10',
    'Access-Control-Allow-Origin: *',
    'Accept-Ranges: bytes',
  ].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), Buffer.alloc(bodyBytes, 0x47)]);
}

function askBare(port: number, bodyBytes: number, done: () => boolean): () => void {
  const answerBytes = answerOf(bodyBytes).length;
  const request = question(port);
  let left = 0;
  const socket = net.connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (bytes) => {
        left -= bytes;
        if (left === 0 && done()) ask();
        return true;
      },
    },
  });
  const ask = (): void => {
    left = answerBytes;
    socket.write(request);
  };
  return ask;
}

function askClient(port: number, done: () => boolean): () => void {
  const url = `http://127.0.0.1:${port}/live/room-1/segment-000123.ts`;
  const set = new HttpConnections({ clock: systemClock, url });
  let bytes = 0;
  const handler: HttpHandler = {
    head: ({ status }) => {
      if (status !== 200) throw new Error(`${status}`);
    },
    body: (_bytes, start, end) => {
      bytes += end - start;
    },
    end: () => {
      if (done()) ask();
    },
    failed: ({ detail }) => {
      throw new Error(`${detail} (${bytes})`);
    },
    threw: (error) => {
      throw error;
    },
  };
  const ask = (): void => {
    set.request({ url, what: 'segment' }, handler);
  };
  return ask;
}

/** Answers every request with the same; one that has come is 150 bytes and a line end twice. */
function serve(bodyBytes: number): Promise<number> {
  const answer = answerOf(bodyBytes);
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      if (bytes.subarray(-4).toString('latin1') === '\r\n\r\n') socket.write(answer);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port));
  });
}

async function compareDecoding(): Promise<void> {
  const lines = Array.from(
    { length: 60 },
    (_, i) => `#EXTINF:2.00000,\nroom-1/segment-${100_000 + i * 37}.ts\n`,
  );
  const gzip = zlib.gzipSync(`#EXTM3U\n#EXT-X-TARGETDURATION:2\n${lines.join('')}`);
  const times = 3_000;
  const atOnce = await cpuPer(times, async () => {
    zlib.gunzipSync(gzip, { maxOutputLength: 1_000_000 });
  });
  const streamed = await cpuPer(times, () => {
    const stream = zlib.createGunzip();
    return new Promise<void>((resolve) => {
      stream.on('data', () => {});
      stream.on('end', resolve);
      stream.end(gzip);
    });
  });
  process.stdout.write(
    `a playlist of ${gzip.length} bytes of gzip: ${(atOnce / streamed).toFixed(2)} × when decoded at once, of what a stream takes; ${atOnce.toFixed(0)} against ${streamed.toFixed(0)} µs of CPU\n`,
  );
}

async function cpuPer(times: number, once: () => Promise<void>): Promise<number> {
  for (let i = 0; i < times / 3; i++) await once();
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) await once();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}
