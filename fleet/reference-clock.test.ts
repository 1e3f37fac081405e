import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { parseChronyTracking, readNtpAnswer, readReferenceClock } from './reference-clock.ts';

const NTP_TO_UNIX_S = 2_208_988_800;
let server: Socket | null = null;
afterEach(() => {
  server?.close();
  server = null;
});

/** An answer as a server would give it: its clock says `serverMs` both at the arrival and when it answers. */
function answerTo(question: Buffer, serverMs: number): Buffer {
  const answer = Buffer.alloc(48);
  answer[0] = 0x24;
  answer[1] = 2;
  answer.writeInt32BE(0.01 * 65536, 4);
  answer.writeUInt32BE(0.002 * 65536, 8);
  question.copy(answer, 24, 40, 48);
  for (const at of [32, 40]) {
    answer.writeUInt32BE(Math.floor(serverMs / 1000) + NTP_TO_UNIX_S, at);
    answer.writeUInt32BE(Math.floor(((serverMs % 1000) / 1000) * 2 ** 32), at + 4);
  }
  return answer;
}

const question = Buffer.alloc(48, 7);
const sentMs = 1_800_000_000_000;

test('an answer in the middle of 40 ms from a clock that is 500 ms behind', () => {
  const read = readNtpAnswer(question, answerTo(question, sentMs + 20 - 500), sentMs, sentMs + 40)!;
  expect(read.offsetMs).toBeCloseTo(500, 2);
  // Half of the way there and back, and what the server says of its own clock: 5 + 2 ms.
  expect(read.boundMs).toBeCloseTo(20 + 7, 1);
});

test.each<[string, (answer: Buffer) => void]>([
  ['of a server without time', (answer) => answer.writeUInt8(0xe4, 0)],
  ['of a server that says go away', (answer) => answer.writeUInt8(0, 1)],
  ['that is a question', (answer) => answer.writeUInt8(0x23, 0)],
  ['to another question', (answer) => answer.writeUInt8(1, 24)],
])('no answer: %s', (_, spoil) => {
  const answer = answerTo(question, sentMs);
  spoil(answer);
  expect(readNtpAnswer(question, answer, sentMs, sentMs)).toBeNull();
  expect(readNtpAnswer(question, answer.subarray(0, 47), sentMs, sentMs)).toBeNull();
});

test('a server is asked over UDP', async () => {
  const socket = createSocket('udp4');
  server = socket;
  socket.on('message', (asked, peer) => socket.send(answerTo(asked, sentMs - 250), peer.port));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const clock = { nowMs: () => 0, wallMs: () => sentMs };
  const read = await readReferenceClock(clock, `127.0.0.1:${socket.address().port}`);
  expect(read?.offsetMs).toBeCloseTo(250, 2);
  expect(read?.source).toMatch(/^NTP server 127\.0\.0\.1:\d+$/);
});

test('a server that does not answer leaves the clock unknown', async () => {
  const socket = createSocket('udp4');
  server = socket;
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const clock = { nowMs: () => 0, wallMs: () => sentMs };
  expect(await readReferenceClock(clock, `127.0.0.1:${socket.address().port}`)).toBeNull();
});

test('chrony tells its offset, root delay and root dispersion', () => {
  const line =
    'A9FEA97B,169.254.169.123,4,1700000000.1,0.000012,0.000001,0.000002,-1.5,0.0,0.02,0.000500,0.000250,16.1,Normal\n';
  const read = parseChronyTracking(line)!;
  expect(read.offsetMs).toBeCloseTo(0.012, 6);
  expect(read.boundMs).toBeCloseTo(0.5, 6);
  expect(parseChronyTracking(line.replace('Normal', 'Not synchronised'))).toBeNull();
  expect(parseChronyTracking('506 Cannot talk to daemon\n')).toBeNull();
});
