import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import type { Logger } from '#platform/process/logger.ts';
import { createPoller, type Poller } from '#platform/process/poller.ts';
import { indexEventNames, lockUnindexedEvents } from '../store/event-names.ts';
import type { EventDatabase } from '../store/events.ts';

const INDEX_EVERY_MS = 5_000;
const INDEX_BATCH = 100;

/**
 * Adds missing event names to the search index: names of events that were written before the index existed, or by an
 * older replica during an upgrade. Any number of replicas may run it at the same time.
 */
export const createNameIndexer = ({ database, logger }: { database: EventDatabase; logger: Logger }): Poller =>
  createPoller({
    intervalMs: INDEX_EVERY_MS,
    async run() {
      const indexed = await database.$transaction(async (transaction) => {
        const events = await lockUnindexedEvents(transaction, INDEX_BATCH);
        if (events.length > 0) await indexEventNames(transaction, events);
        return events.length;
      }, TRANSACTION_LIMITS);
      if (indexed > 0) logger.info({ events: indexed }, 'event names were added to the search index');
      return indexed === INDEX_BATCH;
    },
    onError: (error) =>
      logger.warn({ err: error }, 'event names could not be added to the search index; it will be tried again'),
  });
