/** Two signals closer than this are one: npm hands Ctrl-C on to a child that got it from the terminal already. */
const SAME_PRESS_MS = 400;

/** The parts of `process` that are used, so that a test can press Ctrl-C without any. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
}

/**
 * The first Ctrl-C (or SIGTERM, SIGHUP) asks for a clean end: the signal is aborted, and whoever works sees it. The
 * second ends the process at once. To be set up before anything else is.
 */
export function onInterruption(
  source: SignalSource,
  nowMs: () => number,
  asked: (signalName: string) => void,
  forced: () => void,
): AbortSignal {
  const controller = new AbortController();
  let firstMs: number | null = null;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    source.on(name, () => {
      if (firstMs === null) {
        firstMs = nowMs();
        asked(name);
        controller.abort(name);
      } else if (nowMs() - firstMs > SAME_PRESS_MS) forced();
    });
  return controller.signal;
}
