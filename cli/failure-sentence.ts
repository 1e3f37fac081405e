/** What to tell of a failure that no command has words for: the machine's limits in plain words, else the error's own. */
export function failureSentence(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === 'ENOENT' && syscall === 'uv_cwd')
    return 'The current folder no longer exists; change to another one.';
  if (code === 'EMFILE' || code === 'ENFILE')
    return 'Too many files are open on this machine; raise the limit (ulimit -n).';
  if (code === 'ENOSPC') return 'The disk is full.';
  return error instanceof Error ? error.message : String(error);
}
