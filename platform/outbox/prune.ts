import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '../database/database.ts';
import type { Prune } from '../database/pruning.ts';

/** How long published messages are kept, and so how far back `replayOutbox` reaches. */
export const OUTBOX_KEEP_HOURS = 24;

/** Deletes messages that were published more than OUTBOX_KEEP_HOURS ago. Unpublished messages stay. */
export const pruneOutbox =
  (database: SqlExecutor): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM outbox WHERE published_at < CURRENT_TIMESTAMP(3) - INTERVAL ${OUTBOX_KEEP_HOURS} HOUR LIMIT ${limit}`);
