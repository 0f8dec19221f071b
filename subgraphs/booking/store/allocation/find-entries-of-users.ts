import { sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import { userOfEvent } from '../../domain/draft.ts';
import type { JoinRequest } from '../../domain/seat-requests.ts';
import type { WaitlistEntry } from '../../domain/waitlist.ts';
import { WAITLIST_COLUMNS } from '../find-waitlist-entries.ts';

/** Returns the entries of the users who want to join: those that wait or have an open offer. */
export async function findEntriesOfUsers(
  transaction: SqlExecutor,
  requests: readonly JoinRequest[],
): Promise<WaitlistEntry[]> {
  const users = new Map(requests.map(({ eventId, userId }) => [userOfEvent({ eventId, userId }), [eventId, userId]]));
  return transaction.$queryRaw<WaitlistEntry[]>(sql`
    SELECT ${WAITLIST_COLUMNS}
    FROM JSON_TABLE(${JSON.stringify([...users.values()])}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]'
    )) AS wanted
    STRAIGHT_JOIN waitlist_entries FORCE INDEX (waitlist_entries_user_id_event_id_status_idx)
      ON waitlist_entries.user_id = wanted.user_id AND waitlist_entries.event_id = wanted.event_id
         AND waitlist_entries.status IN ('WAITING', 'OFFERED')
    LEFT JOIN holds ON holds.id = waitlist_entries.hold_id
    WHERE waitlist_entries.status = 'WAITING' OR holds.status = 'HELD'`);
}
