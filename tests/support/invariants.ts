import type { Connection } from 'mariadb';
import { expect, vi } from 'vitest';
import { openConnection } from '#platform/database/migrations.ts';
import { deadLetterStream } from '#platform/messaging/broker.ts';
import { createTestBroker } from '#platform/testing/messaging.ts';
import { CONTRACTS } from '#scripts/messages.ts';
import { PUBLISHERS } from '#services';
import type { TestSystem } from './system.ts';

const CONSUMERS = [deadLetterStream, ...Object.values(CONTRACTS).map(({ stream }) => stream)].flatMap(
  ({ consumers }) => consumers,
);

/** Opens a connection to one of a test system's databases. */
export const connectTo = (databaseUrl: string): Promise<Connection> => openConnection(databaseUrl);

/** Checks G1: for every event, confirmed and free seats add up to the total, and free seats are not negative. */
export async function expectSeatsAddUp(connection: Connection): Promise<void> {
  const wrong = await connection.query(
    `SELECT inventories.event_id, total_seats, available_seats, COALESCE(SUM(seat_count), 0) AS confirmed
     FROM inventories LEFT JOIN bookings ON bookings.event_id = inventories.event_id AND bookings.status = 'CONFIRMED'
     GROUP BY inventories.event_id, total_seats, available_seats
     HAVING available_seats < 0 OR confirmed + available_seats <> total_seats`,
  );
  expect(wrong).toEqual([]);
}

/** Checks G3 and G5: the outbox is empty and every booking and cancellation has exactly one notification. */
export async function expectAllNotified(system: TestSystem): Promise<void> {
  const [bookings, notifications] = await Promise.all([
    connectTo(system.databaseUrls.booking),
    connectTo(system.databaseUrls.notification),
  ]);
  try {
    await vi.waitFor(
      async () => {
        const unpublished = await bookings.query('SELECT id FROM outbox WHERE published_at IS NULL');
        expect(unpublished).toEqual([]);
        const due = await bookings.query<{ id: string; kind: string }[]>(
          `SELECT id, 'BOOKING_CONFIRMED' AS kind FROM bookings
           UNION ALL SELECT id, 'BOOKING_CANCELLED' FROM bookings WHERE status = 'CANCELLED'`,
        );
        const made = await notifications.query<{ id: string; kind: string }[]>(
          'SELECT booking_id AS id, kind FROM notifications',
        );
        const sorted = (rows: readonly { id: string; kind: string }[]) => rows.map(({ id, kind }) => id + kind).sort();
        expect(sorted(made)).toEqual(sorted(due));
      },
      { timeout: 60_000, interval: 250 },
    );
  } finally {
    await Promise.all([bookings.end(), notifications.end()]);
  }
}

/**
 * Checks the guarantees that must hold within a minute after every fault: G1, G2, G3 and G5.
 * @param acknowledged the ids of all bookings that clients got. The database must contain exactly these bookings.
 */
export async function expectNothingLostNorDoubled(
  system: TestSystem,
  { acknowledged, deadLetters = 0 }: { acknowledged: readonly string[]; deadLetters?: number },
): Promise<void> {
  await expectAllNotified(system);
  await expectNothingPending(system, deadLetters);
  const bookings = await connectTo(system.databaseUrls.booking);
  try {
    await expectSeatsAddUp(bookings);
    const rows = await bookings.query<{ id: string }[]>('SELECT id FROM bookings ORDER BY id');
    expect(rows.map(({ id }) => id)).toEqual(acknowledged.toSorted());
  } finally {
    await bookings.end();
  }
}

/** Checks G5: every outbox is empty, every message is acknowledged, and there are `deadLetters` dead letters. */
export async function expectNothingPending(system: TestSystem, deadLetters = 0): Promise<void> {
  const databases = await Promise.all(PUBLISHERS.map((name) => connectTo(system.databaseUrls[name])));
  const notifications = await connectTo(system.databaseUrls.notification);
  const broker = createTestBroker({ url: system.natsUrl, prefix: system.natsPrefix });
  try {
    const { manager } = await broker.jetStream();
    await vi.waitFor(
      async () => {
        for (const database of databases) {
          expect(await database.query('SELECT id FROM outbox WHERE published_at IS NULL')).toEqual([]);
        }
        const names = await manager.streams.names().next();
        const own = names.filter((name) => name.startsWith(broker.resourceName('')));
        const consumers = (await Promise.all(own.map((name) => manager.consumers.list(name).next()))).flat();
        expect(consumers).toHaveLength(CONSUMERS.length);
        for (const { name, num_pending, num_ack_pending } of consumers) {
          expect({ name, num_pending, num_ack_pending }).toEqual({ name, num_pending: 0, num_ack_pending: 0 });
        }
        const letters = await notifications.query('SELECT consumer, subject, reason FROM dead_letters');
        expect(letters).toHaveLength(deadLetters);
      },
      { timeout: 60_000, interval: 100 },
    );
  } finally {
    await Promise.all([broker.close(), ...[...databases, notifications].map((database) => database.end())]);
  }
}
