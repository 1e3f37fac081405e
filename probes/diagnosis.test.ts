import { describe, expect, it } from 'vitest';
import type { SessionFigures } from '../clients/viewer.ts';
import type { AggregateValues } from '../metrics/aggregate.ts';
import { diagnose, limits, type Observation, worst } from './diagnosis.ts';

const figures: SessionFigures = {
  connectMs: 1,
  firstByteMs: 2,
  firstMediaMs: 3,
  firstFrameMs: 400,
  startupMs: 500,
  joinLagMs: 600,
  stallCount: 0,
  stallCountPlayer: 0,
  stallMs: 0,
  watchedMs: 10_000,
  playingMs: 9_500,
  bytesReceived: 750_000,
  mediaBytes: 740_000,
  mediaMs: 10_000,
  frames: 1_000,
  framesMissing: 0,
  reconnects: 0,
};

/** A stream with which nothing is wrong, but for what is said. */
function seen(
  changes: Partial<Omit<Observation, 'values' | 'outcome'>> & {
    figures?: Partial<SessionFigures>;
    outcome?: Partial<Observation['outcome']>;
    values?: Record<string, AggregateValues | null>;
  } = {},
): Observation {
  const values: Record<string, AggregateValues | null> = {
    fps: { avg: 25 },
    gop_ms: { avg: 2_000, max: 2_000 },
    latency_ms: { med: 900 },
    delivery_ms: { med: 30 },
    ...changes.values,
  };
  return {
    url: 'rtmp://h/live/a',
    facts: {
      videoCodec: 'h264',
      audioCodec: 'aac',
      picture: {
        profile: 'High',
        level: '3.0',
        codecString: 'avc1.64001e',
        width: 640,
        height: 360,
        fps: 25,
      },
      declared: { width: 640, height: 360, fps: 25, bitrateBps: 600_000 },
    },
    counts: {
      videoFrames: 250,
      audioFrames: 400,
      keyFrames: 5,
      mediaBytes: 750_000,
      mediaMs: 10_000,
      backwards: 0,
      gaps: 0,
    },
    complaints: [],
    measuredBps: 600_000,
    ...changes,
    outcome: {
      result: 'ended',
      phase: 'after-first-frame',
      reason: null,
      detail: 'the viewer left',
      ...changes.outcome,
      figures: { ...figures, ...changes.figures },
    },
    values: (metric) => values[metric] ?? null,
  } as Observation;
}

const counts = seen().counts;
const facts = seen().facts;
/** What is not well, as `level subject`. */
const complaintsOf = (observation: Observation) =>
  diagnose(observation)
    .filter(({ level }) => level !== 'ok')
    .map(({ level, subject }) => `${level} ${subject}`);

describe('a diagnosis', () => {
  it('of a stream that is well says what it is', () => {
    const findings = diagnose(seen());
    expect(worst(findings)).toBe('ok');
    expect(Object.fromEntries(findings.map(({ subject, sentence }) => [subject, sentence]))).toEqual({
      reach: 'First frame after 400 ms.',
      picture: 'h264 High@3.0 (avc1.64001e) 640×360, aac.',
      'frame rate': '25.0 frames/s, declared 25.',
      'key frames': 'A key frame every 2,000 ms, at most 2,000 ms apart.',
      timestamps: 'Timestamps rise without a gap.',
      frames: '0 of 1000 frames missing (0.00 %).',
      bitrate: '600 kbit/s, declared 600 kbit/s.',
      stalls: 'No stall.',
      latency: 'Glass to glass 900 ms in the median.',
    });
  });

  // Each limit from both sides: at it all is well, beyond it is not.
  it.each<[string, Observation, Observation, string]>([
    [
      'a slow first frame',
      seen({ figures: { firstFrameMs: limits.firstFrameMs } }),
      seen({ figures: { firstFrameMs: limits.firstFrameMs + 1 } }),
      'warning reach',
    ],
    [
      'few frames',
      seen({ values: { fps: { avg: 20 } } }),
      seen({ values: { fps: { avg: 19.9 } } }),
      'bad frame rate',
    ],
    [
      'a long GOP',
      seen({ values: { gop_ms: { avg: 9_000, max: limits.gopMs } } }),
      seen({ values: { gop_ms: { avg: 9_000, max: limits.gopMs + 1 } } }),
      'warning key frames',
    ],
    [
      'missing frames',
      seen({ figures: { frames: 995, framesMissing: 5 } }),
      seen({ figures: { frames: 994, framesMissing: 6 } }),
      'bad frames',
    ],
    ['a bitrate too high', seen({ measuredBps: 750_000 }), seen({ measuredBps: 756_000 }), 'warning bitrate'],
    ['a bitrate too low', seen({ measuredBps: 450_000 }), seen({ measuredBps: 444_000 }), 'warning bitrate'],
    ['a step back', seen(), seen({ counts: { ...counts, backwards: 1 } }), 'bad timestamps'],
    ['a gap', seen(), seen({ counts: { ...counts, gaps: 2 } }), 'bad timestamps'],
    ['a stall', seen(), seen({ figures: { stallCount: 1, stallMs: 800 } }), 'bad stalls'],
    ['a broken header', seen(), seen({ complaints: ['AVCC_VERSION: 9'] }), 'bad headers'],
    [
      'metadata that lie about the size',
      seen({ facts: { ...facts, declared: { ...facts.declared, width: null, height: null } } }),
      seen({ facts: { ...facts, declared: { ...facts.declared, width: 1280 } } }),
      'warning picture',
    ],
    ['no video', seen(), seen({ facts: { ...facts, videoCodec: null, picture: null } }), 'warning picture'],
  ])('sees %s', (_what, well, ill, complaint) => {
    expect(complaintsOf(well)).toEqual([]);
    expect(complaintsOf(ill)).toEqual([complaint]);
  });

  it('of a stream that cannot be had is the one sentence about that', () => {
    const failed = {
      result: 'failed',
      phase: 'before-first-frame',
      reason: 'refused',
      detail: 'h refused',
    } as const;
    expect(diagnose(seen({ outcome: failed, figures: { firstFrameMs: null } }))).toEqual([
      { level: 'bad', subject: 'reach', sentence: 'h refused' },
    ]);
    const [left, ...others] = diagnose(
      seen({ outcome: { phase: 'before-first-frame' }, figures: { firstFrameMs: null } }),
    );
    expect(left).toMatchObject({ level: 'bad', sentence: expect.stringContaining('--for') });
    expect(others).toEqual([]);
  });

  it('does not claim to know what only stamps could tell', () => {
    const findings = diagnose(seen({ values: { latency_ms: null, delivery_ms: null } }));
    expect(findings.map(({ subject }) => subject)).not.toContain('frames');
    expect(findings.find(({ subject }) => subject === 'latency')?.sentence).toMatch(/^Not known/);
    expect(worst(findings)).toBe('ok');
  });

  it('begins with the worst', () => {
    const findings = diagnose(
      seen({ figures: { firstFrameMs: 9_000, stallCount: 2, stallMs: 900 }, measuredBps: 100_000 }),
    );
    expect(findings.map(({ level }) => level).slice(0, 4)).toEqual(['bad', 'warning', 'warning', 'ok']);
    expect(findings[0]?.sentence).toBe('Twice the picture stood still, 900 ms in all.');
  });
});
