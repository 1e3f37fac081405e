import { expect } from 'vitest';
import type { AccessUnitSink, MediaTrack } from '../../core/access-unit.ts';

export interface SeenUnit {
  readonly track: MediaTrack;
  readonly ptsMs: number;
  readonly dtsMs: number;
  readonly key: boolean;
  readonly head: Uint8Array;
  /** −1 until its end has come. */
  bytes: number;
}

/** Keeps the access units that a demuxer hands on, and insists on head, end, head, end … of each track. */
export class UnitCollector implements AccessUnitSink {
  readonly descriptions: (readonly MediaTrack[])[] = [];
  readonly units: SeenUnit[] = [];
  readonly #open = new Map<MediaTrack, SeenUnit>();

  tracks(tracks: readonly MediaTrack[]): void {
    this.descriptions.push(tracks);
  }

  head(
    track: MediaTrack,
    ptsMs: number,
    dtsMs: number,
    key: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    // Thrown by hand: fuzz tests come here a million times.
    if (this.#open.has(track)) throw new Error('a head before the end of the one before');
    if (!this.descriptions.at(-1)?.includes(track)) throw new Error('a head of a track that was not told');
    const unit = { track, ptsMs, dtsMs, key, head: Uint8Array.from(bytes.subarray(start, end)), bytes: -1 };
    this.#open.set(track, unit);
    this.units.push(unit);
  }

  end(track: MediaTrack, unitBytes: number): void {
    const unit = this.#open.get(track);
    if (unit === undefined) throw new Error('an end without a head');
    unit.bytes = unitBytes;
    this.#open.delete(track);
  }

  ofKind(kind: 'video' | 'audio'): SeenUnit[] {
    return this.units.filter(({ track }) => track.kind === kind);
  }
}

/** One number for all that a sink is told: comparing thousands of readings stays fast. */
export class UnitDigest implements AccessUnitSink {
  value = 0x811c9dc5;

  add(number: number): void {
    this.value = Math.imul(this.value ^ number, 0x01000193);
  }

  tracks(tracks: readonly MediaTrack[]): void {
    for (const { id } of tracks) this.add(id);
  }

  head(
    track: MediaTrack,
    ptsMs: number,
    dtsMs: number,
    key: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.add(track.id);
    this.add(ptsMs * 90);
    this.add(dtsMs * 90);
    this.add(key ? 1 : 0);
    this.add(end - start);
    // Enough of each head to know it again.
    for (let i = start; i < end; i += 1 + ((end - start) >> 6)) this.add(bytes[i]!);
  }

  end(track: MediaTrack, unitBytes: number): void {
    this.add(track.id);
    this.add(unitBytes);
  }
}

/** What ffprobe's `-show_packets` says of one packet. */
export interface ProbedPacket {
  readonly codec_type: string;
  readonly pts_time: string;
  readonly dts_time: string;
  readonly size: string;
  readonly flags: string;
}

/** Units in the form of `packetRows`, so that the two can be compared. */
export function unitRows(units: readonly SeenUnit[]): object[] {
  return units.map(({ track, ptsMs, dtsMs, key, bytes }) => {
    return { kind: track.kind, ptsMs, dtsMs, key, bytes };
  });
}

/** What ffprobe says of one kind, with room for its rounding; `shiftMs` is added to its times. */
export function packetRows(packets: readonly ProbedPacket[], kind: 'video' | 'audio', shiftMs = 0): object[] {
  // It counts audio frames within a TS packet in whole ticks, rounded down: up to 0.2 ms at 44,100 Hz.
  const digits = kind === 'audio' ? 0 : 1;
  const close = (seconds: string) => expect.closeTo(Number(seconds) * 1000 + shiftMs, digits);
  return packets
    .filter(({ codec_type }) => codec_type === kind)
    .map(({ pts_time, dts_time, size, flags }) => ({
      kind,
      ptsMs: close(pts_time),
      dtsMs: close(dts_time),
      key: flags.startsWith('K'),
      bytes: Number(size),
    }));
}
