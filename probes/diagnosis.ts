import type { SessionOutcome } from '../clients/viewer.ts';
import type { AggregateValues } from '../metrics/aggregate.ts';
import type { StreamCounts, StreamFacts } from './stream-inspector.ts';

export type Level = 'ok' | 'warning' | 'bad';

/** One thing that was looked at, and what was seen, in a sentence. */
export interface Finding {
  readonly level: Level;
  readonly subject: string;
  readonly sentence: string;
}

/** What a probe saw of one stream. */
export interface Observation {
  readonly url: string;
  readonly outcome: SessionOutcome;
  readonly facts: StreamFacts;
  readonly counts: StreamCounts;
  readonly complaints: readonly string[];
  readonly measuredBps: number | null;
  /** Totals of a metric; null when there was no sample. */
  readonly values: (
    metric: 'fps' | 'gop_ms' | 'latency_ms' | 'delivery_ms' | 'timestamp_gap_ms',
  ) => AggregateValues | null;
}

/** When a figure is worth a word: the defaults of the metrics' definition ("watch for"). */
export const limits = {
  firstFrameMs: 3_000,
  /** fps below this share of what is declared */
  fpsShare: 0.8,
  /** frames missing, share */
  framesMissing: 0.005,
  /** measured against declared bitrate, share either way */
  bitrateError: 0.25,
  /** A GOP longer than this makes viewers wait, whatever was meant. */
  gopMs: 10_000,
};

/** Turns an observation into findings, the worst first. Pure. */
export function diagnose(seen: Observation): Finding[] {
  const findings = [reach(seen), ...(seen.outcome.phase === 'after-first-frame' ? quality(seen) : [])];
  const order: Level[] = ['bad', 'warning', 'ok'];
  return findings.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

/** The worst level among findings. */
export function worst(findings: readonly Finding[]): Level {
  return findings[0]?.level ?? 'ok';
}

function reach({ outcome }: Observation): Finding {
  const { firstFrameMs } = outcome.figures;
  if (outcome.result === 'failed') return { level: 'bad', subject: 'reach', sentence: outcome.detail };
  if (firstFrameMs === null) {
    return {
      level: 'bad',
      subject: 'reach',
      sentence: 'No picture came in the time of the probe; look longer with --for.',
    };
  }
  const sentence = `First frame after ${round(firstFrameMs)} ms.`;
  return firstFrameMs > limits.firstFrameMs
    ? {
        level: 'warning',
        subject: 'reach',
        sentence: `${sentence} Over ${limits.firstFrameMs} ms people leave: look at GOP length and GOP cache.`,
      }
    : { level: 'ok', subject: 'reach', sentence };
}

function quality(seen: Observation): Finding[] {
  return [
    picture(seen),
    frameRate(seen),
    gop(seen),
    timestamps(seen),
    frames(seen),
    bitrate(seen),
    stalls(seen),
    latency(seen),
  ].filter((finding) => finding !== null);
}

function picture({ facts, complaints }: Observation): Finding {
  const audio = facts.audioCodec ?? 'no audio';
  if (complaints[0] !== undefined) {
    return {
      level: 'bad',
      subject: 'headers',
      sentence: `A header cannot be read (${complaints[0]}): strict players will refuse the stream.`,
    };
  }
  if (facts.videoCodec === null)
    return { level: 'warning', subject: 'picture', sentence: `No video, ${audio}.` };
  if (facts.picture === null)
    return { level: 'ok', subject: 'picture', sentence: `${facts.videoCodec}, ${audio}.` };
  const { width, height, profile, level, codecString } = facts.picture;
  const what = `${facts.videoCodec} ${profile}@${level} (${codecString}) ${width}×${height}, ${audio}`;
  const { width: saidWidth, height: saidHeight } = facts.declared;
  return saidWidth !== null && saidHeight !== null && (saidWidth !== width || saidHeight !== height)
    ? {
        level: 'warning',
        subject: 'picture',
        sentence: `${what}; onMetaData claims ${saidWidth}×${saidHeight}.`,
      }
    : { level: 'ok', subject: 'picture', sentence: `${what}.` };
}

function frameRate({ facts, values }: Observation): Finding | null {
  const measured = values('fps')?.avg;
  if (measured === undefined) return null;
  const declared = facts.declared.fps ?? facts.picture?.fps ?? null;
  const sentence = `${measured.toFixed(1)} frames/s${declared === null ? '' : `, declared ${round(declared, 2)}`}.`;
  return declared !== null && measured < declared * limits.fpsShare
    ? {
        level: 'bad',
        subject: 'frame rate',
        sentence: `${sentence} The encoder or the path does not keep up.`,
      }
    : { level: 'ok', subject: 'frame rate', sentence };
}

function gop({ values, counts }: Observation): Finding | null {
  if (counts.videoFrames === 0) return null;
  const max = values('gop_ms')?.max;
  if (max === undefined) {
    return {
      level: 'ok',
      subject: 'key frames',
      sentence: 'Fewer than two key frames seen: look longer with --for to know the GOP.',
    };
  }
  const sentence = `A key frame every ${round(values('gop_ms')?.avg ?? max)} ms, at most ${round(max)} ms apart.`;
  return max > limits.gopMs
    ? {
        level: 'warning',
        subject: 'key frames',
        sentence: `${sentence} A viewer may wait that long for a picture.`,
      }
    : { level: 'ok', subject: 'key frames', sentence };
}

function timestamps({ counts, values }: Observation): Finding {
  if (counts.backwards > 0) {
    return {
      level: 'bad',
      subject: 'timestamps',
      sentence: `${times(counts.backwards)} a timestamp went backwards: players stutter or stop there.`,
    };
  }
  if (counts.gaps > 0) {
    return {
      level: 'bad',
      subject: 'timestamps',
      sentence: `${times(counts.gaps)} the timestamps jumped, by up to ${round(values('timestamp_gap_ms')?.max ?? 0)} ms.`,
    };
  }
  return { level: 'ok', subject: 'timestamps', sentence: 'Timestamps rise without a gap.' };
}

function frames({ outcome, values }: Observation): Finding | null {
  // Without stamps nobody can know what is missing.
  if (values('delivery_ms') === null) return null;
  const { frames: got, framesMissing } = outcome.figures;
  const share = framesMissing / Math.max(1, got + framesMissing);
  const sentence = `${framesMissing} of ${got + framesMissing} frames missing (${(share * 100).toFixed(2)} %).`;
  return { level: share > limits.framesMissing ? 'bad' : 'ok', subject: 'frames', sentence };
}

function bitrate({ facts, measuredBps }: Observation): Finding | null {
  if (measuredBps === null) return null;
  const declared = facts.declared.bitrateBps;
  const sentence = `${kbps(measuredBps)}${declared === null ? '' : `, declared ${kbps(declared)}`}.`;
  return declared !== null && Math.abs(measuredBps / declared - 1) > limits.bitrateError
    ? {
        level: 'warning',
        subject: 'bitrate',
        sentence: `${sentence} Over a quarter off what it says of itself.`,
      }
    : { level: 'ok', subject: 'bitrate', sentence };
}

function stalls({ outcome }: Observation): Finding {
  const { stallCount, stallMs } = outcome.figures;
  return stallCount === 0
    ? { level: 'ok', subject: 'stalls', sentence: 'No stall.' }
    : {
        level: 'bad',
        subject: 'stalls',
        sentence: `${times(stallCount)} the picture stood still, ${round(stallMs)} ms in all.`,
      };
}

function latency({ values }: Observation): Finding | null {
  const glass = values('latency_ms');
  if (glass === null || glass.med === undefined) {
    return { level: 'ok', subject: 'latency', sentence: 'Not known: the frames carry no stamp of ours.' };
  }
  return {
    level: 'ok',
    subject: 'latency',
    sentence: `Glass to glass ${round(glass.med)} ms in the median.`,
  };
}

function times(count: number): string {
  return count === 1 ? 'Once' : count === 2 ? 'Twice' : `${count} times`;
}

function round(value: number, digits = 0): string {
  return value.toLocaleString('en', { maximumFractionDigits: digits });
}

function kbps(bps: number): string {
  return `${round(bps / 1_000)} kbit/s`;
}
