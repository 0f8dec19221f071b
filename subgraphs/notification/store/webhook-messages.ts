import { join, sqltag as sql } from '@prisma/client/runtime/client';
import type { SqlExecutor } from '#platform/database/database.ts';
import type { WebhookKind, WebhookMessage } from '../domain/webhook.ts';
import { markWebhooksDue } from './webhook-queue.ts';

/** A message about an event of this organizer. */
export interface OrganizersMessage extends WebhookMessage {
  readonly organizerId: string;
}

/** A message about a booking of this event. */
export interface BookingMessage extends WebhookMessage {
  readonly eventId: string;
}

/**
 * Adds a PENDING delivery of each message for each endpoint of its organizer that is on and receives its kind. There is
 * one for each endpoint and message, however often a message comes.
 */
export async function deliverToWebhooks(
  transaction: SqlExecutor,
  messages: readonly OrganizersMessage[],
  newId: () => string,
): Promise<void> {
  const organizerIds = [...new Set(messages.map(({ organizerId }) => organizerId))];
  if (organizerIds.length === 0) return;
  const webhooks = await transaction.$queryRaw<{ id: string; userId: string; kinds: string }[]>(sql`
    SELECT id, user_id AS userId, kinds FROM webhooks WHERE user_id IN (${join(organizerIds)}) AND enabled`);
  const byOwner = Map.groupBy(webhooks, ({ userId }) => userId);
  const deliveries = messages.flatMap(({ organizerId, ...message }) =>
    (byOwner.get(organizerId) ?? [])
      .filter(({ kinds }) => kinds.split(',').includes(message.kind))
      .map(({ id: webhookId }) => ({ ...message, webhookId })),
  );
  if (deliveries.length === 0) return;
  const rows = deliveries.map(
    ({ webhookId, messageId, kind, payload, requestId }) =>
      sql`(${newId()}, ${webhookId}, ${messageId}, ${kind}, ${payload}, ${requestId}, '[]')`,
  );
  await transaction.$executeRaw(sql`
    INSERT INTO webhook_deliveries (id, webhook_id, message_id, kind, payload, request_id, log) VALUES ${join(rows)}
    ON DUPLICATE KEY UPDATE webhook_id = webhook_deliveries.webhook_id`);
  await markWebhooksDue(
    transaction,
    deliveries.map(({ webhookId }) => webhookId),
  );
}

/**
 * Adds deliveries like deliverToWebhooks, for the organizers of the events. A message of an event whose organizer is
 * not known here is kept for assignMessages.
 */
export async function deliverBookingsToWebhooks(
  transaction: SqlExecutor,
  messages: readonly BookingMessage[],
  newId: () => string,
): Promise<void> {
  const eventIds = [...new Set(messages.map(({ eventId }) => eventId))];
  if (eventIds.length === 0) return;
  const known = await transaction.$queryRaw<{ eventId: string; organizerId: string }[]>(sql`
    SELECT event_id AS eventId, organizer_id AS organizerId FROM event_facts
    WHERE event_id IN (${join(eventIds)}) AND organizer_id IS NOT NULL`);
  const organizers = new Map(known.map(({ eventId, organizerId }) => [eventId, organizerId]));
  const assigned = messages.flatMap(({ eventId, ...message }) => {
    const organizerId = organizers.get(eventId);
    return organizerId === undefined ? [] : [{ ...message, organizerId }];
  });
  await deliverToWebhooks(transaction, assigned, newId);
  const unassigned = messages.filter(({ eventId }) => !organizers.has(eventId));
  if (unassigned.length === 0) return;
  const rows = unassigned.map(
    ({ messageId, eventId, kind, payload, requestId }) =>
      sql`(${messageId}, ${eventId}, ${kind}, ${payload}, ${requestId})`,
  );
  await transaction.$executeRaw(sql`
    INSERT INTO unassigned_messages (message_id, event_id, kind, payload, request_id) VALUES ${join(rows)}
    ON DUPLICATE KEY UPDATE event_id = unassigned_messages.event_id`);
}

/**
 * Turns up to `limit` unassigned messages whose organizer is known now into deliveries, and returns their number. The
 * message about an event may arrive after messages about its bookings.
 */
export async function assignMessages(transaction: SqlExecutor, limit: number, newId: () => string): Promise<number> {
  const rows = await transaction.$queryRaw<(WebhookMessage & { organizerId: string })[]>(sql`
    SELECT message_id AS messageId, kind, payload, request_id AS requestId, organizer_id AS organizerId
    FROM unassigned_messages JOIN event_facts ON event_facts.event_id = unassigned_messages.event_id
    WHERE organizer_id IS NOT NULL
    ORDER BY message_id LIMIT ${limit} FOR UPDATE SKIP LOCKED`);
  if (rows.length === 0) return 0;
  await deliverToWebhooks(
    transaction,
    rows.map((row) => ({ ...row, kind: row.kind as WebhookKind })),
    newId,
  );
  await transaction.$executeRaw(sql`
    DELETE FROM unassigned_messages WHERE message_id IN (${join(rows.map(({ messageId }) => messageId))})`);
  return rows.length;
}

/** Returns up to `limit` events whose organizer is still not known, `afterS` seconds after a message about a booking. */
export async function findUnknownEvents(database: SqlExecutor, afterS: number, limit: number): Promise<string[]> {
  const rows = await database.$queryRaw<{ eventId: string }[]>(sql`
    SELECT DISTINCT unassigned_messages.event_id AS eventId
    FROM unassigned_messages LEFT JOIN event_facts ON event_facts.event_id = unassigned_messages.event_id
    WHERE unassigned_messages.created_at <= CURRENT_TIMESTAMP(3) - INTERVAL ${afterS} SECOND AND organizer_id IS NULL
    LIMIT ${limit}`);
  return rows.map(({ eventId }) => eventId);
}
