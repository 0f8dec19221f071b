import type { SqlClient } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import type { EventFactsClient } from '../event-facts-client.ts';
import { saveEventDetails } from '../store/event-details.ts';
import { assignMessages, findUnknownEvents } from '../store/webhook-messages.ts';

const POLL_MS = 1_000;
const BATCH = 100;
/** The message about an event takes much less than this time. */
const ASK_AFTER_S = 10;
/** The event subgraph is asked at most this often, also when it does not answer. */
const ASK_EVERY_MS = 5_000;

/**
 * Turns messages about bookings into deliveries when the organizer of the event is known: usually when the message about
 * the event arrives. Events that were last saved by a version before webhooks have no organizer here. For these, it asks
 * the event subgraph. Any number of replicas may run it.
 */
export function createMessageAssigner({
  eventFacts,
  onAssigned,
  newId,
  database,
  logger,
}: {
  eventFacts: EventFactsClient;
  onAssigned: () => void;
  newId: () => string;
  database: SqlClient;
  logger: Logger;
}): Poller {
  let askAtMs = Number.NEGATIVE_INFINITY;
  const outage = createOutageLog({
    logger,
    began: 'webhook messages cannot be assigned; it will be tried again',
    over: 'webhook messages are assigned again',
  });

  async function ask(): Promise<void> {
    if (performance.now() < askAtMs) return;
    askAtMs = performance.now() + ASK_EVERY_MS;
    const unknown = await findUnknownEvents(database, ASK_AFTER_S, BATCH);
    if (unknown.length === 0) return;
    const facts = await eventFacts.fetch(unknown);
    if (facts.length > 0) await saveEventDetails(database, facts);
    logger.info({ asked: unknown.length, found: facts.length }, 'asked the event subgraph for organizers');
  }

  return createPoller({
    intervalMs: POLL_MS,
    async run() {
      const assigned = await database.$transaction((transaction) => assignMessages(transaction, BATCH, newId));
      if (assigned > 0) onAssigned();
      if (assigned === BATCH) return true;
      await ask();
      outage.succeeded();
      return false;
    },
    onError: (error) => outage.failed({ err: error }),
  });
}
