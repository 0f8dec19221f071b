import { join, sqltag as sql } from '@prisma/client/runtime/client';
import { columnsOf, type SqlExecutor, sqlTime } from '#platform/database/database.ts';
import type { Inventory } from '../domain/inventory.ts';

/** The facts of an event at one version, as the event subgraph reports them. */
export interface EventSnapshot {
  readonly eventId: string;
  readonly organizerId: string;
  readonly startsAt: Date;
  readonly status: Inventory['status'];
  readonly version: number;
  /** The number of seats at the event's creation. Used only when the inventory does not exist yet. */
  readonly initialSeats: number;
  /** The rules of the sale. Undefined when the sender does not know them: they do not change then. */
  readonly salesStartAt?: Date | null | undefined;
  readonly salesEndAt?: Date | null | undefined;
  readonly maxSeatsPerUser?: number | null | undefined;
  /** The rules of cancellations. Undefined when the sender does not know them: they do not change then. */
  readonly cancellationDeadline?: Date | null | undefined;
  readonly cancellationReason?: string | null | undefined;
  /** The id of the request that created this version. Undefined when the facts do not come from a message. */
  readonly correlationId?: string | undefined;
}

const CORRELATION_ID_LENGTH_MAX = 64;

/** The columns of an inventory for raw SQL, named like the properties of Inventory. */
export const INVENTORY_COLUMNS = columnsOf<Inventory>({
  eventId: sql`event_id AS eventId`,
  organizerId: sql`organizer_id AS organizerId`,
  startsAt: sql`starts_at AS startsAt`,
  status: sql`status`,
  salesStartAt: sql`sales_start_at AS salesStartAt`,
  salesEndAt: sql`sales_end_at AS salesEndAt`,
  maxSeatsPerUser: sql`max_seats_per_user AS maxSeatsPerUser`,
  cancellationDeadline: sql`cancellation_deadline AS cancellationDeadline`,
  totalSeats: sql`total_seats AS totalSeats`,
  availableSeats: sql`available_seats AS availableSeats`,
  heldSeats: sql`held_seats AS heldSeats`,
  checkedInSeats: sql`checked_in_seats AS checkedInSeats`,
  nextHoldExpiresAt: sql`next_hold_expires_at AS nextHoldExpiresAt`,
  waitingSeats: sql`waiting_seats AS waitingSeats`,
  lastWaitlistPlace: sql`last_waitlist_place AS lastWaitlistPlace`,
});

/** Returns the inventories of these events, as far as they exist. Always reads from the database. */
export const findInventories = async (executor: SqlExecutor, eventIds: readonly string[]): Promise<Inventory[]> =>
  eventIds.length === 0
    ? []
    : executor.$queryRaw<Inventory[]>(sql`
        SELECT ${INVENTORY_COLUMNS} FROM inventories WHERE event_id IN (${join([...eventIds])})`);

/**
 * Creates the inventories of new events and updates the facts of known events. An older version changes nothing. The
 * rules of the sale and of cancellations are also saved when the version is known, because an older release could have
 * saved it without them. An event with a waiting list becomes due, because its list can end or go on now.
 */
export async function saveEventSnapshots(database: SqlExecutor, facts: readonly EventSnapshot[]): Promise<void> {
  const rows = [...facts]
    .sort((one, other) => (one.eventId < other.eventId ? -1 : 1))
    .map(({ startsAt, salesStartAt, salesEndAt, maxSeatsPerUser, cancellationDeadline, correlationId, ...fact }) => ({
      ...fact,
      startsAt: sqlTime(startsAt),
      salesStartAt: sqlTime(salesStartAt),
      salesEndAt: sqlTime(salesEndAt),
      maxSeatsPerUser: maxSeatsPerUser ?? undefined,
      hasSalesRules: Number(maxSeatsPerUser !== undefined),
      cancellationDeadline: sqlTime(cancellationDeadline),
      hasCancellationRules: Number(cancellationDeadline !== undefined),
      correlationId: correlationId?.slice(0, CORRELATION_ID_LENGTH_MAX),
    }));
  await database.$executeRaw(sql`
    INSERT INTO inventories
      (event_id, organizer_id, starts_at, status, event_version, total_seats, available_seats, sales_start_at,
       sales_end_at, max_seats_per_user, cancellation_deadline, cancellation_reason, facts_correlation_id)
    SELECT event_id, organizer_id, starts_at, status, version, seats, seats, sales_start_at,
           sales_end_at, max_seats_per_user, cancellation_deadline, cancellation_reason, correlation_id
    FROM JSON_TABLE(${JSON.stringify(rows)}, '$[*]' COLUMNS (
      event_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.eventId',
      organizer_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin PATH '$.organizerId',
      starts_at DATETIME(3) PATH '$.startsAt',
      status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin PATH '$.status',
      version INT PATH '$.version',
      seats INT PATH '$.initialSeats',
      sales_start_at DATETIME(3) PATH '$.salesStartAt',
      sales_end_at DATETIME(3) PATH '$.salesEndAt',
      max_seats_per_user INT PATH '$.maxSeatsPerUser',
      has_sales_rules INT PATH '$.hasSalesRules',
      cancellation_deadline DATETIME(3) PATH '$.cancellationDeadline',
      cancellation_reason VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.cancellationReason',
      has_cancellation_rules INT PATH '$.hasCancellationRules',
      correlation_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$.correlationId'
    )) AS facts
    ON DUPLICATE KEY UPDATE
      organizer_id = IF(VALUES(event_version) > event_version, VALUES(organizer_id), inventories.organizer_id),
      starts_at = IF(VALUES(event_version) > event_version, VALUES(starts_at), inventories.starts_at),
      status = IF(VALUES(event_version) > event_version, VALUES(status), inventories.status),
      sales_start_at = IF(${takesSalesRules}, VALUES(sales_start_at), inventories.sales_start_at),
      sales_end_at = IF(${takesSalesRules}, VALUES(sales_end_at), inventories.sales_end_at),
      max_seats_per_user = IF(${takesSalesRules}, VALUES(max_seats_per_user), inventories.max_seats_per_user),
      cancellation_deadline =
        IF(${takesCancellationRules}, VALUES(cancellation_deadline), inventories.cancellation_deadline),
      cancellation_reason = IF(${takesCancellationRules}, VALUES(cancellation_reason), inventories.cancellation_reason),
      facts_correlation_id = CASE
        WHEN VALUES(event_version) > event_version THEN VALUES(facts_correlation_id)
        WHEN VALUES(event_version) = event_version THEN COALESCE(facts_correlation_id, VALUES(facts_correlation_id))
        ELSE facts_correlation_id END,
      next_hold_expires_at =
        IF(inventories.waiting_seats > 0, CURRENT_TIMESTAMP(3), inventories.next_hold_expires_at),
      event_version = GREATEST(VALUES(event_version), event_version)`);
}

const takesCancellationRules = sql`facts.has_cancellation_rules AND VALUES(event_version) >= event_version`;
const takesSalesRules = sql`facts.has_sales_rules AND VALUES(event_version) >= event_version`;
