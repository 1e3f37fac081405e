import { ProtocolError } from '../../core/media.ts';

/** The code of the `ProtocolError` that `run` throws, or `no error`. Any other error is a bug and goes on. */
export function errorCode(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'no error';
}
