import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sink } from '../metrics/sink.ts';
import { makeSyntheticRun, type SyntheticRun } from './synthetic-run.ts';

export interface SinkUnderTest {
  readonly name: string;
  /** @param folder an empty folder of the test's own; a sink that writes no files may ignore it */
  create(folder: string): Sink;
  /** Whether it writes into the folder, and so cannot work where there is none. */
  readonly writesFolder: boolean;
  /** Looks at what the closed sink left behind: it must be readable, and hold what was given. */
  inspect(folder: string, given: SyntheticRun): Promise<void>;
}

/** Names that break what is not escaped: HTML, XML, Markdown, SQL, CSV, line protocols, terminals. */
export const hostileNames: readonly string[] = [
  `"><script>alert(1)</script>`,
  `</script><!-- ]]> <img src=x onerror=alert(1)>`,
  `'; DROP TABLE series; --`,
  'a|b`c*d_e[f](http://evil.example)\\',
  'line\nbreak\rtab\tnul\u0000escape\u001b[31m',
  'right-to-left \u202e and half \ud800 a character',
  `{{constructor}} $${'{process.exit(1)}'} %s \u2028`,
  'k=v,w x=1i',
  '流/直播 🎥',
  '__proto__',
  '',
];

/** The promises of `metrics/sink.ts`, run by every sink. */
export function describeSinkContract({ name, create, writesFolder, inspect }: SinkUnderTest): void {
  describe(`${name} keeps the sink contract`, () => {
    let folder = '';
    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'streamgauge-sink-'));
    });
    afterEach(async () => {
      await rm(folder, { recursive: true, force: true });
    });

    const play = async (given: SyntheticRun): Promise<Sink> => {
      const sink = create(folder);
      await sink.open(given.run);
      for (const points of given.seconds) sink.second(points);
      for (const session of given.sessions) sink.session(session);
      await sink.close(given.summary);
      return sink;
    };

    it('keeps a whole run', async () => {
      const given = makeSyntheticRun();
      expect((await play(given)).lost).toBe(0);
      await inspect(folder, given);
    });

    it('is readable when a run ended before it began', async () => {
      const given = makeSyntheticRun({ seconds: 0 });
      expect((await play(given)).lost).toBe(0);
      await inspect(folder, given);
    });

    it('keeps a large run: 20,000 sessions, 400 series', async () => {
      const streams = Array.from({ length: 50 }, (_, i) => `live/room-${i}`);
      const given = makeSyntheticRun({ seconds: 20, streams, viewersPerStream: 200 });
      expect(given.sessions).toHaveLength(20_000);
      expect((await play(given)).lost).toBe(0);
      await inspect(folder, given);
    });

    it('is not broken by hostile names', async () => {
      const given = makeSyntheticRun({ seconds: 5, streams: hostileNames, name: hostileNames.join(' ') });
      expect((await play(given)).lost).toBe(0);
      await inspect(folder, given);
    });

    it('closes once and ignores what comes afterwards', async () => {
      const given = makeSyntheticRun({ seconds: 3 });
      const sink = await play(given);
      sink.second(given.seconds[0] ?? []);
      sink.session(given.sessions[0]!);
      await sink.close({ ...given.summary, verdict: 'error', thresholds: [] });
      expect(sink.lost).toBe(0);
      await inspect(folder, given);
    });

    it('closes once when it is told twice at the same time', async () => {
      const given = makeSyntheticRun({ seconds: 3 });
      const sink = create(folder);
      await sink.open(given.run);
      for (const points of given.seconds) sink.second(points);
      for (const session of given.sessions) sink.session(session);
      await Promise.all([sink.close(given.summary), sink.close(given.summary)]);
      await inspect(folder, given);
    });

    it('takes figures that are no numbers for no figures', async () => {
      const given = makeSyntheticRun({ seconds: 3 });
      const [session] = given.sessions;
      const figures = {
        ...session!.figures,
        connectMs: Number.NaN,
        frames: Number.POSITIVE_INFINITY,
        stallMs: Number.NaN,
      };
      const odd = { ...given, sessions: given.sessions.map((one) => ({ ...one, figures })) };
      expect((await play(odd)).lost).toBe(0);
      await inspect(folder, odd);
    });

    it.runIf(writesFolder)('says in one sentence that it cannot write, and stays calm', async () => {
      const given = makeSyntheticRun({ seconds: 2 });
      const file = path.join(folder, 'a-file');
      await writeFile(file, '');
      const sink = create(path.join(file, 'folder'));
      const error = await sink.open(given.run).then(
        () => null,
        (reason: Error) => reason,
      );
      expect(error?.message).toMatch(/^Cannot write .*a-file.*: a part of the path is not a folder\.$/);
      sink.second(given.seconds[0] ?? []);
      sink.session(given.sessions[0]!);
      await Promise.allSettled([sink.close(given.summary)]);
    });
  });
}
