import { type PlayerProfile, playerProfiles } from '../../core/player/profile.ts';

/** What a WS-FLV run is told by `k6 run -e NAME=value`. */
export interface Settings {
  url: string;
  /** The URL without its query, which may hold a signature: what may be printed and written. */
  shown: string;
  /** `live/room-1` of `ws://host/live/room-1.flv`. */
  stream: string;
  vus: number;
  durationMs: number;
  player: PlayerProfile;
  firstFrameP95Ms: number;
  latencyP95Ms: number;
}

const example =
  'k6 run -e URL=ws://127.0.0.1:8000/live/room-1.flv -e VUS=10 -e DURATION=30s scenarios/k6/ws-flv.ts';

/**
 * Reads and checks the environment.
 * @throws Error with one sentence; thrown while k6 loads the script, so no viewer starts (exit code 107)
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const url = env['URL'] ?? '';
  if (url === '') throw new Error(`URL is missing: which stream? For example: ${example}`);
  // k6 has no URL class.
  const match = /^wss?:\/\/(?:[^/@?]*@)?([^/?]+)\/([^?]+?)\.flv(?:\?.*)?$/.exec(url);
  if (match === null)
    throw new Error(`URL must be ws://… or wss://… and end in .flv, for example: ${example}`);
  const [, host = '', stream = ''] = match;
  return {
    url,
    shown: `${url.slice(0, url.indexOf(':'))}://${host}/${stream}.flv`,
    stream,
    vus: positive(env['VUS'] ?? '1', 'VUS'),
    durationMs: duration(env['DURATION'] ?? '30s'),
    player: player(env['PLAYER'] ?? 'mpegts.js'),
    firstFrameP95Ms: positive(env['FIRST_FRAME_P95'] ?? '3000', 'FIRST_FRAME_P95'),
    latencyP95Ms: positive(env['LATENCY_P95'] ?? '5000', 'LATENCY_P95'),
  };
}

function positive(text: string, name: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value === 0)
    throw new Error(`${name} must be a whole number above 0, got "${text}".`);
  return value;
}

function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  if (match === null) throw new Error(`DURATION must look like 500ms, 30s or 5m, got "${text}".`);
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] as 'ms' | 's' | 'm' | 'h'];
  return Number(match[1]) * unitMs;
}

function player(name: string): PlayerProfile {
  const profile = Object.values(playerProfiles).find((one) => one.name === name);
  if (profile === undefined) {
    throw new Error(`PLAYER must be one of ${Object.keys(playerProfiles).join(', ')}, got "${name}".`);
  }
  return profile;
}
