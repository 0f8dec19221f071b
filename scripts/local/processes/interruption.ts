import { killRecorded } from './processes.ts';

const PARENT_POLL_MS = 500;
/** One Ctrl-C arrives several times: from the terminal, npm and the bootstrap. Within this time it counts as one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Returns a signal that aborts on SIGINT, SIGTERM or SIGHUP, or when the parent process ends. On a second signal this
 * program stops at once: it kills the processes that the pid files of dataDir name, and exits.
 */
export function onInterruption(dataDir: string): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;

  function interrupt(): void {
    if (!controller.signal.aborted) {
      firstAtMs = performance.now();
      process.stdout.write('\n  Stopping. Press Ctrl-C again to stop at once.\n');
      controller.abort();
    } else if (performance.now() - firstAtMs > SAME_SIGNAL_MS) {
      killRecorded(dataDir);
      process.exit(1);
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  // Writing fails when the terminal is closed. The stop must continue.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);

  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    if (!controller.signal.aborted) interrupt();
  }, PARENT_POLL_MS).unref();
  return controller.signal;
}
