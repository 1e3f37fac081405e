import { spawn } from 'node:child_process';

/**
 * Runs an external program to its end and gives what it printed. Rejects, with its last words, if it fails or takes
 * longer than `timeoutMs`.
 */
export function runTool(
  program: string,
  args: readonly string[],
  input: Uint8Array = new Uint8Array(0),
  timeoutMs = 20_000,
): Promise<{ stdout: Buffer; stderr: string }> {
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
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const said = Buffer.concat(stderr).toString();
      if (code === 0) resolve({ stdout: Buffer.concat(stdout), stderr: said });
      else reject(new Error(`${program} ended with ${code ?? signal}: ${said.slice(-1000)}`));
    });
  });
}

/** ffmpeg that prints errors only; stdin is `input`, and `stdout` what it wrote to `-` or `pipe:1`. */
export function runFfmpeg(args: readonly string[], input?: Uint8Array) {
  return runTool('ffmpeg', ['-hide_banner', '-nostdin', '-v', 'error', '-y', ...args], input);
}

/** ffprobe's findings on `input` as the object that its JSON says. */
export async function runFfprobe(args: readonly string[], input: Uint8Array): Promise<unknown> {
  const { stdout, stderr } = await runTool(
    'ffprobe',
    ['-hide_banner', '-v', 'error', '-of', 'json', ...args, '-i', 'pipe:0'],
    input,
  );
  if (stderr !== '') throw new Error(`ffprobe complains: ${stderr}`);
  return JSON.parse(stdout.toString());
}
