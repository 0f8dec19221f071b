import { v7 as newId } from 'uuid';
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { createSqlClient } from '#platform/database/transactions.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase } from '#platform/testing/database.ts';
import { PrismaClient } from './generated/prisma/client.ts';
import type { NotificationDatabase } from './store/database.ts';
import { insertNotifications, type NewNotification } from './store/notifications.ts';

/** Connects to a notification database. `takeStatements` returns the statements since its last call. */
export function connectDatabase(url: string) {
  const pool = createDatabasePool(parseConfig(databaseSettings('notification_db'), { DATABASE_URL: url }));
  const client = new PrismaClient({ adapter: prismaAdapter(pool), log: [{ emit: 'event', level: 'query' }] });
  const statements: string[] = [];
  client.$on('query', ({ query }) => statements.push(query));
  const database: NotificationDatabase = client;
  return { pool, database, sql: createSqlClient(pool), takeStatements: () => statements.splice(0) };
}

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
      for (const table of [
        ...['notifications', 'contacts', 'event_facts', 'dead_letters', 'inbox'],
        ...['account_mails', 'deleted_users', 'event_bookings', 'event_changes'],
      ]) {
        await pool.query(`DELETE FROM ${table}`);
      }
    },
    async close() {
      await pool.end();
      await drop();
    },
  };
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
