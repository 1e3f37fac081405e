import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FfmpegError } from './ffmpeg-error.ts';
import { locate } from './locate.ts';

const run = promisify(execFile);

/** What the ffmpeg of this machine can do, found by asking it: builds differ far more than versions. */
export interface FfmpegCapabilities {
  readonly path: string;
  /** As ffmpeg prints it: `5.1.9-0+deb12u1`, `n7.1`, `N-118193-g5f38c82536`. */
  readonly version: string;
  /** `[major, minor]`, or null for a development build, which has no number. */
  readonly release: readonly [number, number] | null;
  readonly encoders: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
  readonly muxers: ReadonlySet<string>;
}

export interface FfmpegNeeds {
  readonly encoders?: readonly string[];
  readonly filters?: readonly string[];
  readonly muxers?: readonly string[];
}

const known = new Map<string, Promise<FfmpegCapabilities>>();

/**
 * Asks ffmpeg what it has. Costs four short processes the first time (about 0.2 s), nothing after that.
 * @throws FfmpegError FFMPEG_MISSING; FFMPEG_FAILED if what is there is not an ffmpeg.
 */
export function ffmpegCapabilities(path: string = locate('ffmpeg')): Promise<FfmpegCapabilities> {
  let asked = known.get(path);
  if (!asked) {
    asked = ask(path);
    // A failure is not remembered: somebody may repair the installation while we run.
    asked.catch(() => known.delete(path));
    known.set(path, asked);
  }
  return asked;
}

/** @throws FfmpegError FFMPEG_CANNOT naming everything that is lacking and the build that lacks it. */
export function assertFfmpegHas(capabilities: FfmpegCapabilities, needs: FfmpegNeeds, forWhat: string): void {
  const lacking = (['encoders', 'filters', 'muxers'] as const).flatMap((kind) =>
    (needs[kind] ?? [])
      .filter((name) => !capabilities[kind].has(name))
      .map((name) => `${kind.slice(0, -1)} ${name}`),
  );
  if (lacking.length > 0)
    throw new FfmpegError(
      'FFMPEG_CANNOT',
      `${forWhat} needs ${lacking.join(', ')}, which ffmpeg ${capabilities.version} (${capabilities.path}) does not have: ` +
        'install a full build of ffmpeg, or set FFMPEG_PATH to one.',
    );
}

async function ask(path: string): Promise<FfmpegCapabilities> {
  const list = async (what: string) => {
    try {
      const { stdout } = await run(path, ['-hide_banner', what], { timeout: 20_000, maxBuffer: 8 << 20 });
      return stdout;
    } catch (error) {
      throw new FfmpegError(
        'FFMPEG_FAILED',
        `${path} did not answer "${what}": set FFMPEG_PATH to a working ffmpeg, or reinstall it.`,
        error,
      );
    }
  };
  const version = parseVersion(await list('-version'), path);
  const [encoders, filters, muxers] = await Promise.all([
    list('-encoders'),
    list('-filters'),
    list('-muxers'),
  ]);
  return {
    path,
    ...version,
    encoders: parseNames('encoders', encoders),
    filters: parseNames('filters', filters),
    muxers: parseNames('muxers', muxers),
  };
}

/** First line of `ffmpeg -version`. */
export function parseVersion(text: string, path: string): Pick<FfmpegCapabilities, 'version' | 'release'> {
  const version = /^ffmpeg version (\S+)/m.exec(text)?.[1];
  if (version === undefined)
    throw new FfmpegError(
      'FFMPEG_FAILED',
      `${path} is not an ffmpeg (it printed no version): set FFMPEG_PATH to one, or unset it.`,
    );
  const numbers = /^n?(\d+)\.(\d+)/.exec(version);
  return { version, release: numbers ? [Number(numbers[1]), Number(numbers[2])] : null };
}

/** An entry of each listing: columns of flags, then the name. A legend line has `=` where an entry has its name. */
const entryLines = {
  encoders: /^ [A-Z.]{6} ([\w-]+) /,
  // Three flags up to 7.0, two from 7.1 on.
  filters: /^ [A-Z.]{2,3} +([\w-]+) +\S+->/,
  // `DE` up to 6.1, `DEd` (is a device) from 7.0 on; several names may share a line: `mov,mp4`.
  muxers: /^ [D ]E[d ]? *([\w-][\w,-]*) /,
};

/** Names in what `ffmpeg -encoders`, `-filters` or `-muxers` prints. */
export function parseNames(kind: keyof typeof entryLines, text: string): Set<string> {
  const names = new Set<string>();
  for (const line of text.split('\n')) {
    const name = entryLines[kind].exec(line)?.[1];
    if (name !== undefined) for (const each of name.split(',')) names.add(each);
  }
  return names;
}
