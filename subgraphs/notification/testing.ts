import { v7 as newId } from 'uuid';
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { createSqlClient } from '#platform/database/transactions.ts';
import { createSealer } from '#platform/messaging/sealer.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import { WEBHOOK_KINDS, type Webhook, webhookPayload } from './domain/webhook.ts';
import { webhookRules } from './domain/webhook-input.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { NotificationDatabase } from './store/database.ts';
import { insertNotifications, type NewNotification } from './store/notifications.ts';
import { deliverToWebhooks } from './store/webhook-messages.ts';
import { insertWebhookSecret } from './store/webhook-secrets.ts';
import { insertWebhook } from './store/webhooks.ts';

/** Connects to a notification database. `takeStatements` returns the statements since its last call. */
export function connectDatabase(url: string) {
  const pool = createDatabasePool(parseConfig(databaseSettings('notification_db'), { DATABASE_URL: url }));
  const client = new PrismaClient({ adapter: prismaAdapter(pool), log: [{ emit: 'event', level: 'query' }] });
  const statements: string[] = [];
  client.$on('query', ({ query }) => statements.push(query));
  const database: NotificationDatabase = client;
  return { pool, database, sql: createSqlClient(pool), takeStatements: () => statements.splice(0) };
}

const TABLES = [
  'notifications',
  'contacts',
  'event_facts',
  'dead_letters',
  'inbox',
  'account_mails',
  'deleted_users',
  'webhooks',
  'webhook_secrets',
  'webhook_deliveries',
  'unassigned_messages',
  'event_bookings',
  'event_changes',
];

/** Creates a notification database for one test file. */
export async function createNotificationDatabase() {
  const { url, drop } = await createTestDatabase('notification');
  const { pool, database, sql, takeStatements } = connectDatabase(url);
  return {
    url,
    database,
    sql,
    takeStatements,
    async empty() {
      for (const table of TABLES) await pool.query(`DELETE FROM ${table}`);
    },
    async close() {
      await pool.end();
      await drop();
    },
  };
}

export const testSealer = createSealer(['a key for the secrets of tests']);
/** What the commands about webhooks need. */
export const testWebhooks = {
  worker: { nudge: () => undefined },
  sealer: testSealer,
  rules: webhookRules({ allowPrivate: false }),
};
export const TEST_SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** Adds an endpoint that receives all kinds, with TEST_SECRET. */
export async function addWebhook(
  database: NotificationDatabase,
  { url = `https://example.com/${newId()}`, userId = newId(), kinds = WEBHOOK_KINDS }: Partial<Webhook>,
): Promise<{ id: string; userId: string }> {
  const id = newId();
  await database.$transaction(async (transaction) => {
    await insertWebhook(transaction, { id, userId, url, kinds });
    const sealed = testSealer.seal(TEST_SECRET, id);
    await insertWebhookSecret(transaction, { id: newId(), webhookId: id, sealed });
  });
  return { id, userId };
}

/** Adds a message about an event of this organizer for their endpoints. Returns the id of the message. */
export async function sendToWebhooks(database: NotificationDatabase, organizerId: string): Promise<string> {
  const messageId = newId();
  const payload = webhookPayload('EVENT_UPDATED', new Date(0), { eventId: 'event-1' });
  const message = { messageId, organizerId, kind: 'EVENT_UPDATED', payload, requestId: 'a-request' } as const;
  await database.$transaction((transaction) => deliverToWebhooks(transaction, [message], newId));
  return messageId;
}

/** Adds notifications, newest last, and fills missing properties with defaults. Returns their ids. */
export async function addNotifications(
  database: NotificationDatabase,
  given: readonly Partial<NewNotification>[],
): Promise<string[]> {
  const notifications = given.map(
    (one): NewNotification => ({
      id: newId(),
      bookingId: newId(),
      userId: newId(),
      eventId: newId(),
      seatCount: 2,
      kind: 'BOOKING_CONFIRMED',
      channel: 'LOG',
      expiresAt: null,
      requestId: null,
      traceparent: null,
      reason: null,
      changeId: null,
      ...one,
    }),
  );
  await database.$transaction((transaction) => insertNotifications(transaction, notifications));
  return notifications.map(({ id }) => id);
}
