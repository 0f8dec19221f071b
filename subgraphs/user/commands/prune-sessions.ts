import type { Logger } from '#platform/logger.ts';
import { createWorker, type Worker } from '#platform/worker.ts';
import { deleteExpiredSessions } from '../store/sessions.ts';
import type { UserDatabase } from '../store/users.ts';

const PRUNE_EVERY_MS = 600_000;
const PRUNE_BATCH = 1_000;

/** Deletes expired sessions in the background. Any number of replicas may do it. */
export const createSessionPruner = ({ database, logger }: { database: UserDatabase; logger: Logger }): Worker =>
  createWorker({
    intervalMs: PRUNE_EVERY_MS,
    run: async () => (await deleteExpiredSessions(database, PRUNE_BATCH)) === PRUNE_BATCH,
    onError: (error) => logger.warn({ err: error }, 'expired sessions could not be pruned; tried again later'),
  });
