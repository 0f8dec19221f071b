import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor, sqlTime } from '#platform/database/database.ts';
import type { Prune } from '#platform/database/pruning.ts';
import type { EventChange, SeatsOfUser } from '../domain/event-change.ts';

/** A booking that was confirmed or cancelled. */
export interface EventBooking {
  readonly eventId: string;
  readonly userId: string;
  readonly bookingId: string;
  readonly seatCount: number;
  /** Null when the message says only that it was cancelled. */
  readonly confirmedAt: Date | null;
}

/**
 * Saves bookings, in any order of their messages: a booking whose cancellation has arrived stays cancelled. Bookings of
 * deleted users are left out.
 */
export async function saveEventBookings(transaction: SqlExecutor, bookings: readonly EventBooking[]): Promise<void> {
  const rows = [...bookings]
    .sort((one, other) => (one.bookingId < other.bookingId ? -1 : 1))
    .map(({ confirmedAt, ...row }) => ({
      ...row,
      confirmedAt: sqlTime(confirmedAt),
      isCancelled: Number(confirmedAt === null),
    }));
  await transaction.$executeRaw(sql`
    INSERT INTO event_bookings (event_id, user_id, booking_id, seat_count, confirmed_at, is_cancelled)
    SELECT event_id, user_id, booking_id, seat_count, confirmed_at, is_cancelled
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.eventId',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.userId',
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.bookingId',
      seat_count INT PATH '$.seatCount',
      confirmed_at DATETIME(3) PATH '$.confirmedAt',
      is_cancelled INT PATH '$.isCancelled'
    )) AS booking
    WHERE NOT EXISTS (SELECT 1 FROM deleted_users WHERE deleted_users.user_id = booking.user_id)
    ON DUPLICATE KEY UPDATE
      is_cancelled = GREATEST(event_bookings.is_cancelled, VALUES(is_cancelled)),
      confirmed_at = COALESCE(event_bookings.confirmed_at, VALUES(confirmed_at))`);
}

/** So long after a change, the transactions that saved bookings without seeing it have ended. */
const DELAY_S = 10;

/** Saves changes whose users are to be notified. A known change stays as it is. */
export async function saveEventChanges(transaction: SqlExecutor, changes: readonly EventChange[]): Promise<void> {
  const rows = changes.map(({ startsAt, previousStartsAt, changedAt, ...row }) => ({
    ...row,
    startsAt: sqlTime(startsAt),
    previousStartsAt: sqlTime(previousStartsAt),
    changedAt: sqlTime(changedAt),
  }));
  await transaction.$executeRaw(sql`
    INSERT INTO event_changes
      (id, event_id, starts_at, venue, previous_starts_at, previous_venue, changed_at, request_id, due_at)
    SELECT id, event_id, starts_at, venue, previous_starts_at, previous_venue, changed_at, request_id,
      CURRENT_TIMESTAMP(3) + INTERVAL ${DELAY_S} SECOND
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PATH '$.id',
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.eventId',
      starts_at DATETIME(3) PATH '$.startsAt',
      venue VARCHAR(200) PATH '$.venue',
      previous_starts_at DATETIME(3) PATH '$.previousStartsAt',
      previous_venue VARCHAR(200) PATH '$.previousVenue',
      changed_at DATETIME(3) PATH '$.changedAt',
      request_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.requestId'
    )) AS added
    ON DUPLICATE KEY UPDATE event_id = event_changes.event_id`);
}

const CHANGE_COLUMNS = columnsOf<EventChange>({
  id: sql`event_changes.id`,
  eventId: sql`event_changes.event_id AS eventId`,
  startsAt: sql`event_changes.starts_at AS startsAt`,
  venue: sql`event_changes.venue`,
  previousStartsAt: sql`previous_starts_at AS previousStartsAt`,
  previousVenue: sql`previous_venue AS previousVenue`,
  changedAt: sql`changed_at AS changedAt`,
  requestId: sql`event_changes.request_id AS requestId`,
});

/** A change with users who have no notification yet. */
export interface DueChange extends EventChange {
  /** The users up to this id have their notifications. */
  readonly afterUserId: string;
  /** Whether the event will take place. If not, nobody is told of the change. */
  readonly isAhead: boolean;
}

/** Locks the change that is due the longest, until the transaction ends. Changes that others have locked are skipped. */
export async function lockDueChange(transaction: SqlExecutor): Promise<DueChange | undefined> {
  const [change] = await transaction.$queryRaw<(EventChange & { afterUserId: string })[]>(sql`
    SELECT ${CHANGE_COLUMNS}, after_user_id AS afterUserId
    FROM event_changes FORCE INDEX (event_changes_due_at_idx)
    WHERE due_at <= CURRENT_TIMESTAMP(3) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED`);
  if (change === undefined) return undefined;
  const ahead = await transaction.$queryRaw<unknown[]>(sql`
    SELECT 1 FROM event_facts
    WHERE event_id = ${change.eventId} AND status = 'SCHEDULED' AND starts_at > CURRENT_TIMESTAMP(3)`);
  return { ...change, isAhead: ahead.length > 0 };
}

/** Returns the next users in order of their ids who had confirmed seats when the event changed, and still have them. */
export async function findUsersToTell(
  transaction: SqlExecutor,
  { eventId, changedAt, afterUserId }: DueChange,
  limit: number,
): Promise<SeatsOfUser[]> {
  const rows = await transaction.$queryRaw<{ userId: string; seatCount: number | bigint }[]>(sql`
    SELECT user_id AS userId, CAST(SUM(seat_count) AS SIGNED) AS seatCount
    FROM event_bookings FORCE INDEX (PRIMARY)
    WHERE event_id = ${eventId} AND user_id > ${afterUserId} AND is_cancelled = FALSE AND confirmed_at <= ${changedAt}
    GROUP BY user_id ORDER BY user_id LIMIT ${limit}`);
  return rows.map(({ userId, seatCount }) => ({ userId, seatCount: Number(seatCount) }));
}

/** Saves that the users up to this id have their notifications. Undefined: all users have them. */
export async function saveProgress(
  transaction: SqlExecutor,
  { id }: EventChange,
  afterUserId: string | undefined,
): Promise<void> {
  if (afterUserId === undefined) {
    await transaction.$executeRaw(sql`UPDATE event_changes SET due_at = NULL WHERE id = ${id}`);
    return;
  }
  await transaction.$executeRaw(sql`
    UPDATE event_changes SET after_user_id = ${afterUserId}, due_at = CURRENT_TIMESTAMP(3) WHERE id = ${id}`);
}

/**
 * Returns the changes of events that happened after these bookings were confirmed. Their users may have been told before
 * the messages about these bookings arrived. Cancelled bookings and events that do not take place are left out.
 */
export async function findLaterChanges(
  transaction: SqlExecutor,
  bookings: readonly EventBooking[],
): Promise<{ change: EventChange; user: SeatsOfUser }[]> {
  const rows = bookings.map(({ eventId, userId, bookingId, confirmedAt }) => [
    eventId,
    userId,
    bookingId,
    sqlTime(confirmedAt),
  ]);
  const found = await transaction.$queryRaw<(EventChange & SeatsOfUser)[]>(sql`
    SELECT ${CHANGE_COLUMNS}, event_bookings.user_id AS userId, seat_count AS seatCount
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[0]',
      user_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[1]',
      booking_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$[2]',
      confirmed_at DATETIME(3) PATH '$[3]'
    )) AS booking
    STRAIGHT_JOIN event_changes FORCE INDEX (event_changes_event_id_changed_at_idx)
      ON event_changes.event_id = booking.event_id AND changed_at >= booking.confirmed_at
    STRAIGHT_JOIN event_bookings FORCE INDEX (PRIMARY)
      ON event_bookings.event_id = booking.event_id AND event_bookings.user_id = booking.user_id
        AND event_bookings.booking_id = booking.booking_id
    STRAIGHT_JOIN event_facts ON event_facts.event_id = booking.event_id
    WHERE is_cancelled = FALSE AND event_facts.status = 'SCHEDULED' AND event_facts.starts_at > CURRENT_TIMESTAMP(3)`);
  return found.map(({ userId, seatCount, ...change }) => ({ change, user: { userId, seatCount } }));
}

/** Returns the changes with these ids, in any order. Unknown ids are left out. */
export const findEventChanges = async (executor: SqlExecutor, ids: readonly string[]): Promise<EventChange[]> =>
  ids.length === 0
    ? []
    : executor.$queryRaw<EventChange[]>(sql`
        SELECT ${CHANGE_COLUMNS} FROM event_changes WHERE id IN (${join([...ids])})`);

/** Deletes changes that happened so long ago that no notification is about them. */
export const pruneEventChanges =
  (database: SqlExecutor, keepDays: number): Prune =>
  (limit) =>
    database.$executeRaw(sql`
      DELETE FROM event_changes WHERE changed_at < CURRENT_TIMESTAMP(3) - INTERVAL ${keepDays} DAY
      ORDER BY changed_at LIMIT ${limit}`);
