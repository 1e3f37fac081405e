/**
 * What publishing replayed streams costs: CPU of a process that publishes N stamped streams, over RTMP and by HTTP-FLV
 * POST, to a server in another process that throws everything away; against a bare loop that writes the same bytes at
 * the same times to as many sockets. STREAMS and KBITS change the size (default: 1,000 streams of 300 kbit/s).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import net, { type AddressInfo } from 'node:net';
import { createPublisher } from '../clients/create-publisher.ts';
import { type Recording, readRecording } from '../clients/sources/recording.ts';
import { RecordingSource } from '../clients/sources/recording-source.ts';
import { TimeWheel } from '../clients/sources/time-wheel.ts';
import { systemClock } from '../clients/system-clock.ts';
import { RtmpServerSession } from '../core/rtmp/server-session.ts';
import { runFfmpeg } from '../tests/kit/run-tool.ts';
import { record } from './results.ts';

const streams = Number(process.env['STREAMS'] ?? 1_000);
const kbits = Number(process.env['KBITS'] ?? 300);
const measureMs = Number(process.env['MEASURE_MS'] ?? 15_000);
const warmUpMs = 4_000;
const gopMs = 2_000;
const frameMs = 40;
const audioKbits = 64;

/** A server that permits what is asked, in RTMP or HTTP, and throws away what then comes, as cheaply as Node can. */
function serve(): void {
  const buffer = Buffer.alloc(1024 * 1024);
  const server = net.createServer({ pauseOnConnect: true }, (paused) => {
    let session: RtmpServerSession | null = null;
    let discards = false;
    // The one way to read into one buffer: a socket made anew on the handle of the accepted one.
    const socket = new net.Socket({
      handle: (paused as unknown as { _handle: unknown })._handle,
      onread: {
        buffer,
        callback: (bytes: number) => {
          if (!discards) greet(buffer.subarray(0, bytes));
          return true;
        },
      },
    } as unknown as net.SocketConstructorOpts);
    socket.on('error', () => {});
    const greet = (bytes: Buffer): void => {
      // C0 of RTMP is 3; HTTP begins with P, and the bare loop with 0.
      if (session === null && bytes[0] !== 3) {
        discards = true;
        if (bytes[0] === 0x50) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
        return;
      }
      session ??= new RtmpServerSession({
        headBytes: 0,
        random: (count) => randomBytes(count),
        write: (pieces) => {
          for (const piece of pieces) socket.write(Buffer.from(piece));
        },
        event: ({ kind }) => {
          if (kind !== 'ended') session?.accept();
          if (kind === 'publish') discards = true;
        },
      });
      session.receive(bytes);
    };
    socket.resume();
  });
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
    process.send?.((server.address() as AddressInfo).port),
  );
  process.on('disconnect', () => process.exit());
}

const sleep = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms));

/** Share of one core that this process takes over `measureMs`. */
async function measureCpu(): Promise<number> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  await sleep(measureMs);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / (performance.now() - startMs);
}

interface Figures {
  readonly cpu: number;
  /** Of each stream. */
  readonly bps: number;
  readonly fps: number;
  /** How late frames leave after they were due: one sample per stream and second. */
  readonly lateP99Ms: number;
}

async function publish(scheme: 'rtmp' | 'http', port: number, recording: Recording): Promise<Figures> {
  const wheel = new TimeWheel(systemClock);
  const suffix = scheme === 'http' ? '.flv' : '';
  let sentBits = 0;
  let frames = 0;
  const late: number[] = [];
  const ignore = (): void => {};
  const all = Array.from({ length: streams }, (_, index) =>
    createPublisher({
      url: `${scheme}://127.0.0.1:${port}/live/bench-${index}${suffix}`,
      clock: systemClock,
      source: new RecordingSource({ recording, publisher: index + 1, clock: systemClock, wheel }),
      observer: {
        connected: ignore,
        retrying: ({ detail }) => process.stdout.write(`${detail}\n`),
        reconnected: ignore,
        second: (second) => {
          sentBits += second.sentBps;
          frames += second.fps;
          if (second.queueMs !== null) late.push(second.queueMs);
        },
        ended: ignore,
      },
    }),
  );
  const sweep = (): void => {
    const nowMs = systemClock.nowMs();
    for (const publisher of all) publisher.sweep(nowMs);
  };
  // As the fleet does it: begun over a group of pictures, so that key frames do not leave together.
  const startMs = performance.now();
  for (const [index, publisher] of all.entries()) {
    const waitMs = startMs + (index * gopMs) / streams - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    publisher.start();
  }
  await sleep(warmUpMs);
  sweep();
  sentBits = 0;
  frames = 0;
  late.length = 0;
  let sweeps = 0;
  const sweeper = setInterval(() => {
    sweeps += 1;
    sweep();
  }, 1_000);
  const cpu = await measureCpu();
  clearInterval(sweeper);
  late.sort((a, b) => a - b);
  const figures = {
    cpu,
    bps: sentBits / sweeps / streams,
    fps: frames / sweeps / streams,
    lateP99Ms: late[Math.floor(late.length * 0.99)] ?? Number.NaN,
  };
  await Promise.all(all.map((publisher) => publisher.stop()));
  return figures;
}

/** As often as a stream has a picture to send, and as much; spread over the time between two pictures. */
async function bareWrites(port: number, bps: number): Promise<number> {
  const sockets = await Promise.all(
    Array.from(
      { length: streams },
      () =>
        new Promise<net.Socket>((resolve) => {
          const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
          socket.on('error', () => {});
        }),
    ),
  );
  const stepMs = 5;
  const steps = frameMs / stepMs;
  const piece = Buffer.alloc(Math.round((bps * frameMs) / 8_000));
  let step = 0;
  let written = 0;
  const startMs = performance.now();
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - startMs) / stepMs);
    for (; step < due; step++)
      for (let index = step % steps; index < sockets.length; index += steps) {
        sockets[index]?.write(piece);
        written += piece.length;
      }
  }, stepMs);
  await sleep(warmUpMs);
  const cpu = await measureCpu();
  clearInterval(timer);
  if (written === 0) throw new Error('the bare loop wrote nothing');
  for (const socket of sockets) socket.destroy();
  return cpu;
}

async function main(): Promise<void> {
  const videoKbits = kbits - audioKbits;
  const flv = await runFfmpeg(
    `-f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine=f=440:r=48000 -t 8 -c:v libx264 -preset veryfast -tune zerolatency -b:v ${videoKbits}k -maxrate ${videoKbits}k -bufsize ${videoKbits}k -x264-params keyint=50:scenecut=0 -pix_fmt yuv420p -c:a aac -b:a ${audioKbits}k -ac 2 -f flv -`.split(
      ' ',
    ),
  );
  const recording = readRecording(flv, 'test card');
  const server: ChildProcess = fork(process.argv[1]!, ['serve'], { execArgv: [] });
  const port = await new Promise<number>((resolve) =>
    server.once('message', (message) => resolve(Number(message))),
  );
  const rows: [string, Figures][] = [
    ['RTMP', await publish('rtmp', port, recording)],
    ['HTTP-FLV POST', await publish('http', port, recording)],
  ];
  const bare = await bareWrites(port, rows[0]![1].bps);
  server.kill();
  const where = 'discards everything';
  for (const [name, { cpu, bps, fps, lateP99Ms }] of rows) {
    process.stdout.write(
      `${name}: ${Math.round(bps / 1_000)} kbit/s and ${fps.toFixed(1)} fps each, ${(cpu / bare).toFixed(2)} × the bare loop\n`,
    );
    const what = `${name} publisher, ${streams} stamped streams of ${kbits} kbit/s`;
    const promised = streams === 1_000 && kbits === 300 ? { atMost: 1 } : {};
    record({ what, server: where, value: cpu, unit: 'cores', ...promised });
    record({ what: `${what}, lateness p99`, server: where, value: lateP99Ms, unit: 'ms' });
  }
  record({
    what: `bare socket.write of as much, ${streams} sockets`,
    server: where,
    value: bare,
    unit: 'cores',
  });
}

if (process.argv[2] === 'serve') serve();
else await main();
