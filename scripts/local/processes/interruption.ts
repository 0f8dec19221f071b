import { killRecorded } from './processes.ts';

const PARENT_POLL_MS = 500;
/** npm and the bootstrap pass a Ctrl-C on that the terminal has sent to everybody already: within this it is one. */
const SAME_SIGNAL_MS = 1_000;

/**
 * Aborts when this program is asked to stop: by SIGINT, SIGTERM or SIGHUP, or because its parent is gone. Asked again
 * it does not wait any longer: it kills what the pid files of dataDir name, and itself.
 */
export function onInterruption(dataDir: string): AbortSignal {
  const controller = new AbortController();
  let firstAtMs = 0;

  function interrupt(): void {
    if (!controller.signal.aborted) {
      firstAtMs = performance.now();
      process.stdout.write('\n  Stopping; Ctrl-C again to force it.\n');
      controller.abort();
    } else if (performance.now() - firstAtMs > SAME_SIGNAL_MS) {
      killRecorded(dataDir);
      process.exit(1);
    }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  // A terminal that is gone refuses what is written to it; the stop goes on.
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
