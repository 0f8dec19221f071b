import { setImmediate } from 'node:timers/promises';
import type { Logger } from '#platform/process/logger.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import { createPoller, type Poller } from '#platform/process/poller.ts';

/**
 * Starts a loop that claims due work in the database, attempts it, and saves how each attempt ended. `roomFor` bounds the
 * attempts at once. When one ends, the next one starts, so an attempt that hangs does not delay the others. No
 * transaction is open during an attempt.
 *
 * The worker saves ended attempts before it claims more work, so it does not repeat them while the database is
 * unavailable. If the process crashes before it saves an attempt, or if `attempt` rejects, the work is attempted again
 * after the lease of `claim`. `stop` starts no more attempts and waits for those in flight.
 */
export function createAttemptWorker<Claimed, Ended>({
  what,
  pollMs,
  pauseMs = 0,
  roomFor,
  claim,
  attempt,
  save,
  idsOf,
  logger,
}: {
  /** The work, for the log, like "the delivery of webhooks". */
  what: string;
  pollMs: number;
  /** Under load, this pause collects ended attempts and due work, so that they are saved and claimed in batches. */
  pauseMs?: number;
  /** Returns how many attempts may start now, in addition to the given number of attempts in flight. */
  roomFor: (inFlight: number) => number;
  /** Claims up to `room` pieces of due work, so that no other process gets them before an attempt can have ended. */
  claim: (room: number, inFlight: readonly Claimed[]) => Promise<readonly Claimed[]>;
  attempt: (claimed: Claimed) => Promise<Ended>;
  /** Saves attempts, oldest first. Must have no further effect when it is called again after it has failed. */
  save: (ended: readonly Ended[]) => Promise<void>;
  /** The ids that a line of the log has about an attempt that rejects. */
  idsOf: (claimed: Claimed) => object;
  logger: Logger;
}): Poller {
  const inFlight = new Map<Promise<void>, Claimed>();
  /** Attempts that are not saved yet, oldest first. */
  const ended: Ended[] = [];
  const outage = createOutageLog({
    logger,
    began: `${what} was interrupted; it will be retried`,
    over: `${what} goes on`,
  });
  let stopping = false;

  const poller = createPoller({
    intervalMs: pollMs,
    pauseMs,
    async run() {
      const room = stopping ? 0 : roomFor(inFlight.size);
      await saveEnded();
      const claimed = room > 0 ? await claim(room, [...inFlight.values()]) : [];
      for (const one of claimed) begin(one);
      // Attempts that end immediately are saved in the same run.
      await setImmediate();
      await saveEnded();
      outage.succeeded();
      return room > 0 && claimed.length === room && roomFor(inFlight.size) > 0;
    },
    onError: (error) => outage.failed({ err: error }),
  });

  function begin(claimed: Claimed): void {
    const attempted = attempt(claimed)
      .then(
        (one) => void ended.push(one),
        (error) => logger.error({ err: error, ...idsOf(claimed) }, `${what} failed; it will be retried`),
      )
      .then(() => {
        inFlight.delete(attempted);
        poller.nudge();
      });
    inFlight.set(attempted, claimed);
  }

  /** @throws while the database is unavailable; the unsaved attempts are kept for the next call */
  async function saveEnded(): Promise<void> {
    const saving = [...ended];
    if (saving.length > 0) await save(saving);
    ended.splice(0, saving.length);
  }

  return {
    nudge: poller.nudge,
    async stop() {
      stopping = true;
      await poller.stop();
      await Promise.all(inFlight.keys());
      await saveEnded();
    },
  };
}
