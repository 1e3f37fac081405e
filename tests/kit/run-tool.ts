import { spawn } from 'node:child_process';

export interface ToolResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs an external program to its end, or ends it after `timeoutMs`, and gives what it printed. */
export function runToEnd(
  program: string,
  args: readonly string[],
  input: Uint8Array = new Uint8Array(0),
  timeoutMs = 20_000,
): Promise<ToolResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => stdout.push(piece));
    child.stderr.on('data', (piece: Buffer) => stderr.push(piece));
    // A program that has read enough closes its input: that is its right.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

/** The same, but rejects with the program's last words if it fails or complains. */
export async function runTool(program: string, args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  const { code, stdout, stderr } = await runToEnd(program, args, input);
  if (code === 0 && stderr === '') return stdout;
  throw new Error(`${program} ended with ${code} and said: ${stderr.slice(-1000)}`);
}

/** ffmpeg that may say nothing but errors, and says none; `input` is its stdin, the result what it wrote to `-`. */
export function runFfmpeg(args: readonly string[], input?: Uint8Array): Promise<Buffer> {
  return runTool('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args], input);
}

/** ffprobe's findings on `input`, as the object that its JSON says. */
export async function runFfprobe(args: readonly string[], input: Uint8Array): Promise<unknown> {
  const stdout = await runTool('ffprobe', ['-v', 'error', '-of', 'json', ...args, '-i', 'pipe:0'], input);
  return JSON.parse(stdout.toString());
}

/**
 * The value of each syntax element that ffmpeg's `trace_headers` finds in a raw stream (`h264`, `hevc`); the last one
 * where it comes more than once. Without pictures ffmpeg fails in the end: that does not matter here.
 */
export async function traceHeaders(
  format: 'h264' | 'hevc',
  input: Uint8Array,
): Promise<Readonly<Record<string, number>>> {
  const args = ['-v', 'trace', '-nostdin', '-f', format, '-i', 'pipe:0', '-c', 'copy'];
  const { stderr } = await runToEnd('ffmpeg', [...args, '-bsf:v', 'trace_headers', '-f', 'null', '-'], input);
  const lines = stderr.matchAll(/^\[trace_headers[^\]]*\] \d+\s+(\S+)\s+[01]+ = (-?\d+)$/gm);
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name, Number(value)]));
}
