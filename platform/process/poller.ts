export type Poller = ReturnType<typeof createPoller>;

/**
 * Starts a loop that calls `run` when nudged and at least every `intervalMs`, one call at a time. While `run` resolves
 * to true (there is more to do), it is called again at once. Nudges during a call lead to one further call `pauseMs`
 * later, so that frequent nudges are handled together. Errors go to `onError`, and the loop continues after the
 * interval.
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
}) {
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
    /** Requests a run now instead of at the next interval. */
    nudge() {
      nudged = true;
      wake();
    },
    /** Lets the current run finish, runs once more for new work, and ends. */
    stop() {
      stopping = true;
      wake();
      return ended;
    },
  };
}
