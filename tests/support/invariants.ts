import { type Connection, createConnection } from 'mariadb';
import { expect, vi } from 'vitest';
import type { TestSystem } from './system.ts';

/** A connection to one of a test system's databases. */
export function connectTo(databaseUrl: string): Promise<Connection> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const account = { host: hostname, port: Number(port), user: username, password };
  return createConnection({ ...account, database: pathname.slice(1) });
}

/** G1: confirmed seats and available seats are the total seats of every event, and none is below zero. */
export async function expectSeatsAddUp(connection: Connection): Promise<void> {
  const wrong = await connection.query(
    `SELECT inventories.event_id, total_seats, available_seats, COALESCE(SUM(seat_count), 0) AS confirmed
     FROM inventories LEFT JOIN bookings ON bookings.event_id = inventories.event_id AND bookings.status = 'CONFIRMED'
     GROUP BY inventories.event_id, total_seats, available_seats
     HAVING available_seats < 0 OR confirmed + available_seats <> total_seats`,
  );
  expect(wrong).toEqual([]);
}

/** G3, G5: the outbox is empty and every booking and cancellation has exactly one notification. */
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
