import { sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor } from '#platform/database/database.ts';
import type { Hold } from '../domain/hold.ts';

/** The columns of a hold for raw SQL, named like the properties of Hold. */
export const HOLD_COLUMNS = columnsOf<Hold>({
  id: sql`holds.id`,
  eventId: sql`holds.event_id AS eventId`,
  userId: sql`holds.user_id AS userId`,
  seatCount: sql`seat_count AS seatCount`,
  status: sql`status`,
  createdAt: sql`created_at AS createdAt`,
  expiresAt: sql`expires_at AS expiresAt`,
  endedAt: sql`ended_at AS endedAt`,
});

/** Returns the holds with these ids, in any order. Unknown ids are left out. */
export const findHolds = (executor: SqlExecutor, ids: readonly string[]): PromiseLike<Hold[]> =>
  executor.$queryRaw<Hold[]>(sql`
    SELECT ${HOLD_COLUMNS}
    FROM JSON_TABLE(${JSON.stringify(ids)}, '$[*]' COLUMNS (
      id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$'
    )) AS wanted
    STRAIGHT_JOIN holds ON holds.id = wanted.id`);
