import { type ChildProcess, fork } from 'node:child_process';

/**
 * The benchmark's own file again, as a child process in another role: servers and viewers shall not share a process.
 * Resolves with what the child sends first; it is ended by `disconnect` or by its own exit.
 */
export function runRole<T>(
  flags: readonly string[],
  role: string,
  ...args: (string | number)[]
): Promise<{ child: ChildProcess; answer: T }> {
  const child = fork(process.argv[1]!, [role, ...args.map(String)], {
    execArgv: [...process.execArgv, ...flags],
  });
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve({ child, answer: answer as T }));
    child.once('exit', (code) => reject(new Error(`the ${role} process ended (${code})`)));
  });
}
