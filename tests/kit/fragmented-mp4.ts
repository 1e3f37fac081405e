/** One sample of a track: an access unit with length-prefixed NAL units. */
export interface Mp4Sample {
  readonly dtsMs: number;
  readonly compositionMs: number;
  readonly bytes: Uint8Array;
}

/**
 * The samples of a fragmented MP4 with a single track (ISO/IEC 14496-12, 8.8), as ffmpeg writes it with
 * `-f mp4 -movflags frag_keyframe+empty_moov`. For tests on H.265, which ffmpeg 5.1 cannot write into FLV.
 */
export function readMp4Samples(mp4: Buffer): Mp4Sample[] {
  // mdhd version 0: timescale stands 12 bytes into the box's content.
  const timescale = mp4.readUInt32BE(mp4.indexOf('mdhd') + 4 + 12);
  const ms = (time: number): number => Math.round((time * 1000) / timescale);
  const samples: Mp4Sample[] = [];
  let moof = 0;
  let time = 0;
  let defaultDuration = 0;
  let defaultBytes = 0;

  const visit = (start: number, end: number): void => {
    for (let at = start; at < end; at += mp4.readUInt32BE(at)) {
      const name = mp4.toString('latin1', at + 4, at + 8);
      const content = new Fields(mp4, at + 8);
      if (name === 'moof') moof = at;
      if (name === 'moof' || name === 'traf') visit(at + 8, at + mp4.readUInt32BE(at));
      else if (name === 'tfhd') readHeader(content);
      else if (name === 'trun') readRun(content);
    }
  };
  const readHeader = (tfhd: Fields): void => {
    const flags = tfhd.next() & 0xffffff;
    tfhd.next(); // track_ID
    if (flags & 0x01) tfhd.skip(2); // base_data_offset
    if (flags & 0x02) tfhd.next(); // sample_description_index
    if (flags & 0x08) defaultDuration = tfhd.next();
    if (flags & 0x10) defaultBytes = tfhd.next();
  };
  const readRun = (trun: Fields): void => {
    const flags = trun.next() & 0xffffff;
    const count = trun.next();
    let data = moof + trun.next();
    if (flags & 0x04) trun.next(); // first_sample_flags
    for (let i = 0; i < count; i++) {
      const duration = flags & 0x100 ? trun.next() : defaultDuration;
      const bytes = flags & 0x200 ? trun.next() : defaultBytes;
      if (flags & 0x400) trun.next(); // sample_flags
      const composition = flags & 0x800 ? trun.next() : 0;
      samples.push({
        dtsMs: ms(time),
        compositionMs: ms(composition),
        bytes: mp4.subarray(data, data + bytes),
      });
      data += bytes;
      time += duration;
    }
  };
  visit(0, mp4.length);
  return samples;
}

/** The content of the first box of that name, wherever it is: for `avcC` and `hvcC`. */
export function findMp4Box(mp4: Buffer, name: string): Uint8Array {
  const at = mp4.indexOf(name);
  return new Uint8Array(mp4.subarray(at + 4, at - 4 + mp4.readUInt32BE(at - 4)));
}

/** 32-bit fields one after the other. */
class Fields {
  readonly #bytes: Buffer;
  #at: number;
  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }
  skip(count: number): void {
    this.#at += 4 * count;
  }
  next(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }
}
