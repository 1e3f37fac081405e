import { describe, expect, it } from 'vitest';
import { TAG_AUDIO, TAG_SCRIPT, TAG_VIDEO } from '../../core/media.ts';
import type { KnownTag } from './flv-tags.ts';
import { LoopTimeline } from './loop-timeline.ts';
import type { TagKind } from './source.ts';

function tag(kind: TagKind, timestampMs: number): KnownTag {
  const type = kind === 'metadata' ? TAG_SCRIPT : kind.startsWith('audio') ? TAG_AUDIO : TAG_VIDEO;
  return { type, kind, timestampMs, body: new Uint8Array(0), compositionMs: 0, stampable: null };
}

/** `a0 v40 …`: kinds as letters, times rounded; passes as lists of the same. */
function lay(hasVideo: boolean, ...passes: string[]): { laid: string; passesMs: number[] } {
  const letters: Record<string, TagKind> = {
    m: 'metadata',
    V: 'video-config',
    A: 'audio-config',
    k: 'key',
    v: 'inter',
    a: 'audio',
  };
  const laid: string[] = [];
  const timeline = new LoopTimeline(hasVideo, ({ tag: { kind }, timeMs }) => {
    const letter = Object.keys(letters).find((key) => letters[key] === kind);
    laid.push(`${letter}${Math.round(timeMs)}`);
  });
  const passesMs = passes.map((pass) => {
    for (const word of pass.split(' ')) timeline.take(tag(letters[word[0]!]!, Number(word.slice(1))));
    return timeline.endPass();
  });
  return { laid: laid.join(' '), passesMs };
}

describe('the timeline of a looped file', () => {
  it('lays passes end to end, the last picture lasting as long as the others', () => {
    const pass = 'm0 V0 k0 v40 v80';
    expect(lay(true, pass, pass, pass)).toEqual({
      laid: 'm0 V0 k0 v40 v80 k120 v160 v200 k240 v280 v320',
      passesMs: [120, 120, 120],
    });
  });

  it('leaves out sound that goes beyond the last picture, so that it does not step back', () => {
    const pass = 'V0 A0 k0 a0 a23 v40 a46 a70 v80 a93 a116 a139 a162';
    expect(lay(true, pass, 'k0 a0 v40 a23 v80').laid).toBe(
      'V0 A0 k0 a0 a23 v40 a46 a70 v80 a93 a116 k120 a120 v160 a143 v200',
    );
  });

  it('cuts sound that begins late, because of B-frames, as late', () => {
    const pass = 'V0 A0 k0 v40 a80 v80 a101 a122 a143 a164 a185 a206';
    expect(lay(true, pass, pass, 'k0').laid).toBe(
      'V0 A0 k0 v40 v80 a80 a101 k120 a122 a143 v160 a164 a185 v200 a200 a221 k240',
    );
  });

  it('begins each pass at its first key frame, wherever its timestamps begin', () => {
    expect(lay(true, 'V500 a490 v500 k540 a535 a545 v580', 'v500 k540 v580').laid).toBe(
      'V0 k0 a5 v40 k80 v120',
    );
  });

  it('does not drift by the rounding of timestamps', () => {
    // 24 frames per second: 0 42 83 125 …
    const frames = Array.from({ length: 240 }, (_, index) => Math.round((index * 1_000) / 24));
    const pass = frames.map((timeMs, index) => `${index === 0 ? 'k' : 'v'}${timeMs}`).join(' ');
    const { laid, passesMs } = lay(true, ...Array<string>(30).fill(pass));
    expect(passesMs.every((passMs) => Math.abs(passMs - 10_000) < 3)).toBe(true);
    const times = laid.split(' ').map((word) => Number(word.slice(1)));
    const steps = new Set(times.slice(1).map((timeMs, index) => timeMs - times[index]!));
    expect([...steps].sort()).toEqual([41, 42]);
  });

  it('goes by the sound where there is no picture', () => {
    const pass = 'A0 a0 a20 a40';
    expect(lay(false, pass, pass)).toEqual({ laid: 'A0 a0 a20 a40 a60 a80 a100', passesMs: [60, 60] });
  });

  it('holds no more sound than 10 s for a picture that does not come', () => {
    const late = Array.from({ length: 3_000 }, (_, index) => `a${40 + index * 20}`).join(' ');
    const { laid } = lay(true, `k0 v40 ${late} v60040`);
    const words = laid.split(' ');
    expect(words).toHaveLength(3 + 501);
    expect(words.slice(-2)).toEqual(['a10040', 'v60040']);
  });

  it.each([
    ['nothing', true, 'm0'],
    ['no key frame', true, 'v0 v40 v80'],
    ['one picture', true, 'k0 a0 a20 a40'],
    ['no picture though there should be', true, 'a0 a20'],
  ])('a pass of %s cannot be looped', (_what, hasVideo, pass) => {
    expect(lay(hasVideo, pass).passesMs).toEqual([0]);
  });
});
