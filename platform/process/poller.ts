export type Poller = ReturnType<typeof createPoller>;

/**
 * Starts a loop that calls `run` when nudged and at least every `intervalMs`, one call at a time. While `run` resolves
 * to true (there is more to do), it is called again at once. A nudge leads to a call at once, but not earlier than
 * `pauseMs` after the last call, so that frequent nudges are handled together. Errors go to `onError`, and the loop
 * continues after the interval.
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
  /** Ends the current wait after a time. */
  let endWaitIn: (waitMs: number) => void = () => undefined;
  let endedAtMs = Number.NEGATIVE_INFINITY;

  async function attempt(): Promise<boolean> {
    try {
      return await run();
    } catch (error) {
      onError(error);
      nudged = false;
      return false;
    }
  }

  function wait(): Promise<void> {
    return new Promise((resolve) => {
      let timer = setTimeout(resolve, intervalMs);
      endWaitIn = (waitMs) => {
        clearTimeout(timer);
        if (waitMs <= 0) resolve();
        else timer = setTimeout(resolve, waitMs);
      };
      if (nudged) endWaitIn(pauseMs);
    });
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      nudged = false;
      const more = await attempt();
      endedAtMs = performance.now();
      if (!more && !stopping) await wait();
    }
    await attempt();
  }
  const ended = loop();

  return {
    /** Requests a run now instead of at the next interval. */
    nudge() {
      if (nudged) return;
      nudged = true;
      endWaitIn(endedAtMs + pauseMs - performance.now());
    },
    /** Lets the current run finish, runs once more for new work, and ends. */
    stop() {
      stopping = true;
      endWaitIn(0);
      return ended;
    },
  };
}
