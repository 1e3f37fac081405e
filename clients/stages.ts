import type { SessionMeter } from '../core/player/session-meter.ts';
import type { Failure } from './reason.ts';
import type { Timeouts } from './viewer.ts';

/**
 * How far a viewer's connection has come, in order. From `GREETING` on there is a time limit for each, that the
 * viewer's sweep enforces; connecting itself is the connection's business.
 */
export type Stage = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
export const IDLE = 0;
/** Between two connections. */
export const BETWEEN = 1;
export const CONNECTING = 2;
/** The transport is open; the protocol's own handshake is not over (RTMP, WebSocket). */
export const GREETING = 3;
/** The question is on its way. */
export const ASKING = 4;
/** The answer has begun. */
export const ANSWERING = 5;
/** The answer is yes: media comes next. */
export const WAITING = 6;
/** Media comes, but nothing yet that a decoder could begin with. */
export const STARTING = 7;
export const FLOWING = 8;
export const ENDED = 9;

/** How long a stage may take; `FLOWING`: how long it may be silent. */
export function limitOf(stage: Stage, limits: Timeouts): number {
  switch (stage) {
    case GREETING:
      return limits.handshakeMs;
    case ASKING:
    case ANSWERING:
      return limits.firstByteMs;
    case WAITING:
      return limits.firstMediaMs;
    case STARTING:
      return limits.firstFrameMs;
    case FLOWING:
      return limits.silenceMs;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

/** What it means that a stage has taken longer than its limit. `heard`: bytes have come of late, if not what should have. */
export function describeOverdue(
  stage: Stage,
  limits: Timeouts,
  where: string,
  meter: SessionMeter,
  heard: boolean,
): Failure {
  const limitMs = limitOf(stage, limits);
  switch (stage) {
    case GREETING:
      return heard
        ? tooSlow(where, `did not finish the handshake within ${limitMs} ms`)
        : silent(where, limitMs);
    case ASKING:
      return silent(where, limitMs);
    case ANSWERING:
      return tooSlow(where, `began to answer and did not finish within ${limitMs} ms`);
    case WAITING:
      return {
        reason: 'no-media',
        detail: `${where} accepted the request and sent no audio or video within ${limitMs} ms; check that the stream is being published under this name`,
      };
    case STARTING:
      return noPicture(where, limitMs, meter);
    default:
      if (heard && meter.tagUnderWay) return tooSlow(where, `took more than ${limitMs} ms over one frame`);
      return {
        reason: 'no-media',
        detail: `${where} stopped sending: no audio or video for ${limitMs} ms; check the publisher and the network`,
      };
  }
}

function noPicture(where: string, limitMs: number, meter: SessionMeter): Failure {
  const within = `within ${limitMs} ms of the first media`;
  if (meter.keyPictureUnderWay) return tooSlow(where, `sent no complete key picture ${within}`);
  if (!meter.hasVideo && !meter.videoPromised) {
    return tooSlow(where, `sent little sound and no picture ${within}`);
  }
  const what = meter.hasVideo
    ? 'video, but no configuration and key picture to start with'
    : 'sound, but none of the pictures that its metadata promise';
  return {
    reason: 'no-key-frame',
    detail: `${where} sent ${what} ${within}; check the encoder's key-frame interval and codec`,
  };
}

function silent(where: string, limitMs: number): Failure {
  return {
    reason: 'first-byte-timeout',
    detail: `${where} accepted the connection and said nothing for ${limitMs} ms; check that this port serves this protocol and that the server is not overloaded`,
  };
}

function tooSlow(where: string, what: string): Failure {
  return { reason: 'too-slow', detail: `${where} ${what}; the network or the server is too slow` };
}
