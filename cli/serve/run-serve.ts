import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pino } from 'pino';
import { type ServerConfigInput, serverConfigSchema } from '../../server/config.ts';
import { parseServerConfig, ServerConfigError } from '../../server/config-file.ts';
import { findPlayerFiles } from '../../server/player-page/player-files.ts';
import { type ReferenceStack, startReferenceStack } from '../../server/reference-stack.ts';
import type { Context } from '../command.ts';
import { CommandError, type ExitCode, exitCodes } from '../exit-codes.ts';
import { signedText, signStreamUrls } from './sign-urls.ts';

export interface ServeFlags {
  readonly config: string | undefined;
  readonly host: string | undefined;
  readonly rtmpPort: number | undefined;
  readonly httpPort: number | undefined;
  readonly hlsPort: number | undefined;
  /** Set: nothing is started, the stream's signed URLs are printed. */
  readonly sign: string | undefined;
  readonly forMs: number | undefined;
  readonly json: boolean;
}

const defaultSignedMs = 3_600_000;

/** `streamgauge serve`: the reference stack until a signal comes, which is its normal end. */
export async function runServe(flags: ServeFlags, context: Context): Promise<ExitCode> {
  const { terminal, interrupted, entryPath } = context;
  const config = await serverConfig(flags);
  if (flags.sign !== undefined) {
    const complete = serverConfigSchema.parse(config);
    const urls = signStreamUrls(flags.sign, flags.forMs ?? defaultSignedMs, complete, Date.now());
    terminal.out(flags.json ? `${JSON.stringify(urls)}\n` : signedText(urls));
    return exitCodes.passed;
  }
  // Results go to standard output, everything else to standard error.
  const log = pino({ base: null }, pino.destination({ fd: 2, sync: true }));
  const stack = await startReferenceStack({
    entries: {
      ingest: entryPath('server/ingest/process'),
      deliver: entryPath('server/deliver/process'),
      player: findPlayerFiles(
        entryPath('server/player-page/browser/main'),
        createRequire(import.meta.url).resolve,
      ),
    },
    config,
    log,
  }).catch((error: Error) => {
    throw new CommandError(exitCodes.unexpectedFailure, error.message);
  });
  try {
    const { rtmpUrl, httpUrl, hlsUrl } = stack;
    if (flags.json)
      terminal.out(
        `${JSON.stringify({ event: 'ready', rtmp: rtmpUrl, http: httpUrl, hls: hlsUrl, ...secureUrls(stack), pid: process.pid })}\n`,
      );
    else terminal.out(readyText(rtmpUrl, httpUrl, hlsUrl ?? ''));
    await aborted(interrupted);
  } finally {
    await stack.stop();
  }
  return exitCodes.passed;
}

/** The file's configuration with the flags over it. */
async function serverConfig({
  config: file,
  host,
  rtmpPort,
  httpPort,
  hlsPort,
}: ServeFlags): Promise<ServerConfigInput> {
  const base = file === undefined ? serverConfigSchema.parse({}) : await readConfig(file);
  return {
    ...base,
    ...(host !== undefined && { host }),
    ingest: {
      ...base.ingest,
      ...(rtmpPort !== undefined && { rtmpPort }),
      ...(httpPort !== undefined && { httpPort }),
    },
    deliver: { ...base.deliver, ...(hlsPort !== undefined && { port: hlsPort }) },
  };
}

async function readConfig(file: string) {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CommandError(
      exitCodes.invalidScenario,
      missing ? `${file}: no such file` : `${file}: could not be read (${(error as Error).message})`,
    );
  }
  try {
    return parseServerConfig(text, file);
  } catch (error) {
    if (error instanceof ServerConfigError) throw new CommandError(exitCodes.invalidScenario, error.message);
    throw error;
  }
}

function readyText(rtmpUrl: string, httpUrl: string, hlsUrl: string): string {
  return `The reference stack is ready.

  publish  ${rtmpUrl}/live/NAME      e.g. streamgauge publish ${rtmpUrl}/live/a
  watch    ${rtmpUrl}/live/NAME      e.g. streamgauge watch ${rtmpUrl}/live/a
           ${httpUrl}/live/NAME.flv  e.g. streamgauge watch ${httpUrl}/live/a.flv
           ${hlsUrl}/live/NAME.m3u8  e.g. streamgauge watch ${hlsUrl}/live/a.m3u8
  in a browser  ${hlsUrl}/player/

Ctrl-C ends it.
`;
}

/** Only where there is TLS. */
function secureUrls({ rtmpsUrl, httpsUrl }: ReferenceStack): { rtmps?: string; https?: string } {
  return rtmpsUrl === null || httpsUrl === null ? {} : { rtmps: rtmpsUrl, https: httpsUrl };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
