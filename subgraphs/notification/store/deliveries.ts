import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlClient, SqlExecutor } from '#platform/database/database.ts';
import type { FailedAttempt, PendingDelivery } from '../domain/delivery.ts';
import type { Notification, NotificationChannel } from '../domain/notification.ts';
import { type ContactColumns, toRecipient } from './contacts.ts';
import { NOTIFICATION_COLUMNS } from './notifications.ts';

interface DeliveryRow extends Notification, ContactColumns {
  readonly eventName: string | null;
  readonly eventVenue: string | null;
  readonly eventStartsAt: Date | null;
  readonly eventTimeZone: string | null;
  readonly changedStartsAt: Date | null;
  readonly changedVenue: string | null;
  readonly previousStartsAt: Date | null;
  readonly previousVenue: string | null;
}

/**
 * Claims up to `limit` due notifications of a channel, longest due first, and counts an attempt for each. No other
 * process can claim them for `leaseS` seconds. After a crash they are due again when this lease ends.
 */
export async function claimDeliveries(
  database: SqlClient,
  { channel, limit, leaseS }: { channel: NotificationChannel; limit: number; leaseS: number },
): Promise<PendingDelivery[]> {
  const rows = await database.$transaction(async (transaction) => {
    const due = await transaction.$queryRaw<{ id: string }[]>(sql`
      SELECT id FROM notifications
      WHERE status = 'PENDING' AND next_attempt_at <= CURRENT_TIMESTAMP(3) AND channel = ${channel}
      ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
    if (due.length === 0) return [];
    const ids = join(due.map(({ id }) => id));
    await transaction.$executeRaw(sql`
      UPDATE notifications
      SET attempts = attempts + 1, next_attempt_at = CURRENT_TIMESTAMP(3) + INTERVAL ${leaseS} SECOND
      WHERE id IN (${ids})`);
    return transaction.$queryRaw<DeliveryRow[]>(sql`
      SELECT ${NOTIFICATION_COLUMNS}, contacts.name AS name, contacts.email AS email,
        event_facts.name AS eventName, event_facts.venue AS eventVenue, event_facts.starts_at AS eventStartsAt,
        event_facts.time_zone AS eventTimeZone,
        event_changes.starts_at AS changedStartsAt, event_changes.venue AS changedVenue,
        event_changes.previous_starts_at AS previousStartsAt, event_changes.previous_venue AS previousVenue
      FROM notifications
      LEFT JOIN contacts ON contacts.user_id = notifications.user_id
      LEFT JOIN event_facts ON event_facts.event_id = notifications.event_id
      LEFT JOIN event_changes ON event_changes.id = notifications.change_id
      WHERE notifications.id IN (${ids})`);
  });
  return rows.map(toDelivery);
}

/** Marks notifications as SENT. */
export async function markSent(database: SqlExecutor, ids: readonly string[]): Promise<void> {
  await database.$executeRaw(sql`
    UPDATE notifications SET status = 'SENT', sent_at = CURRENT_TIMESTAMP(3)
    WHERE id IN (${join([...ids])}) AND status = 'PENDING'`);
}

/**
 * Reverts attempt number `attempts` of these notifications: it does not count, because the channel was away. The
 * notifications are due immediately, after those that are already due.
 */
export async function markPostponed(database: SqlExecutor, ids: readonly string[], attempts: number): Promise<void> {
  await database.$executeRaw(sql`
    UPDATE notifications SET attempts = attempts - 1, next_attempt_at = CURRENT_TIMESTAMP(3)
    WHERE id IN (${join([...ids])}) AND status = 'PENDING' AND attempts = ${attempts}`);
}

/** Each pause varies by up to this fraction. */
const RETRY_JITTER = 0.1;

/**
 * Saves the outcome of attempt number `attempts`, which failed. Changes nothing if the lease has ended and the next
 * attempt has started: that attempt then determines the outcome.
 */
export async function markAttemptFailed(
  database: SqlExecutor,
  ids: readonly string[],
  { attempts, outcome }: { attempts: number; outcome: FailedAttempt },
): Promise<void> {
  const retryInUs = outcome.status === 'PENDING' ? outcome.retryInMs * 1_000 : 0;
  await database.$executeRaw(sql`
    UPDATE notifications
    SET status = ${outcome.status}, next_attempt_at = CURRENT_TIMESTAMP(3)
      + INTERVAL ROUND(${retryInUs} * (1 - ${RETRY_JITTER} + 2 * ${RETRY_JITTER} * RAND())) MICROSECOND
    WHERE id IN (${join([...ids])}) AND status = 'PENDING' AND attempts = ${attempts}`);
}

function toDelivery({
  name,
  email,
  eventName,
  eventVenue,
  eventStartsAt,
  eventTimeZone,
  changedStartsAt,
  changedVenue,
  previousStartsAt,
  previousVenue,
  ...notification
}: DeliveryRow): PendingDelivery {
  const isEventKnown = eventName !== null && eventStartsAt !== null;
  const timeZone = eventTimeZone ?? 'UTC';
  const isChange = changedStartsAt !== null && previousStartsAt !== null;
  return {
    notification,
    recipient: toRecipient({ name, email }),
    event: isEventKnown ? { name: eventName, venue: eventVenue, startsAt: eventStartsAt, timeZone } : undefined,
    change: isChange ? { startsAt: changedStartsAt, venue: changedVenue, previousStartsAt, previousVenue } : undefined,
  };
}
