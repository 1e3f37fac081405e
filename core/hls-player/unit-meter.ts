import type { AccessUnitSink, MediaTrack } from '../access-unit.ts';
import { findNextStampAnnexB } from '../mpegts/find-stamp.ts';
import type { SessionMeter } from '../player/session-meter.ts';
import { findStamp, readNextStamp, type Stamp } from '../stamp/stamp.ts';

/** Gives a meter what a demuxer of segments finds: pictures with their stamps, and sound. */
export class UnitMeter implements AccessUnitSink {
  readonly #meter: SessionMeter;
  #ptsMs = 0;
  #dtsMs = 0;
  #key = false;
  #stamped = false;
  /** Of the picture under way; sound may come between its head and its end. */
  readonly #stamp: Stamp = { publisher: 0, frame: 0, captureUs: 0 };
  #soundMs = 0;

  constructor(meter: SessionMeter) {
    this.#meter = meter;
  }

  tracks(tracks: readonly MediaTrack[]): void {
    this.#meter.segmented(tracks.some(({ kind }) => kind === 'video'));
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
    if (track.kind === 'audio') {
      this.#soundMs = ptsMs;
      return;
    }
    this.#ptsMs = ptsMs;
    this.#dtsMs = dtsMs;
    this.#key = key;
    this.#stamped = this.#findStamp(track, bytes, start, end);
    this.#meter.pictureBegins(key);
  }

  end(track: MediaTrack, unitBytes: number): void {
    if (track.kind === 'audio') this.#meter.sound(this.#soundMs, unitBytes);
    else
      this.#meter.picture(this.#ptsMs, this.#dtsMs, this.#key, unitBytes, this.#stamped ? this.#stamp : null);
  }

  #findStamp({ codec, nalLengthBytes }: MediaTrack, bytes: Uint8Array, start: number, end: number): boolean {
    if (codec !== 'h264' && codec !== 'h265') return false;
    return nalLengthBytes === 0
      ? findNextStampAnnexB(bytes, start, end, codec, this.#stamp)
      : readNextStamp(bytes, start, end, nalLengthBytes, codec, this.#stamp) ||
          findStamp(bytes, start, end, nalLengthBytes, codec, this.#stamp);
  }
}

/** Media that is loaded and counted, but does not govern the playhead: sound of its own beside the pictures. */
export class UnitCount implements AccessUnitSink {
  readonly #meter: SessionMeter;

  constructor(meter: SessionMeter) {
    this.#meter = meter;
  }

  tracks(): void {}
  head(): void {}
  end(_track: MediaTrack, unitBytes: number): void {
    this.#meter.beside(unitBytes);
  }
}
