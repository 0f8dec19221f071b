import { sqltag as sql } from '@prisma/client/runtime/client';
import type { BookingDatabase } from './database.ts';

/** Deletes keys older than their time to live by the database's clock, at most `limit`; answers how many. */
export const pruneIdempotencyKeys = (
  database: BookingDatabase,
  { ttlS, limit }: { ttlS: number; limit: number },
): Promise<number> =>
  database.$executeRaw(sql`
    DELETE FROM idempotency_keys WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL ${ttlS} SECOND LIMIT ${limit}`);
