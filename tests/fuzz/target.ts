import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { AccessUnitSink } from '../../core/access-unit.ts';
import { TraceError } from '../../core/link/trace-file.ts';
import { ProtocolError } from '../../core/media.ts';

/**
 * One parser under fire. `run` gives it the bytes; it may refuse them by a `ProtocolError` and by nothing else. What must
 * not depend on how the bytes are cut into reads is said in `run` by comparing two ways.
 */
export interface FuzzTarget {
  /** Words of the format, put into inputs. */
  readonly words?: readonly string[];
  readonly seeds: () => readonly Uint8Array[];
  readonly run: (bytes: Uint8Array) => void;
}

export const HEAD_BYTES = 200;
const MAX_SEED_BYTES = 6_000;

/** Files of a fixtures folder, cut to where they still have everything that is worth changing. */
export function fixtures(folder: string, pattern: RegExp): () => Uint8Array[] {
  // Bundled into a cache folder, and run from the repository's top.
  const from = path.join(process.env['STREAMGAUGE_ROOT'] ?? process.cwd(), folder);
  return () =>
    readdirSync(from)
      .filter((name) => pattern.test(name))
      .map((name) => new Uint8Array(readFileSync(path.join(from, name))).subarray(0, MAX_SEED_BYTES));
}

export const text = (...texts: string[]): Uint8Array[] => texts.map((each) => new TextEncoder().encode(each));

/** Gives the bytes whole, and cut in three at places that the bytes themselves choose; what is told must be the same. */
export function evenIfCut(
  bytes: Uint8Array,
  give: (bytes: Uint8Array, cuts: readonly number[]) => string,
): void {
  const whole = give(bytes, []);
  const first = bytes.length === 0 ? 0 : (bytes[0]! * 257 + bytes.length) % (bytes.length + 1);
  const second = bytes.length === 0 ? 0 : (bytes[bytes.length - 1]! * 263 + 7) % (bytes.length + 1);
  const cut = give(bytes, [Math.min(first, second), Math.max(first, second)]);
  if (cut !== whole) throw new Error(`cut in pieces it comes to something else:\n${cut}\nwhole:\n${whole}`);
}

/** Pushes the pieces; the code of a refusal is one more line of what was told. */
export function pushAll(
  bytes: Uint8Array,
  cuts: readonly number[],
  push: (start: number, end: number) => void,
): string {
  try {
    let start = 0;
    for (const end of [...cuts, bytes.length]) {
      push(start, end);
      start = end;
    }
    return 'taken';
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

/** The error that is no crash. */
export function refusing(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof TraceError)) throw error;
  }
}

export function unitLog(lines: string[]): AccessUnitSink {
  return {
    tracks(tracks) {
      lines.push(tracks.map(({ id, codec }) => `${id} ${codec}`).join());
    },
    head(track, ptsMs, dtsMs, key, bytes, start, end) {
      if (!Number.isFinite(ptsMs) || !Number.isFinite(dtsMs)) throw new Error(`bad times ${ptsMs} ${dtsMs}`);
      if (start < 0 || end < start || end > bytes.length || end - start > HEAD_BYTES)
        throw new Error('bad head');
      lines.push(`${track.id} ${ptsMs} ${dtsMs} ${key} ${end - start}`);
    },
    end(track, unitBytes) {
      lines.push(`${track.id} end ${unitBytes}`);
    },
  };
}
