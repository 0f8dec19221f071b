/** A background loop. */
export interface Poller {
  /** Runs it now instead of at the next interval. */
  nudge(): void;
  /** Lets the current run finish, runs once more for what came meanwhile, and ends. */
  stop(): Promise<void>;
}

/**
 * Calls `run` when nudged and at least every `intervalMs`, one call at a time; again at once while `run` answers that
 * there is more to do. Nudges that come while it runs are answered `pauseMs` later, all by one call: what is alone does
 * not wait, and a crowd goes together. An error goes to `onError` and the loop goes on after the interval: it never
 * ends silently.
 */
export function createPoller({
  intervalMs,
  pauseMs = 0,
  run,
  onError,
}: {
  intervalMs: number;
  pauseMs?: number;
  run: () => Promise<boolean>;
  onError: (error: unknown) => void;
}): Poller {
  let nudged = false;
  let stopping = false;
  let wake: () => void = () => undefined;

  async function attempt(): Promise<boolean> {
    try {
      return await run();
    } catch (error) {
      onError(error);
      nudged = false;
      return false;
    }
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      nudged = false;
      const more = await attempt();
      if (more || stopping) continue;
      const isPause = nudged;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, isPause ? pauseMs : intervalMs);
        if (isPause) return;
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await attempt();
  }
  const ended = loop();

  return {
    nudge() {
      nudged = true;
      wake();
    },
    stop() {
      stopping = true;
      wake();
      return ended;
    },
  };
}
