import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import type { Clock } from '../core/clock.ts';
import type { ClockSummary } from '../metrics/summary.ts';

const CHRONY_LIMIT_MS = 2_000;
const NTP_LIMIT_MS = 1_500;
const NTP_QUESTIONS = 4;
const NTP_PORT = 123;
/** RFC 5905, 7.3: 48 bytes; version 4, mode 3 (client). */
const PACKET_BYTES = 48;
const CLIENT = 0x23;
/** From 1900 to 1970. */
const NTP_TO_UNIX_S = 2_208_988_800;

/**
 * How far this machine's clock is off, by an NTP server that is asked, or by chrony where it runs here.
 * @param ntp host, or host:port, of an NTP server; `null`: none is asked
 * @returns `null` where nobody knows; never rejects, and ends within seconds
 */
export async function readReferenceClock(clock: Clock, ntp: string | null): Promise<ClockSummary | null> {
  return ntp === null ? readChrony() : askNtp(clock, ntp);
}

function readChrony(): Promise<ClockSummary | null> {
  return new Promise((resolve) => {
    execFile('chronyc', ['-c', 'tracking'], { timeout: CHRONY_LIMIT_MS }, (error, output) =>
      resolve(error ? null : parseChronyTracking(output)),
    );
  });
}

/** `chronyc -c tracking`: fields 5, 11, 12 and 14 are offset, root delay, root dispersion (s) and leap status. */
export function parseChronyTracking(line: string): ClockSummary | null {
  const fields = line.trim().split(',');
  const [offset, delay, dispersion] = [fields[4], fields[10], fields[11]].map(Number);
  if (![offset, delay, dispersion].every(Number.isFinite) || fields[13] === 'Not synchronised') return null;
  return { offsetMs: offset! * 1000, boundMs: (delay! / 2 + dispersion!) * 1000, source: 'chrony' };
}

/** Asks a few times; the answer that came soonest is the best one. */
async function askNtp(clock: Clock, server: string): Promise<ClockSummary | null> {
  let best: ClockSummary | null = null;
  for (let question = 0; question < NTP_QUESTIONS; question++) {
    const answer = await askOnce(clock, server);
    // A server that does not answer will not the next time either.
    if (answer === null) break;
    if (best === null || answer.boundMs < best.boundMs) best = answer;
  }
  return best;
}

function askOnce(clock: Clock, server: string): Promise<ClockSummary | null> {
  const [, host = server, port = NTP_PORT] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(server) ?? [];
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const finish = (answer: ClockSummary | null): void => {
      clearTimeout(limit);
      socket.close();
      resolve(answer);
    };
    const limit = setTimeout(() => finish(null), NTP_LIMIT_MS);
    const question = Buffer.alloc(PACKET_BYTES);
    question[0] = CLIENT;
    const sentMs = clock.wallMs();
    writeTimestamp(question, 40, sentMs);
    socket.on('error', () => finish(null));
    socket.on('message', (answer) => {
      const read = readNtpAnswer(question, answer, sentMs, clock.wallMs());
      // Anybody can send to this port: what does not answer this question is passed over.
      if (read !== null) finish({ ...read, source: `NTP server ${server}` });
    });
    socket.send(question, Number(port), host, (error) => {
      if (error) finish(null);
    });
  });
}

/**
 * RFC 5905, 8: offset and bound of an answer; `null` where it is none to this question, or of a server that has no time.
 * @param sentMs when the question left, by this machine's clock; `receivedMs`: when the answer came
 */
export function readNtpAnswer(
  question: Buffer,
  answer: Buffer,
  sentMs: number,
  receivedMs: number,
): { offsetMs: number; boundMs: number } | null {
  if (answer.length < PACKET_BYTES) return null;
  const [first = 0, stratum = 0] = answer;
  const [leap, mode] = [first >> 6, first & 7];
  if (mode !== 4 || leap === 3 || stratum === 0 || stratum > 15) return null;
  // The origin timestamp is the question's transmit timestamp.
  if (!answer.subarray(24, 32).equals(question.subarray(40, 48))) return null;
  const [arrivedMs, leftMs] = [readTimestamp(answer, 32), readTimestamp(answer, 40)];
  const rootMs = (answer.readInt32BE(4) / 2 + answer.readUInt32BE(8)) / 65.536;
  const delayMs = receivedMs - sentMs - (leftMs - arrivedMs);
  return {
    // The other way round than in the RFC: how far this clock is ahead.
    offsetMs: -(arrivedMs - sentMs + (leftMs - receivedMs)) / 2,
    boundMs: Math.max(0, delayMs) / 2 + rootMs,
  };
}

function writeTimestamp(packet: Buffer, at: number, wallMs: number): void {
  const seconds = wallMs / 1000 + NTP_TO_UNIX_S;
  packet.writeUInt32BE(Math.floor(seconds) >>> 0, at);
  packet.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32) >>> 0, at + 4);
}

function readTimestamp(packet: Buffer, at: number): number {
  return (packet.readUInt32BE(at) - NTP_TO_UNIX_S) * 1000 + (packet.readUInt32BE(at + 4) * 1000) / 2 ** 32;
}
