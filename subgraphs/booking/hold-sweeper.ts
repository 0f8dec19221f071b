import type { Logger } from '#platform/process/logger.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import { createPoller } from '#platform/process/poller.ts';
import type { BookingDependencies } from './commands/dependencies.ts';
import { findEventsWithDueHolds } from './store/holds.ts';

const SWEEP_EVERY_MS = 750;
/** Spreads the sweeps of several processes. With it, seats are back within 2 s after their expiry. */
const JITTER_MS = 250;
const EVENTS_MAX = 256;

/**
 * Starts the loop that gives back the seats of expired holds, and serves and ends waiting lists. Every process looks for
 * all events that are due in an index and sends one request for each to its allocator. A process that dies leaves nothing
 * behind, because all others find the same events. The loop does not wait for the requests: one for a locked event does
 * not delay the others.
 */
export function createHoldSweeper(
  { sql, allocator, relay }: Pick<BookingDependencies, 'sql' | 'allocator' | 'relay'>,
  logger: Logger,
) {
  const outageLog = createOutageLog({
    logger,
    began: 'expired holds could not give back their seats; it will be tried again',
    over: 'expired holds give back their seats again',
  });
  const sweeping = new Map<string, Promise<void>>();
  let stopping = false;

  const poller = createPoller({
    intervalMs: SWEEP_EVERY_MS + Math.random() * JITTER_MS,
    async run() {
      if (stopping) return false;
      const eventIds = await findEventsWithDueHolds(sql, EVENTS_MAX);
      outageLog.succeeded();
      const isFull = eventIds.length === EVENTS_MAX;
      for (const eventId of eventIds) if (!sweeping.has(eventId)) sweeping.set(eventId, sweep(eventId, isFull));
      return false;
    },
    onError: (error) => outageLog.failed({ err: error }),
  });

  async function sweep(eventId: string, mayHaveMoreEvents: boolean): Promise<void> {
    try {
      const { isDue } = await allocator.submit({ kind: 'expire-holds', eventId });
      relay.nudge();
      if (isDue || mayHaveMoreEvents) poller.nudge();
    } catch (error) {
      outageLog.failed({ err: error });
    } finally {
      sweeping.delete(eventId);
    }
  }

  return {
    /** Ends the loop after the requests that are under way. */
    async stop(): Promise<void> {
      stopping = true;
      await poller.stop();
      await Promise.all(sweeping.values());
    },
  };
}
