import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Playhead } from './playhead.ts';
import { type PlayerProfile, playerProfiles } from './profile.ts';

const bare: PlayerProfile = playerProfiles['ffplay-nobuffer'];
const plain: PlayerProfile = playerProfiles.plain;

function player(profile: PlayerProfile) {
  const heard: (string | number)[][] = [];
  const playhead = new Playhead(profile, {
    playheadStarted: (at) => heard.push(['started', at]),
    playheadStalled: (since) => heard.push(['stalled', since]),
    playheadResumed: (since, until) => heard.push(['resumed', since, until]),
  });
  return { playhead, heard };
}

describe('Playhead', () => {
  it('starts when the start buffer is full, at that very arrival', () => {
    const { playhead, heard } = player(plain);
    playhead.media(0, 40, 5_000);
    playhead.media(40, 999, 5_700);
    expect(playhead.state).toBe('starting');
    playhead.media(999, 1_000, 5_900);
    expect(playhead.state).toBe('playing');
    expect(heard).toEqual([['started', 5_900]]);
    playhead.advance(6_400);
    expect([playhead.positionMs, playhead.bufferMs, playhead.playingMs]).toEqual([500, 500, 500]);
  });

  it('stalls exactly when it reaches the end, however late anybody looks', () => {
    const { playhead, heard } = player(plain);
    playhead.media(0, 1_000, 0);
    playhead.advance(30_000);
    expect(playhead.state).toBe('stalled');
    expect(heard).toEqual([
      ['started', 0],
      ['stalled', 1_000],
    ]);
    expect([playhead.stallMs, playhead.stallCount, playhead.stallCountPlayer]).toEqual([29_000, 1, 1]);
    playhead.media(1_000, 1_500, 31_000);
    expect(playhead.state).toBe('stalled');
    playhead.media(1_500, 2_000, 31_250);
    expect(playhead.state).toBe('playing');
    expect(heard.at(-1)).toEqual(['resumed', 1_000, 31_250]);
    expect([playhead.stallMs, playhead.playingMs, playhead.positionMs]).toEqual([30_250, 1_000, 1_000]);
  });

  it('sees a stall on arrival alone, with no sweep in between', () => {
    const { playhead, heard } = player(bare);
    playhead.media(0, 40, 0);
    playhead.media(40, 80, 1_540);
    expect(heard).toEqual([
      ['started', 0],
      ['stalled', 40],
      ['resumed', 40, 1_540],
    ]);
    expect(playhead.stallCountPlayer).toBe(1);
  });

  it('does not count a gap below 100 ms; it counts as playing', () => {
    const { playhead, heard } = player(bare);
    playhead.media(0, 40, 0);
    playhead.media(40, 80, 139);
    playhead.media(80, 120, 179);
    expect(heard).toEqual([['started', 0]]);
    expect([playhead.stallCount, playhead.stallMs, playhead.playingMs]).toEqual([0, 0, 179]);
    playhead.media(120, 160, 219 + 100);
    expect(playhead.stallCount).toBe(1);
    expect(playhead.stallMs).toBe(100);
  });

  it('tells stalls of 1,250 ms and more apart', () => {
    const { playhead } = player(bare);
    playhead.media(0, 100, 0);
    playhead.media(100, 200, 1_349);
    expect([playhead.stallCount, playhead.stallCountPlayer]).toEqual([1, 0]);
    playhead.media(200, 300, 1_449 + 1_250);
    expect([playhead.stallCount, playhead.stallCountPlayer]).toEqual([2, 1]);
  });

  it('ends a stall in progress with the session', () => {
    const { playhead, heard } = player(bare);
    playhead.media(0, 100, 0);
    playhead.finish(600);
    expect(heard.at(-1)).toEqual(['resumed', 100, 600]);
    expect([playhead.playingMs, playhead.stallMs]).toEqual([100, 500]);
  });

  it('wants twice as much after each time it ran dry, up to the bound (Chromium)', () => {
    const { playhead } = player(playerProfiles['mpegts.js']);
    let end = 200;
    let now = 0;
    playhead.media(0, end, now);
    for (const wanted of [400, 800, 1_600, 3_000, 3_000]) {
      now += 60_000;
      playhead.advance(now);
      expect(playhead.state).toBe('stalled');
      playhead.media(end, end + wanted - 1, now);
      expect(playhead.state).toBe('stalled');
      playhead.media(end, end + wanted, now);
      expect(playhead.state).toBe('playing');
      end += wanted;
    }
  });

  it('catches up by seeking, which is no stall', () => {
    const seeking: PlayerProfile = {
      ...bare,
      catchUp: { whenBehindMs: 1_500, targetMs: 500, how: 'seek', rate: 1 },
    };
    const { playhead, heard } = player(seeking);
    playhead.media(0, 1_500, 0);
    expect(playhead.positionMs).toBe(0);
    playhead.media(1_500, 1_540, 30);
    expect([playhead.positionMs, playhead.bufferMs]).toEqual([1_040, 500]);
    playhead.advance(530);
    expect(playhead.state).toBe('stalled');
    expect(heard).toEqual([['started', 0]]);
    expect(playhead.playingMs).toBe(530);
  });

  it('catches up by playing faster, and slows down at the exact moment it has', () => {
    const hurrying: PlayerProfile = {
      ...bare,
      catchUp: { whenBehindMs: 1_000, targetMs: 500, how: 'rate', rate: 1.25 },
    };
    const { playhead } = player(hurrying);
    playhead.media(0, 1_100, 0);
    // 600 ms of media too many last 480 ms at 1.25 ×; then 520 ms at 1 ×, but only 500 are there.
    playhead.advance(400);
    expect(playhead.positionMs).toBe(500);
    playhead.advance(1_000);
    expect(playhead.state).toBe('stalled');
    playhead.media(1_100, 1_200, 1_080);
    expect(playhead.stallMs).toBe(100);
    expect(playhead.playingMs).toBe(980);
  });

  it('begins with B-frames only when the first picture is due', () => {
    const { playhead, heard } = player(bare);
    playhead.media(80, 40, 10);
    expect(heard).toEqual([]);
    playhead.media(160, 80, 50);
    expect(heard).toEqual([['started', 50]]);
    expect(playhead.positionMs).toBe(80);
  });

  it('does not go back in time', () => {
    const { playhead } = player(plain);
    playhead.media(0, 2_000, 1_000);
    playhead.advance(1_500);
    playhead.advance(1_200);
    expect(playhead.positionMs).toBe(500);
  });

  const profiles = fc.constantFrom(
    ...Object.values(playerProfiles),
    { ...bare, catchUp: { whenBehindMs: 1_500, targetMs: 500, how: 'seek' as const, rate: 1 } },
    { ...plain, catchUp: { whenBehindMs: 1_200, targetMs: 800, how: 'rate' as const, rate: 1.2 } },
  );
  const arrivals = fc.array(fc.record({ afterMs: fc.nat(4_000), mediaMs: fc.nat(3_000) }), { minLength: 1 });

  it('start-up, playing and stalled add up to the time watched, whatever happens', () => {
    fc.assert(
      fc.property(profiles, arrivals, fc.nat(10_000), (profile, script, restMs) => {
        const { playhead, heard } = player(profile);
        let now = 0;
        let end = 0;
        for (const { afterMs, mediaMs } of script) {
          now += afterMs;
          end += mediaMs;
          playhead.media(end - mediaMs, end, now);
          expect(playhead.positionMs).toBeLessThanOrEqual(end);
        }
        now += restMs;
        playhead.finish(now);
        const started = heard.find(([what]) => what === 'started');
        const startup = started ? Number(started[1]) : now;
        expect(startup + playhead.playingMs + playhead.stallMs).toBeCloseTo(now, 6);
        const stalls = heard.filter(([what]) => what === 'resumed');
        expect(stalls.length).toBe(playhead.stallCount);
        expect(heard.filter(([what]) => what === 'stalled').length).toBe(playhead.stallCount);
        const stalled = stalls.reduce((sum, [, since, until]) => sum + Number(until) - Number(since), 0);
        expect(stalled).toBeCloseTo(playhead.stallMs, 6);
      }),
    );
  });

  it('gives the same figures however often it is swept', () => {
    fc.assert(
      fc.property(profiles, arrivals, fc.integer({ min: 1, max: 700 }), (profile, script, everyMs) => {
        const run = (sweepMs: number) => {
          const { playhead, heard } = player(profile);
          let now = 0;
          let end = 0;
          for (const { afterMs, mediaMs } of script) {
            for (let at = now + sweepMs; at < now + afterMs; at += sweepMs) playhead.advance(at);
            now += afterMs;
            end += mediaMs;
            playhead.media(end - mediaMs, end, now);
          }
          playhead.finish(now);
          const { playingMs, stallMs, stallCount, stallCountPlayer, positionMs } = playhead;
          return [playingMs, stallMs, stallCount, stallCountPlayer, positionMs, ...heard.flat()].map(
            (value) => (typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : value),
          );
        };
        expect(run(everyMs)).toEqual(run(Number.POSITIVE_INFINITY));
      }),
    );
  });

  describe('paused', () => {
    it('passes no time: neither played nor stalled, and the buffer is still there', () => {
      const { playhead, heard } = player(plain);
      playhead.media(0, 2_000, 0);
      playhead.pause(500);
      playhead.advance(60_000);
      expect([playhead.positionMs, playhead.playingMs, playhead.stallMs]).toEqual([500, 500, 0]);
      playhead.resume(100_500, 'continue');
      playhead.advance(101_000);
      expect([playhead.positionMs, playhead.playingMs, playhead.bufferMs]).toEqual([1_000, 1_000, 1_000]);
      expect(heard).toEqual([['started', 0]]);
      // What is left lasts until 102,000, and then it is a stall.
      playhead.advance(102_300);
      expect(heard.at(-1)).toEqual(['stalled', 102_000]);
    });

    it('ends a stall, and waits anew after it', () => {
      const { playhead, heard } = player(plain);
      playhead.media(0, 1_000, 0);
      playhead.pause(1_400);
      expect(heard.at(-1)).toEqual(['resumed', 1_000, 1_400]);
      playhead.advance(9_000);
      playhead.resume(10_000, 'continue');
      playhead.advance(10_250);
      expect(heard.at(-1)).toEqual(['stalled', 10_000]);
      playhead.media(1_000, 2_500, 10_300);
      expect(heard.at(-1)).toEqual(['resumed', 10_000, 10_300]);
      expect([playhead.stallMs, playhead.stallCount, playhead.playingMs]).toEqual([700, 2, 1_000]);
    });

    it('goes to the newest media if the watcher wants to, and skips no more once it is there', () => {
      const { playhead } = player(plain);
      playhead.media(0, 2_000, 0);
      playhead.pause(500);
      playhead.resume(20_500, 'live');
      playhead.media(2_000, 12_000, 20_510);
      playhead.media(12_000, 20_000, 20_520);
      expect(playhead.bufferMs).toBe(plain.startBufferMs);
      playhead.media(20_000, 25_000, 21_600);
      expect(playhead.bufferMs).toBeGreaterThan(plain.startBufferMs);
      expect(playhead.stallMs).toBe(0);
    });

    it('has nothing to show where everything was thrown away', () => {
      const { playhead, heard } = player(plain);
      playhead.media(0, 5_000, 0);
      playhead.pause(500);
      playhead.resume(10_000, 'anew');
      playhead.advance(10_400);
      expect(heard.at(-1)).toEqual(['stalled', 10_000]);
    });

    it('ends with the session', () => {
      const { playhead, heard } = player(plain);
      playhead.media(0, 1_000, 0);
      playhead.pause(1_400);
      playhead.finish(50_000);
      expect([playhead.stallMs, playhead.playingMs]).toEqual([400, 1_000]);
      expect(heard).toHaveLength(3);
    });

    it('every moment since the start is playing, stalled or paused', () => {
      const step = fc.record({
        afterMs: fc.nat(3_000),
        what: fc.constantFrom('media', 'advance', 'pause', 'continue', 'live', 'anew'),
        mediaMs: fc.nat(2_000),
      });
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
          const { playhead, heard } = player(plain);
          playhead.media(0, 1_000, 0);
          let [now, end, pausedAt, pausedMs] = [0, 1_000, Number.NaN, 0];
          for (const { afterMs, what, mediaMs } of steps) {
            now += afterMs;
            if (what === 'media') {
              playhead.media(end, end + mediaMs, now);
              end += mediaMs;
            } else if (what === 'advance') playhead.advance(now);
            else if (what === 'pause') {
              playhead.pause(now);
              if (Number.isNaN(pausedAt)) pausedAt = now;
            } else {
              playhead.resume(now, what as 'continue' | 'live' | 'anew');
              if (!Number.isNaN(pausedAt)) pausedMs += now - pausedAt;
              pausedAt = Number.NaN;
            }
          }
          playhead.finish(now);
          if (!Number.isNaN(pausedAt)) pausedMs += now - pausedAt;
          expect(playhead.playingMs + playhead.stallMs + pausedMs).toBeCloseTo(now, 3);
          const told = (kind: string) => heard.filter(([name]) => name === kind).length;
          expect(told('stalled')).toBe(told('resumed'));
        }),
      );
    });
  });
});
