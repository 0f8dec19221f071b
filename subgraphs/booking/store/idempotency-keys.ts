import { sqltag as sql } from '@prisma/client/runtime/client';
import type { Prune } from '#platform/database/pruning.ts';
import type { BookingDatabase } from './database.ts';

/** A pruning step that deletes keys older than `ttlS` seconds by the database's clock. */
export const pruneIdempotencyKeys =
  (database: BookingDatabase, ttlS: number): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM idempotency_keys
      WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL ${ttlS} SECOND LIMIT ${limit}`);
